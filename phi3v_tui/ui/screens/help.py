"""All keys."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from phi3v_tui.slash import COMMANDS
from phi3v_tui.ui.widgets.transcript_view import MESSAGE_KEYS

_TYPING = (
    ("Enter", "Send; while an answer comes, once it has ended"),
    ("Ctrl+J", "New line; or end a line with \\ and press Enter"),
    ("Shift+Enter", "New line, where the terminal can tell it from Enter"),
    ("@", "Completes a path: Enter takes a name, Esc closes"),
    ("Paste, drop", "A picture's path attaches the picture"),
    ("Up, Down", "At the edge of the prompt: what was sent before"),
    ("Backspace", "In an empty prompt: takes the last picture back, or what waits"),
    ("Shift+Tab", "To the pictures: Enter shows one, Delete takes it back"),
)
_READING = (
    ("PgUp PgDn", "Scroll the conversation"),
    ("Ctrl+Home/End", "To its beginning, to its end"),
    ("Ctrl+C", "Copy what is selected with the mouse"),
    ("Ctrl+P", "Everything by name, and the colours"),
)
_STATUS = (
    ("context 940 + 36 of 8,192", "Tokens taken, what the draft adds, what fits"),
    ("~940+~36/8.2k", "The same where the line is short; ~ is about"),
)
_SLASH = tuple((item.usage, item.help) for item in COMMANDS)


class HelpScreen(ModalScreen[None]):
    """The keys, in groups."""

    BINDINGS = [Binding("escape,f1,q,enter", "dismiss", "Close")]

    def __init__(self, commands: Iterable[Binding]) -> None:
        """List keys.

        Args:
            commands: The chat's own bindings.
        """
        super().__init__()
        self._commands = [(key_name(item.key), item.description) for item in commands]

    def compose(self) -> ComposeResult:
        """Groups of keys, then the commands."""
        with VerticalScroll(id="help"):
            for title, rows in (
                ("Typing", _TYPING),
                ("Doing", self._commands),
                ("With a chosen message", [(key_name(k.key), k.description) for k in MESSAGE_KEYS]),
                ("Reading", _READING),
                ("In the last line", _STATUS),
                ("Commands, typed as a prompt", _SLASH),
            ):
                yield Static(title, classes="help-title", markup=False)
                yield Static(_table(rows), classes="help-rows", markup=False)

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#help")
        box.border_title = "Keys"
        box.border_subtitle = "Esc closes"


def key_name(key: str) -> str:
    """A key as people write it: ctrl+o is Ctrl+O."""
    names = {"escape": "Esc"}
    return "+".join(names.get(part, part.capitalize()) for part in key.split(",")[0].split("+"))


def _table(rows: Sequence[tuple[str, str]]) -> Content:
    width = 2 + max(len(key) for key, _ in rows)
    lines = [Content.assemble((f"{key:<{width}}", "$accent"), text) for key, text in rows]
    return Content("\n").join(lines)
