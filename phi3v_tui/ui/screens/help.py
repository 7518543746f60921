"""All keys, as they are bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static, TextArea

from phi3v_tui.slash import COMMANDS
from phi3v_tui.ui.keys import EVERYWHERE, KEYS, meanings, rows
from phi3v_tui.ui.screens.choice import ChoiceScreen
from phi3v_tui.ui.screens.context_full import ContextFullScreen
from phi3v_tui.ui.screens.conversation_form import ConversationFormScreen
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.screens.models import ModelsScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen
from phi3v_tui.ui.widgets.attachment_bar import AttachmentChip
from phi3v_tui.ui.widgets.boxes import ScrolledBox
from phi3v_tui.ui.widgets.composer import TYPING_KEYS, Composer
from phi3v_tui.ui.widgets.downloads import DownloadRow
from phi3v_tui.ui.widgets.message_view import PictureLine
from phi3v_tui.ui.widgets.other_messages import OtherMessages
from phi3v_tui.ui.widgets.path_completion import COMPLETION_KEYS
from phi3v_tui.ui.widgets.search_bar import SearchBar
from phi3v_tui.ui.widgets.status_bar import StatusBar
from phi3v_tui.ui.widgets.transcript_view import TranscriptView

_MOST_KEY_CELLS = 26
_NO_KEYS = (
    ("@", "Completes a path"),
    ("Paste, drop", "A picture, its path or its address attaches it"),
)
_MOUSE = (
    ("Click", "A message: chooses it; a picture: shows it; a key that is named: does it"),
    ("Drag", "Selects words, which Ctrl+C copies; moves the picture in the viewer"),
    ("Wheel", "Scrolls; zooms in the viewer"),
)
_ROWS = [widget.BINDINGS for widget in (AttachmentChip, PictureLine, DownloadRow, OtherMessages)]
_FORM = ConversationFormScreen
_IN_LIST = (("↑, ↓, PgUp, PgDn", "Move in the list"), ("Enter", "Take the chosen one"))
_STATUS = (
    ("12.3 tok/s", "Tokens of the last answer in a second"),
    ("first token 0.4 s", "How long reading the prompt took"),
    ("530 reused", "Tokens of the prompt that need not be read again"),
    ("2.1 GB", "Memory that the model takes"),
    ("context 940 + 36 of 8,192", "Tokens taken, what the draft adds, what fits"),
    ("~940+~36/8.2k", "The same where the line is short; ~ is about"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together.

    Attributes:
        title: Of the group.
        rows: Keys and what they do.
        holders: What they belong to, if not to the chat.
    """

    title: str
    rows: Sequence[tuple[str, str]]
    holders: tuple[type[Widget], ...] = ()


def _bound(*bindings: Sequence[BindingType]) -> list[tuple[str, str]]:
    return rows(b for some in bindings for b in some if isinstance(b, Binding))


def _editing() -> list[tuple[str, str]]:
    """What else a field does with keys, for those that do not know it from elsewhere."""
    taken = meanings([*KEYS, *TYPING_KEYS]).keys() | {"left", "right"}
    own = [b for b in TextArea.BINDINGS if isinstance(b, Binding)]
    return rows(b for b in own if not taken & set(b.key.split(",")) and "shift" not in b.key)


def groups() -> tuple[Group, ...]:
    """All of them."""
    return (
        Group("Typing", (*_bound(TYPING_KEYS), *_NO_KEYS)),
        Group("In the chat", _bound(KEYS, Composer.BINDINGS)),
        Group("Everywhere", _bound(EVERYWHERE)),
        Group("A chosen message", _bound(TranscriptView.BINDINGS)),
        Group("Commands, typed as a prompt", [(item.usage, item.help) for item in COMMANDS]),
        Group("The mouse", _MOUSE),
        Group("In the last line", _STATUS, (StatusBar,)),
        Group("Names after an @", _bound(COMPLETION_KEYS)),
        Group("Finding words", _bound(SearchBar.BINDINGS)),
        Group("Pictures and rows, reached by Tab and Shift+Tab", _bound(*_ROWS)),
        Group("Attaching a picture", _bound(FilePickerScreen.BINDINGS), (FilePickerScreen,)),
        Group("The viewer", _bound(ImageViewerScreen.BINDINGS), (ImageViewerScreen,)),
        Group("Conversations", _bound(SessionsScreen.BINDINGS), (SessionsScreen,)),
        Group("System prompt and sampling", _bound(_FORM.BINDINGS), (_FORM,)),
        Group("Models", (*_IN_LIST, *_bound(ModelsScreen.BINDINGS)), (ModelsScreen,)),
        Group(
            "Questions",
            (*_IN_LIST, *_bound(ChoiceScreen.BINDINGS, ContextFullScreen.BINDINGS)),
            (ChoiceScreen, ContextFullScreen),
        ),
        Group("The full model", _bound(DownloadOfferScreen.BINDINGS), (DownloadOfferScreen,)),
        Group("These keys", _bound(HelpScreen.BINDINGS)),
        Group("Editing", _editing()),
    )


class KeyRows(Widget):
    """Keys beside what they do or, where that would be too narrow, above it."""

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        """List keys.

        Args:
            rows: Keys and what they do.
        """
        super().__init__()
        self._rows = rows

    def render(self) -> Table:
        """The rows, in the width that there is."""
        accent = self.app.theme_variables["accent"]
        is_tight = self.screen.has_class("-tight")
        return _stacked(self._rows, accent) if is_tight else _side_by_side(self._rows, accent)


def _stacked(rows: Sequence[tuple[str, str]], accent: str) -> Table:
    table = Table.grid(expand=True)
    for keys, words in rows:
        table.add_row(Text(keys, accent))
        table.add_row(Padding(Text(words), (0, 0, 0, 2)))
    return table


def _side_by_side(rows: Sequence[tuple[str, str]], accent: str) -> Table:
    """Two columns, each wrapped by itself."""
    table = Table.grid(padding=(0, 2, 0, 0))
    widest = max(len(line) for keys, _ in rows for line in wrap(keys, _MOST_KEY_CELLS))
    table.add_column(style=accent, width=widest)
    table.add_column(ratio=1)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


class HelpScreen(ModalScreen[None]):
    """The keys, in groups."""

    BINDINGS = [Binding("escape,q,enter", "dismiss", "Close it")]

    def __init__(self, about: type[Widget]) -> None:
        """List keys.

        Args:
            about: What is to be in sight, such as the keys of a screen.
        """
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """Groups of keys, then the commands."""
        with ScrolledBox(id="help"):
            for group in groups():
                title = Static(group.title, classes="help-title", markup=False)
                title.set_class(self._about in group.holders, "-sought")
                yield title
                yield KeyRows(group.rows)

    def on_mount(self) -> None:
        """Name the box, and go to what is sought."""
        box = self.query_one("#help", ScrolledBox)
        box.border_title = "Keys"
        box.keys = "↑ ↓ scroll · Esc closes"
        for title in self.query(".-sought"):
            self.call_after_refresh(box.scroll_to_widget, title, animate=False, top=True)
