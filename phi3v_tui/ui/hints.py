"""What can be done now, in a few words below the composer."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeGuard

from textual.binding import Binding, BindingType
from textual.widget import Widget

from phi3v_tui import slash
from phi3v_tui.ui import message_commands
from phi3v_tui.ui.keys import key_name
from phi3v_tui.ui.widgets.attachment_bar import AttachmentChip
from phi3v_tui.ui.widgets.downloads import DownloadRow
from phi3v_tui.ui.widgets.message_view import PictureLine
from phi3v_tui.ui.widgets.other_messages import OtherMessages

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_TYPING = ("Enter sends", "Ctrl+J new line", "@ completes a path")
_FIRST = ("Enter sends", "Ctrl+O attaches", "Ctrl+J new line", "Ctrl+P commands")
_NEXT = ("Enter sends", "Ctrl+O attaches", "Ctrl+↑ chooses a message", "Ctrl+P commands")
_WITH_PICTURES = ("Enter sends", "Backspace takes the picture back", "F3 views it")
_ANSWERING = ("Esc stops the answer", "Enter sends once it has ended")
_EDITING = ("Enter sends", "Esc leaves it", "Ctrl+J new line")
_EDITING_AMID_ANSWER = ("Enter sends once the answer has ended", "Esc leaves it")
_COMPLETING = ("Enter takes the name", "↑ ↓ choose", "Esc closes")
_UNFINISHED = ("Enter sends", "F5 goes on with the answer", "Ctrl+R answers again")
_MOST_NAMED = 6


def hints(chat: "ChatScreen") -> Sequence[str]:
    """What fits the moment, what matters most first."""
    if chat.search_bar.has_focus_within:
        return ()  # the bar names its own keys
    if chosen := chat.transcript.chosen:
        return message_commands.hint(chat, chosen.turn)
    if is_row(chat.focused):
        return _of_keys(chat.focused.BINDINGS)
    if chat.composer.completion.is_open:
        return _COMPLETING
    if commands := slash.matching(chat.composer.text):
        return [_of_commands(commands)]
    if chat.asking.editing is not None:
        return _EDITING_AMID_ANSWER if chat.is_answering else _EDITING
    if chat.is_answering:
        return _ANSWERING
    if chat.composer.text:
        return _TYPING
    if chat.attachment_bar.attachments:
        return _WITH_PICTURES
    path = chat.conversation.path()
    if not path:
        return _FIRST
    return _UNFINISHED if message_commands.can_go_on(chat, path[-1]) else _NEXT


def is_row(widget: Widget | None) -> TypeGuard[Widget]:
    """Whether something has keys of its own, and is not typed into."""
    return isinstance(widget, AttachmentChip | PictureLine | DownloadRow | OtherMessages)


def _of_commands(commands: Sequence[slash.Command]) -> str:
    if len(commands) == 1:
        return f"{commands[0].usage}: {commands[0].help}"
    names = [f"/{command.name}" for command in commands[:_MOST_NAMED]]
    return " ".join([*names, "…"] if len(commands) > _MOST_NAMED else names)


def _of_keys(bindings: Iterable[BindingType]) -> Sequence[str]:
    own = (binding for binding in bindings if isinstance(binding, Binding))
    return [*(f"{key_name(b.key)}: {b.description.lower()}" for b in own), "Esc back"]
