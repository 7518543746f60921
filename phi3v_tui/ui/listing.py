"""What the picker lists and how, and what was marked in it."""

from dataclasses import dataclass, field
from pathlib import Path

from phi3v_tui.interface.plain_text import short_path
from phi3v_tui.ui.folder import FolderEntry, Hits, Kind, Order, entry, matching


@dataclass
class Listing:
    """A folder, or the recent folders in place of one.

    Attributes:
        folder: Where paths begin.
        title: What is listed where it is no folder; else empty.
        order: What is sorted by.
        shows_hidden: Whether hidden files and folders are listed without being asked for.
        entries: All there is.
        kinds: What files turned out to be, by name.
        marked: Files to be attached together, in the order of marking.
    """

    folder: Path
    title: str = ""
    order: Order = Order.NAME
    shows_hidden: bool = False
    entries: list[FolderEntry] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    marked: list[Path] = field(default_factory=list)

    def take_folder(self, folder: Path, entries: list[FolderEntry]) -> None:
        """List what is in a folder, and the way up."""
        is_top = folder == folder.parent
        self.folder, self.title = folder, ""
        self.entries = entries if is_top else [entry("..", Kind.FOLDER), *entries]

    def take_folders(self, folders: list[Path]) -> None:
        """List the folders that were used last."""
        self.title = "Recent folders; Backspace goes back" if folders else "No folder was used yet"
        self.entries = [entry(str(folder), Kind.FOLDER) for folder in folders]

    @property
    def place(self) -> str:
        """What is listed, in words."""
        return self.title or short_path(self.folder)

    @property
    def above(self) -> Path:
        """Where going back leads."""
        return self.folder if self.title else self.folder.parent

    def path(self, chosen: FolderEntry) -> Path:
        """Where an entry is."""
        return self.folder.parent if chosen.name == ".." else self.folder / chosen.name

    def hits(self, wanted: str) -> Hits:
        """What matches a filter."""
        return matching(self.entries, wanted, self.shows_hidden)

    def switch_order(self) -> None:
        """Sort by name, or the newest first."""
        self.order = Order.NEWEST if self.order is Order.NAME else Order.NAME

    def mark(self, path: Path) -> bool:
        """Mark a file, or take its mark off.

        Returns:
            Whether it is marked now.
        """
        is_marked = path not in self.marked
        if is_marked:
            self.marked.append(path)
        else:
            self.marked.remove(path)
        return is_marked

    @property
    def marked_names(self) -> set[str]:
        """The names with a mark among the entries."""
        return {path.name for path in self.marked if path.parent == self.folder}

    def remarks(self, reading: str, unshown: int) -> str:
        """How it is listed, in words.

        Args:
            reading: What is going on.
            unshown: Hits beyond those that are listed.
        """
        parts = (
            reading,
            f"{len(self.marked)} marked" if self.marked else "",
            f"{unshown:,} more: type to narrow down" if unshown else "",
            str(self.order) if self.order is not Order.NAME else "",
            "hidden files too" if self.shows_hidden else "",
        )
        return " · ".join(filter(None, parts))
