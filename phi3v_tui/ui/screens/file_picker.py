"""Choose picture files."""

import os
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

from textual import events, on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.engine.base import Limits
from phi3v_tui.interface.plain_text import drawable, short_path
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.paths import expanded
from phi3v_tui.store.recent import RecentFolders
from phi3v_tui.ui.attaching import read_pictures, summary
from phi3v_tui.ui.background import in_thread, told, until_current
from phi3v_tui.ui.clickable import KeyHints
from phi3v_tui.ui.folder import FolderEntry, Kind, look_inside, read_folder
from phi3v_tui.ui.listing import Listing
from phi3v_tui.ui.widgets.chooses_first import ChoosesFirst
from phi3v_tui.ui.widgets.file_preview import FilePreview
from phi3v_tui.ui.widgets.folder_list import FolderList

_FILTER_AFTER_SECONDS = 0.08
_KEYS = (
    "Enter {} · Tab marks more · Backspace goes up · "
    "Ctrl+S sorts · Ctrl+T hidden · Ctrl+R recent folders · Esc closes"
)


class FilterInput(Input):
    """The filter; deleting where nothing is left is for the screen."""

    def action_delete_left(self) -> None:
        """Delete a character.

        Raises:
            SkipAction: There is none.
        """
        if not self.value:
            raise SkipAction
        super().action_delete_left()

    def _on_paste(self, event: events.Paste) -> None:
        """Take a file that was dropped, however its path is quoted."""
        paths = paths_in(event.text)
        if len(paths) == 1:
            event.text = str(paths[0])


class PickerList(ChoosesFirst, FolderList, can_focus=False):
    """The names; a click on one shows a preview of it."""


