"""Choose a picture file."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.folder import MOST_HITS, FolderEntry, Kind, list_folder, matching
from phi3v_tui.ui.plain_text import drawable
from phi3v_tui.ui.terminal import ImageMode
from phi3v_tui.ui.widgets.image_preview import ImagePreview

_FILTER_AFTER_SECONDS = 0.08
_PREVIEW_AFTER_SECONDS = 0.12
_PARENT = FolderEntry("..", Kind.FOLDER)


class FilterInput(Input):
    """The filter; deleting where nothing is left is news."""

    class Emptied(Message):
        """Backspace was pressed in the empty filter."""

    def action_delete_left(self) -> None:
        """Delete a character, or tell that there is none."""
        if self.value:
            super().action_delete_left()
        else:
            self.post_message(self.Emptied())


class FilePickerScreen(ModalScreen[Attachment | None]):
    """Browse folders, filter by typing, look, and attach."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(self, folder: Path, mode: ImageMode, limits: Callable[[], Limits | None]) -> None:
        """Open at a folder.

        Args:
            folder: Where to begin.
            mode: How the preview is drawn.
            limits: For the cost of a picture in tokens; gives None while the model loads.
        """
        super().__init__()
        self.folder = folder
        self._mode = mode
        self._limits = limits
        self._entries: list[FolderEntry] = []
        self._shown: list[FolderEntry] = []
        self._filter_timer: Timer | None = None
        self._preview_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Path, filter, names beside a preview, keys."""
        with Vertical(id="picker"):
            yield Static(id="folder", markup=False)
            yield FilterInput(placeholder="Type to filter, or a path", id="filter", compact=True)
            with Horizontal(id="choice"):
                yield OptionList(id="names", compact=True)
                yield ImagePreview(self._mode, "picker-preview")
            yield Static(
                "Enter attaches or opens · ↑↓ move · Backspace parent folder · Esc cancels",
                id="picker-keys",
                markup=False,
            )

    async def on_mount(self) -> None:
        """List the first folder."""
        self.query_one("#picker").border_title = "Attach a picture"
        self.query_one(OptionList).can_focus = False
        self._enter(self.folder)

    def action_cancel(self) -> None:
        """Leave without a picture."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move the choice while the filter keeps the keys."""
        names = self.query_one(OptionList)
        if names.option_count:
            names.highlighted = max(0, min((names.highlighted or 0) + by, names.option_count - 1))

    @on(FilterInput.Emptied)
    def _leave_folder(self) -> None:
        self._enter(self.folder.parent)

    @on(Input.Changed)
    def _filter_soon(self) -> None:
        if self._filter_timer:
            self._filter_timer.stop()
        self._filter_timer = self.set_timer(_FILTER_AFTER_SECONDS, self._show_matching)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        if path := _typed_path(event.value, self.folder):
            self._open(path)
            return
        self._show_matching()
        chosen = self._highlighted()
        if chosen is not None:
            self._open(chosen)

    @on(OptionList.OptionHighlighted)
    def _preview_soon(self) -> None:
        if self._preview_timer:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(_PREVIEW_AFTER_SECONDS, self._preview)

    @on(OptionList.OptionSelected)
    def _take_clicked(self) -> None:
        if path := self._highlighted():
            self._open(path)

    def _highlighted(self) -> Path | None:
        index = self.query_one(OptionList).highlighted
        if index is None or index >= len(self._shown):
            return None
        name = self._shown[index].name
        return self.folder.parent if name == ".." else self.folder / name

    @work(group="open", exclusive=True)
    async def _open(self, path: Path) -> None:
        if await asyncio.to_thread(path.is_dir):
            self._enter(path)
            return
        try:
            self.dismiss(await asyncio.to_thread(Attachment.from_path, path))
        except AttachmentError as error:
            self.query_one(ImagePreview).explain(str(error))

    @work(group="list", exclusive=True)
    async def _enter(self, folder: Path) -> None:
        try:
            entries = await asyncio.to_thread(list_folder, folder)
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            self.query_one(ImagePreview).explain(f"{folder} cannot be opened: {reason}.")
            return
        self.folder = folder
        self._entries = [_PARENT, *entries] if folder != folder.parent else entries
        self.query_one("#folder", Static).update(Content(drawable(_short(folder))))
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self._show_matching()

    def _show_matching(self) -> None:
        wanted = self.query_one(Input).value
        hits = matching(self._entries, wanted) if wanted else _unfiltered(self._entries)
        self._shown = hits[:MOST_HITS]
        names = self.query_one(OptionList)
        names.clear_options()
        names.add_options(Option(_label(entry)) for entry in self._shown)
        if self._shown:
            names.highlighted = _first_choice(self._shown, bool(wanted))
        self._tell_count(len(hits))

    def _tell_count(self, hits: int) -> None:
        picker = self.query_one("#picker")
        more = hits - len(self._shown)
        picker.border_subtitle = f"{more:,} more: type to narrow down" if more else ""
        if not hits:
            self.query_one(ImagePreview).explain("No file here has this in its name.")

    def _preview(self) -> None:
        path = self._highlighted()
        if path is not None:
            self._preview_path(path)

    @work(group="preview", exclusive=True)
    async def _preview_path(self, path: Path) -> None:
        preview = self.query_one(ImagePreview)
        if await asyncio.to_thread(path.is_dir):
            preview.explain("")
            return
        try:
            attachment = await asyncio.to_thread(Attachment.from_path, path)
        except AttachmentError as error:
            preview.explain(str(error))
            return
        preview.limits = self._limits()
        preview.attachment = attachment


def _short(folder: Path) -> str:
    """A folder as people write it, with ~ for the home folder."""
    home = Path.home()
    return str("~" / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)


def _unfiltered(entries: list[FolderEntry]) -> list[FolderEntry]:
    return [entry for entry in entries if entry is _PARENT or not entry.name.startswith(".")]


def _first_choice(shown: list[FolderEntry], is_filtered: bool) -> int:
    """The first hit when filtering; else the first picture, which is what people come for."""
    if is_filtered:
        return 0
    pictures = (i for i, entry in enumerate(shown) if entry.kind is Kind.PICTURE)
    return next(pictures, 0)


def _label(entry: FolderEntry) -> Content:
    name = drawable(entry.name).replace("\n", "␊")
    match entry.kind:
        case Kind.FOLDER:
            return Content.styled(f"{name}/", "$primary")
        case Kind.PICTURE:
            return Content(name)
        case Kind.OTHER:
            return Content.styled(name, "$muted")


def _typed_path(text: str, folder: Path) -> Path | None:
    """A path that was typed into the filter; None if it is a filter."""
    if "/" not in text and text not in ("~", ".."):
        return None
    return (folder / Path(text).expanduser()).resolve()
