"""Choose picture files."""

from collections.abc import Callable
from contextlib import aclosing
from functools import partial
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

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.store.recent import RecentFolders
from phi3v_tui.ui.attaching import read_pictures, summary
from phi3v_tui.ui.background import in_thread, told
from phi3v_tui.ui.folder import FolderEntry, Kind, Order, entry, look_inside, matching, read_folder
from phi3v_tui.ui.plain_text import short_path
from phi3v_tui.ui.terminal import ImageMode
from phi3v_tui.ui.widgets.folder_list import FolderList
from phi3v_tui.ui.widgets.image_preview import ImagePreview

_FILTER_AFTER_SECONDS = 0.08
_PREVIEW_AFTER_SECONDS = 0.12
_LIMITS_EVERY_SECONDS = 0.5
_KEYS = (
    "Enter attaches · Tab marks more · Backspace goes up · "
    "Ctrl+S sorts · Ctrl+T hidden files · Ctrl+R recent folders"
)


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
        Binding("ctrl+s", "sort", "Sort by name, or the newest first", priority=True),
        Binding("ctrl+t", "hidden", "Show hidden files", priority=True),
        Binding("ctrl+r", "recent", "Recent folders", priority=True),
    ]

    def __init__(
        self,
        folder: Path,
        mode: ImageMode,
        limits: Callable[[], Limits | None],
        recent: RecentFolders,
    ) -> None:
        """Open at a folder.

        Args:
            folder: Where to begin.
            mode: How the preview is drawn.
            limits: For the cost of a picture in tokens; gives None while the model loads.
            recent: The folders that were used last.
        """
        super().__init__()
        self.folder = folder
        self._limits = limits
        self._recent = recent
        self._order = Order.NAME
        self._show_hidden = False
        self._entries: list[FolderEntry] = []
        self._kinds: dict[str, Kind] = {}
        self._marked: list[Path] = []
        # Kept by reference: work that ends while the screen is taken down finds them no more.
        self.names = FolderList("names")
        self._preview = ImagePreview(mode, "picker-preview")
        self._filter = FilterInput(
            placeholder="Type to filter, or a path", id="filter", compact=True
        )
        self._place_line = Static(id="folder", markup=False)
        self._unshown = 0
        self._place = ""
        self._remark = ""
        self._filtered_by = ""
        self._filter_timer: Timer | None = None
        self._preview_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Path, filter, names beside a preview, keys."""
        with Vertical(id="picker") as self._box:
            yield self._place_line
            yield self._filter
            with Horizontal(id="choice"):
                yield self.names
                yield self._preview
            yield Static(_KEYS, id="picker-keys", markup=False)

    async def on_mount(self) -> None:
        """List the first folder."""
        self._box.border_title = "Attach a picture"
        self._enter(self.folder)
        self.set_interval(_LIMITS_EVERY_SECONDS, self._learn_limits)

    def _learn_limits(self) -> None:
        """Show costs once the model has been loaded."""
        self._preview.limits = self._limits()

    def action_cancel(self) -> None:
        """Leave without a picture."""
        self.dismiss([])

    def action_mark(self) -> None:
        """Mark the chosen file to be attached with others, or take the mark off; go on below."""
        self._filter_now()
        chosen, row, path = self.names.chosen, self.names.highlighted, self._chosen_path()
        if chosen is None or row is None or path is None or chosen.kind is Kind.FOLDER:
            return
        is_marked = path not in self._marked
        if is_marked:
            self._marked.append(path)
        else:
            self._marked.remove(path)
        self.names.mark(row, is_marked)
        self._tell_count()
        self.names.move(1)

    def action_move(self, by: int) -> None:
        """Move the choice while the filter keeps the keys."""
        self._filter_now()
        self.names.move(by)

    def action_sort(self) -> None:
        """Sort by name, or the newest first."""
        self._order = Order.NEWEST if self._order is Order.NAME else Order.NAME
        self._enter(self.folder, keep_filter=True)

    def action_hidden(self) -> None:
        """Show hidden files and folders, or no longer."""
        self._show_hidden = not self._show_hidden
        self._show_matching(self.names.chosen)

    @work(group="list", exclusive=True)
    async def action_recent(self) -> None:
        """List the folders that were used last, instead of what is here."""
        recent = await in_thread(self._recent.folders)
        self._place = "Recent folders; Backspace goes back" if recent else "No folder was used yet"
        self._take_entries([entry(str(folder), Kind.FOLDER) for folder in recent], is_new=True)

    @on(FilterInput.Emptied)
    def _leave_folder(self) -> None:
        self._enter(self.folder if self._place else self.folder.parent)

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
        self._preview_timer = self.set_timer(_PREVIEW_AFTER_SECONDS, self._preview_chosen)

    @on(OptionList.OptionSelected)
    def _take_clicked(self) -> None:
        self._open_chosen()

    def _open_chosen(self) -> None:
        """Open a folder, or attach: the marked files if there are any, else the chosen one."""
        chosen, path = self.names.chosen, self._chosen_path()
        if self._marked and not (chosen and chosen.kind is Kind.FOLDER):
            self._attach_files(self._marked)
        elif path is not None:
            self._open(path)

    def _chosen_path(self) -> Path | None:
        chosen = self.names.chosen
        if chosen is None:
            return None
        return self.folder.parent if chosen.name == ".." else self.folder / chosen.name

    @work(group="open", exclusive=True)
    async def _open(self, path: Path) -> None:
        if await in_thread(path.is_dir):
            self._enter(path)
        else:
            self._attach_files([path])

    @work(group="attach", exclusive=True)
    async def _attach_files(self, paths: list[Path]) -> None:
        read, errors = await read_pictures(paths)
        if errors:
            self._preview.explain(summary(errors))
        else:
            await in_thread(self._recent.remember, paths[-1].parent)
            self.dismiss(read)

    @work(group="list", exclusive=True)
    async def _enter(self, folder: Path, keep_filter: bool = False) -> None:
        """Show a folder; of one that is slow to read, what has come so far."""
        self._remark = f"Reading {short_path(folder)} …"
        self._tell_count()
        is_new = not keep_filter
        try:
            async with aclosing(told(partial(read_folder, folder, self._order))) as listings:
                async for entries in listings:
                    self.folder, self._place = folder, ""
                    self._take_entries(_with_parent(folder, entries), is_new)
                    is_new = False
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            self._preview.explain(f"{folder} cannot be opened: {reason}.")
        self._remark = ""
        self._tell_count()

    def _take_entries(self, entries: list[FolderEntry], is_new: bool) -> None:
        self._entries = entries
        chosen = self.names.chosen
        if is_new:
            chosen = None
            self._kinds = {}
            with self.prevent(Input.Changed):
                self._filter.value = ""
        words = self._place or short_path(self.folder)
        self._place_line.update(Content(words))
        self._show_matching(chosen)

    def _filter_now(self) -> None:
        """Catch up with what was typed, so that a key means what the person expects."""
        if self._filter.value != self._filtered_by:
            self._show_matching()

    def _show_matching(self, chosen: FolderEntry | None = None) -> None:
        """Show what matches, and keep the choice where it was where that is wanted."""
        self._filtered_by = wanted = self._filter.value
        hits = matching(self._entries, wanted, self._show_hidden)
        self.names.show(hits.entries, self._marked_names(), 0 if wanted else None, chosen)
        if not hits.entries:
            self._preview.explain("No file here has this in its name.")
        self._unshown = hits.count - len(hits.entries)
        self._tell_count()
        self._look_inside()

    @work(group="look", exclusive=True)
    async def _look_inside(self) -> None:
        """Tell pictures by their content; names that were looked at before are known."""
        self.names.learn(self._kinds, self._marked_names())
        unknown = [item for item in self.names.entries if item.name not in self._kinds]
        async with aclosing(told(partial(look_inside, self.folder, unknown))) as findings:
            async for kinds in findings:
                self._kinds |= kinds
                self.names.learn(kinds, self._marked_names())

    def _tell_count(self) -> None:
        parts = (
            self._remark,
            f"{len(self._marked)} marked: Enter attaches" if self._marked else "",
            f"{self._unshown:,} more: type to narrow down" if self._unshown else "",
            str(self._order) if self._order is not Order.NAME else "",
            "hidden files too" if self._show_hidden else "",
        )
        self._box.border_subtitle = " · ".join(filter(None, parts))

    def _marked_names(self) -> set[str]:
        return {path.name for path in self._marked if path.parent == self.folder}

    def _preview_chosen(self) -> None:
        path = self._chosen_path()
        if path is not None:
            self._preview_path(path)

    @work(group="preview", exclusive=True)
    async def _preview_path(self, path: Path) -> None:
        if await in_thread(path.is_dir):
            self._preview.explain("")
            return
        try:
            attachment = await in_thread(Attachment.from_path, path)
        except AttachmentError as error:
            self._preview.explain(str(error))
            return
        self._preview.limits = self._limits()
        self._preview.attachment = attachment


def _with_parent(folder: Path, entries: list[FolderEntry]) -> list[FolderEntry]:
    return [entry("..", Kind.FOLDER), *entries] if folder != folder.parent else entries


def _typed_path(text: str, folder: Path) -> Path | None:
    """A path that was typed into the filter; None if it is a filter."""
    if "/" not in text and text not in ("~", ".."):
        return None
    return (folder / Path(text).expanduser()).resolve()
