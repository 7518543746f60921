"""The command palette."""

from collections.abc import Awaitable, Callable, Iterator

from textual.app import App, SystemCommand
from textual.screen import Screen

from phi3v_tui.ui.keys import KEYS
from phi3v_tui.ui.screens.chat import ChatScreen
from phi3v_tui.ui.screens.help import key_name


def commands(app: App[int], screen: Screen) -> Iterator[SystemCommand]:
    """What the palette offers: every key of the chat by its words, and the themes."""
    for key in KEYS:
        yield SystemCommand(key.description, key_name(key.key), _action(screen, key.action))
    if isinstance(screen, ChatScreen) and (command := screen.full_model.command):
        yield SystemCommand(*command)
    yield SystemCommand(
        "Change the theme",
        "Dark, light, high contrast; the choice is kept",
        app.action_change_theme,
    )


def _action(screen: Screen, action: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await screen.run_action(action)

    return run
