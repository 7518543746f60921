"""The command palette."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from phi3v_tui import slash
from phi3v_tui.ui import slash_commands
from phi3v_tui.ui.keys import EVERYWHERE, KEYS, key_names
from phi3v_tui.ui.screens.chat import ChatScreen
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.transcript_view import MESSAGE_KEYS

_MESSAGE = "Message: "


def commands(app: App[int], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """What the palette offers on a screen: what its keys do, by their words, and the themes."""
    if isinstance(screen, ChatScreen):
        yield from _of_keys(screen, [*KEYS, *Composer.BINDINGS])
        yield from _of_keys(screen, MESSAGE_KEYS, _MESSAGE)
        yield from _of_slashes(screen)
        if command := screen.full_model.command:
            yield SystemCommand(*command)
    else:
        yield from _of_keys(screen, screen.BINDINGS)
    yield from _of_keys(screen, EVERYWHERE)
    yield SystemCommand(
        "Change the theme",
        "Dark, light, high contrast; the choice is kept",
        app.action_change_theme,
    )


def _of_keys(
    screen: Screen[Any], bindings: Sequence[BindingType], of: str = ""
) -> Iterator[SystemCommand]:
    """What each key does, but for those that several keys do in several ways, such as moving."""
    own = [binding for binding in bindings if isinstance(binding, Binding)]
    often = Counter(binding.description for binding in own)
    for binding in own:
        words = binding.description
        if often[words] == 1:
            title = f"{of}{words[0].lower()}{words[1:]}" if of else words
            yield SystemCommand(title, key_names(binding.key), _action(screen, binding.action))


def _of_slashes(chat: ChatScreen) -> Iterator[SystemCommand]:
    for command in slash.COMMANDS:
        yield SystemCommand(
            f"Command {command.usage}", command.help, partial(slash_commands.begin, chat, command)
        )


def _action(screen: Screen[Any], action: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await screen.run_action(action)

    return run
