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
from phi3v_tui.ui.attaching import read_pictures, summary
from phi3v_tui.ui.folder import MOST_HITS, FolderEntry, Kind, list_folder, matching
from phi3v_tui.ui.plain_text import drawable, short_path
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


class FilePickerScreen(ModalScreen[list[Attachment]]):
    """Browse folders, filter by typing, look, and attach one picture or those marked."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS = [
        Binding("escape", "cancel", "Cancel"),
        Binding("tab", "mark", "Mark", show=False, priority=True),
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
        self._marked: list[Path] = []
        self._unshown = 0
        self._filtered_by = ""
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
                "Enter attaches · Tab marks more · Backspace goes up · Esc cancels",
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
        self.dismiss([])

    def action_mark(self) -> None:
        """Mark the chosen file to be attached with others, or take the mark off; go on below."""
        self._filter_now()
        path, index = self._highlighted(), self.query_one(OptionList).highlighted
        if path is None or index is None or self._shown[index].kind is Kind.FOLDER:
            return
        if path in self._marked:
            self._marked.remove(path)
        else:
            self._marked.append(path)
        self._label_again(index)
        self._tell_count()
        self.action_move(1)

    def action_move(self, by: int) -> None:
        """Move the choice while the filter keeps the keys."""
        self._filter_now()
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
        self._filter_timer = self.set_timer(_FILTER_AFTER_SECONDS, self._filter_now)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        if path := _typed_path(event.value, self.folder):
            self._open(path)
            return
        self._filter_now()
        self._open_chosen()

    @on(OptionList.OptionHighlighted)
    def _preview_soon(self) -> None:
        if self._preview_timer:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(_PREVIEW_AFTER_SECONDS, self._preview)

    @on(OptionList.OptionSelected)
    def _take_clicked(self) -> None:
        self._open_chosen()

    def _open_chosen(self) -> None:
        """Open a folder, or attach: the marked files if there are any, else the chosen one."""
        index, path = self.query_one(OptionList).highlighted, self._highlighted()
        is_folder = index is not None and path and self._shown[index].kind is Kind.FOLDER
        if self._marked and not is_folder:
            self._attach_files(self._marked)
        elif path is not None:
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
        else:
            self._attach_files([path])

    @work(group="attach", exclusive=True)
    async def _attach_files(self, paths: list[Path]) -> None:
        read, errors = await read_pictures(paths)
        if errors:
            self.query_one(ImagePreview).explain(summary(errors))
        else:
            self.dismiss(read)

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
        self.query_one("#folder", Static).update(Content(short_path(folder)))
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self._show_matching()

    def _filter_now(self) -> None:
        """Catch up with what was typed, so that a key means what the person expects."""
        if self.query_one(Input).value != self._filtered_by:
            self._show_matching()

    def _show_matching(self) -> None:
        self._filtered_by = wanted = self.query_one(Input).value
        hits = matching(self._entries, wanted) if wanted else _unfiltered(self._entries)
        self._shown = hits[:MOST_HITS]
        names = self.query_one(OptionList)
        names.clear_options()
        names.add_options(Option(self._label(entry)) for entry in self._shown)
        if self._shown:
            names.highlighted = _first_choice(self._shown, bool(wanted))
        else:
            self.query_one(ImagePreview).explain("No file here has this in its name.")
        self._unshown = len(hits) - len(self._shown)
        self._tell_count()

    def _tell_count(self) -> None:
        marked = f"{len(self._marked)} marked: Enter attaches" if self._marked else ""
        more = f"{self._unshown:,} more: type to narrow down" if self._unshown else ""
        self.query_one("#picker").border_subtitle = " · ".join(filter(None, (marked, more)))

    def _label(self, entry: FolderEntry) -> Content:
        is_marked = self.folder / entry.name in self._marked
        return Content.assemble(("✓ ", "$accent bold") if is_marked else "", _name(entry))

    def _label_again(self, index: int) -> None:
        names = self.query_one(OptionList)
        names.replace_option_prompt_at_index(index, self._label(self._shown[index]))

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


def _unfiltered(entries: list[FolderEntry]) -> list[FolderEntry]:
    return [entry for entry in entries if entry is _PARENT or not entry.name.startswith(".")]


def _first_choice(shown: list[FolderEntry], is_filtered: bool) -> int:
    """The first hit when filtering; else the first picture, which is what people come for."""
    if is_filtered:
        return 0
    pictures = (i for i, entry in enumerate(shown) if entry.kind is Kind.PICTURE)
    return next(pictures, 0)


def _name(entry: FolderEntry) -> Content:
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