class FilePickerScreen(ModalScreen[list[Attachment]]):
    """Browse folders, filter by typing, look, and attach one picture or those marked."""

    BINDINGS = [
        Binding("escape", "cancel", "Close it without a picture"),
        Binding("enter", "take", "Open the folder, or attach what is chosen", priority=True),
        Binding("tab", "mark", "Mark it, to attach several", priority=True),
        Binding("backspace", "leave_folder", "In the empty filter: go up a folder"),
        Binding("up", "move(-1)", "Move in the list", priority=True),
        Binding("down", "move(1)", "Move in the list", priority=True),
        Binding("pageup", "move(-10)", "Move in the list", priority=True),
        Binding("pagedown", "move(10)", "Move in the list", priority=True),
        Binding("ctrl+s", "sort", "Sort by name, or the newest first", priority=True),
        Binding("ctrl+t", "hidden", "Show hidden files, or no longer", priority=True),
        Binding("ctrl+r", "recent", "List the folders used last", priority=True),
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
        self._listing = Listing(folder)
        self._recent = recent
        # Kept by reference: work that ends while the screen is taken down finds them no more.
        self.names = PickerList("names")
        self._preview = FilePreview(mode, "picker-preview", limits)
        self._filter = FilterInput(
            placeholder="Type to filter, or a path", id="filter", compact=True
        )
        self._place_line = Static(id="folder", markup=False)
        self._unshown = 0
        self._reading = ""
        self._filtered_by = ""
        self._filter_timer: Timer | None = None

    @property
    def folder(self) -> Path:
        """Where the person is."""
        return self._listing.folder

    def compose(self) -> ComposeResult:
        """Path, filter, names beside a preview, keys."""
        with Vertical(id="picker") as self._box:
            yield self._place_line
            yield self._filter
            with Horizontal(id="choice"):
                yield self.names
                yield self._preview
            self._keys = KeyHints(self, _KEYS.format("attaches"), id="picker-keys")
            yield self._keys

    async def on_mount(self) -> None:
        """List the first folder."""
        self._box.border_title = "Attach a picture"
        self._enter(self.folder)

    def action_cancel(self) -> None:
        """Leave without a picture."""
        self.dismiss([])

    def action_mark(self) -> None:
        """Mark the chosen file to be attached with others, or take the mark off; go on below."""
        self._filter_now()
        chosen, row = self.names.chosen, self.names.highlighted
        if chosen is None or row is None or chosen.kind is Kind.FOLDER:
            return
        self.names.mark(row, self._listing.mark(self._listing.path(chosen)))
        self._tell_count()
        self.names.move(1)

    def action_move(self, by: int) -> None:
        """Move the choice while the filter keeps the keys."""
        self._filter_now()
        self.names.move(by)

    def action_sort(self) -> None:
        """Sort by name, or the newest first."""
        self._listing.switch_order()
        self._enter(self.folder, keep_filter=True)

    def action_hidden(self) -> None:
        """Show hidden files and folders, or no longer."""
        self._listing.shows_hidden = not self._listing.shows_hidden
        self._show_matching(self.names.chosen)

    @work(group="list", exclusive=True)
    async def action_recent(self) -> None:
        """List the folders that were used last, instead of what is here."""
        self._listing.take_folders(await in_thread(self._recent.folders))
        self._show_listing(is_new=True)

    def action_leave_folder(self) -> None:
        """Go up a folder, or back to where the list of recent ones was asked for."""
        self._enter(self._listing.above)

    @on(Input.Changed)
    def _filter_soon(self) -> None:
        if self._filter_timer:
            self._filter_timer.stop()
        self._filter_timer = self.set_timer(_FILTER_AFTER_SECONDS, self._filter_now)

    def action_take(self) -> None:
        """Open the path that was typed or what is chosen."""
        if path := _typed_path(self._filter.value, self.folder):
            self._open(path)
            return
        self._filter_now()
        self._open_chosen()

    @on(OptionList.OptionHighlighted)
    def _preview_chosen(self) -> None:
        self._tell_keys()
        if chosen := self.names.chosen:
            self._preview.look_at(self._listing.path(chosen))

    @on(OptionList.OptionSelected)
    def _take_clicked(self) -> None:
        self._open_chosen()

    def _open_chosen(self) -> None:
        """Open a folder, or attach: the marked files if there are any, else the chosen one."""
        if self._would_attach_marked():
            self._attach_files(self._listing.marked)
        elif chosen := self.names.chosen:
            self._open(self._listing.path(chosen))

    def _would_attach_marked(self) -> bool:
        chosen = self.names.chosen
        return bool(self._listing.marked) and not (chosen and chosen.kind is Kind.FOLDER)

    @work(group="open", exclusive=True)
    async def _open(self, path: Path) -> None:
        if await in_thread(os.path.isdir, path):
            self._enter(path)
        else:
            self._attach_files([*dict.fromkeys([*self._listing.marked, path])])

    @work(group="attach", exclusive=True)
    async def _attach_files(self, paths: list[Path]) -> None:
        read, errors = await read_pictures(paths)
        if errors:
            self._preview.say(summary(errors))
        else:
            await in_thread(self._recent.remember, paths[-1].parent)
            await until_current(self)
            self.dismiss(read)

    @work(group="list", exclusive=True)
    async def _enter(self, folder: Path, typed: str = "", keep_filter: bool = False) -> None:
        """Show a folder; of one that is slow to read, what has come so far.

        What somebody chose stays chosen; until then it is what matches best of what has come.

        Args:
            folder: Which one.
            typed: How it was typed into the filter, where what comes behind that goes on as one.
            keep_filter: All of the filter does.
        """
        self._reading = f"Reading {short_path(folder)} …"
        self._tell_count()
        is_new = not keep_filter
        kept = self.names.chosen if keep_filter else None
        try:
            async with aclosing(
                told(partial(read_folder, folder, self._listing.order))
            ) as listings:
                async for entries in listings:
                    self._listing.take_folder(folder, entries)
                    self._show_listing(is_new, kept, typed)
                    is_new = False
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            self._preview.say(f"{folder} cannot be opened: {reason}.")
        self._reading = ""
        self._tell_count()

    def _show_listing(self, is_new: bool, kept: FolderEntry | None = None, typed: str = "") -> None:
        chosen = self.names.picked or kept
        if is_new:
            chosen = None
            self._listing.kinds = {}
            with self.prevent(Input.Changed):
                is_going_on = typed and self._filter.value.startswith(typed)
                self._filter.value = self._filter.value[len(typed) :] if is_going_on else ""
        self._place_line.update(Content(self._listing.place))
        self._show_matching(chosen)

    def _filter_now(self) -> None:
        """Catch up with what was typed, so that a key means what the person expects."""
        if "/" in self._filter.value:
            self._follow_path(self._filter.value)
        elif self._filter.value != self._filtered_by:
            self._show_matching()

    @work(group="open", exclusive=True)
    async def _follow_path(self, text: str) -> None:
        """Go where a path that is being typed leads; what follows its last slash filters there."""
        typed = text[: text.rindex("/") + 1]
        folder = _typed_path(typed, self.folder)
        if folder is not None and await in_thread(os.path.isdir, folder):
            self._enter(folder, typed)
        else:
            self._preview.say(f"There is no folder {drawable(typed)}")

    def _show_matching(self, chosen: FolderEntry | None = None) -> None:
        """Show what matches, and keep the choice where it was where that is wanted."""
        self._filtered_by = wanted = self._filter.value
        hits = self._listing.hits(wanted)
        marked = self._listing.marked_names
        self.names.show(hits.entries, marked, 0 if wanted else None, chosen)
        if not hits.entries:
            self._preview.say("No file here has this in its name.")
        self._unshown = hits.count - len(hits.entries)
        self._tell_count()
        self._look_inside()

    @work(group="look", exclusive=True)
    async def _look_inside(self) -> None:
        """Tell pictures by their content; names that were looked at before are known."""
        listing = self._listing
        self.names.learn(listing.kinds, listing.marked_names)
        unknown = [item for item in self.names.entries if item.name not in listing.kinds]
        async with aclosing(told(partial(look_inside, self.folder, unknown))) as findings:
            async for kinds in findings:
                listing.kinds |= kinds
                self.names.learn(kinds, listing.marked_names)

    def _tell_count(self) -> None:
        self._box.border_subtitle = Content(self._listing.remarks(self._reading, self._unshown))
        self._tell_keys()

    def _tell_keys(self) -> None:
        """Say above all what Enter does now: with files marked, it leaves the chosen one out."""
        chosen = self.names.chosen
        if self._would_attach_marked():
            count = len(self._listing.marked)
            does = f"attaches the {count} marked" if count > 1 else "attaches the marked one"
        else:
            does = "opens it" if chosen and chosen.kind is Kind.FOLDER else "attaches"
        self._keys.say(_KEYS.format(does))


def _typed_path(text: str, folder: Path) -> Path | None:
    """A path that was typed into the filter; None if it is a filter."""
    if "/" not in text and text not in ("~", ".."):
        return None
    return Path(os.path.abspath(folder / expanded(text)))
