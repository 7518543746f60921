"""What slash commands do in the app."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from phi3v_tui import choices, slash
from phi3v_tui.errors import (
    AttachmentError,
    CommandError,
    ModelError,
    SettingsError,
    StoreError,
)
from phi3v_tui.settings import in_words
from phi3v_tui.ui import conversation_commands, setting_commands

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_LONG_SECONDS = 15


async def obey(chat: "ChatScreen", text: str) -> bool:
    """Run the command that a submitted text calls; a mistaken one stays where it was typed.

    Returns:
        Whether the text was meant as a command; False for a prompt.
    """
    try:
        call = slash.read(text)
    except CommandError as error:
        _refuse(chat, error)
        return True
    if call is None:
        return False
    chat.composer.clear()
    try:
        await _RUN[call.command.name](chat, call.argument)
    except (AttachmentError, CommandError, ModelError, SettingsError, StoreError) as error:
        chat.composer.put_back(text)
        _refuse(chat, error)
    return True


async def begin(chat: "ChatScreen", command: slash.Command) -> None:
    """Run a command that takes nothing; type the beginning of one that takes something."""
    if command.arguments:
        _type(chat, f"/{command.name} ")
        return
    try:
        await _RUN[command.name](chat, "")
    except (AttachmentError, CommandError, SettingsError) as error:
        _refuse(chat, error)


def _type(chat: "ChatScreen", text: str) -> None:
    composer = chat.composer
    if composer.text:
        composer.past.add(composer.text)
        chat.notify("What was typed is kept: ↑ brings it back.")
    composer.text = text
    composer.move_cursor(composer.document.end)
    composer.focus()


def _refuse(chat: "ChatScreen", error: Exception) -> None:
    chat.notify(str(error), severity="warning", timeout=_LONG_SECONDS, markup=False)


def _action(name: str) -> Callable[["ChatScreen", str], Awaitable[None]]:
    async def run(chat: "ChatScreen", _: str) -> None:
        await chat.run_action(name)

    return run


async def _attach(chat: "ChatScreen", argument: str) -> None:
    chat.attach_named(argument)


async def _detach(chat: "ChatScreen", _: str) -> None:
    if not chat.attachment_bar.attachments:
        raise CommandError("No picture is attached.", "")
    chat.attachment_bar.remove_last()


async def _resume(chat: "ChatScreen", argument: str) -> None:
    await conversation_commands.reopen_earlier(chat, argument)


async def _save(chat: "ChatScreen", argument: str) -> None:
    conversation_commands.save(chat, argument)


async def _crops(chat: "ChatScreen", argument: str) -> None:
    setting_commands.change(chat, "num_crops", argument)


async def _system(chat: "ChatScreen", argument: str) -> None:
    setting_commands.change(chat, "system_prompt", argument)


async def _set(chat: "ChatScreen", argument: str) -> None:
    if argument:
        setting_commands.change(chat, *slash.name_and_value(argument))
        return
    words = in_words(choices.in_force(chat.conversation, chat.settings))
    chat.notify(words, title="Settings", timeout=_LONG_SECONDS, markup=False)


async def _model(chat: "ChatScreen", argument: str) -> None:
    if argument:
        await chat.switching.obey(argument)
    else:
        chat.switching.choose()


_RUN: dict[str, Callable[["ChatScreen", str], Awaitable[None]]] = {
    "attach": _attach,
    "paste": _action("paste_picture"),
    "detach": _detach,
    "new": _action("new_conversation"),
    "resume": _resume,
    "retry": _action("regenerate"),
    "copy": _action("copy_answer"),
    "save": _save,
    "crops": _crops,
    "system": _system,
    "model": _model,
    "set": _set,
    "help": _action("app.help"),
    "quit": _action("app.quit"),
}
