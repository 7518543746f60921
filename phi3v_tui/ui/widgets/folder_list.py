"""The names in a folder, or any list of files and folders."""

from collections.abc import Container, Iterable

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from phi3v_tui.interface.plain_text import on_one_line
from phi3v_tui.ui.folder import FolderEntry, Kind


class FolderList(OptionList, can_focus=False):
    """Entries, one a row; whoever has the keys moves the choice.

    Attributes:
        entries: As shown, from top to bottom.
    """

    def __init__(self, id: str) -> None:
        """Make an empty list."""
        super().__init__(id=id, compact=True)
        self.entries: list[FolderEntry] = []
        self._offered: int | None = None

    @property
    def chosen(self) -> FolderEntry | None:
        """The highlighted entry."""
        index = self.highlighted
        return self.entries[index] if index is not None and index < len(self.entries) else None

    @property
    def picked(self) -> FolderEntry | None:
        """The entry that somebody moved to; None while it is the one that came with the list."""
        return self.chosen if self.highlighted != self._offered else None

    def show(
        self,
        entries: list[FolderEntry],
        marked: Container[str] = (),
        choice: int | None = 0,
        chosen: FolderEntry | None = None,
    ) -> None:
        """Show other entries.

        Args:
            entries: What to show.
            marked: Names with a mark.
            choice: Row to highlight; None takes the first picture.
            chosen: Entry to highlight instead, if it is among them; it counts as picked.
        """
        self.entries = list(entries)
        self._offered = None
        self.clear_options()
        self.add_options(Option(label(item, item.name in marked)) for item in entries)
        if entries:
            names = [item.name for item in entries]
            if chosen and chosen.name in names:
                self.highlighted = names.index(chosen.name)
            else:
                self._offered = _first_picture(entries) if choice is None else choice
                self.highlighted = self._offered

    def mark(self, index: int, is_marked: bool) -> None:
        """Put a mark on a row, or take it off."""
        self.replace_option_prompt_at_index(index, label(self.entries[index], is_marked))

    def learn(self, kinds: dict[str, Kind], marked: Container[str]) -> None:
        """Show what files turned out to be."""
        for index, item in enumerate(self.entries):
            kind = kinds.get(item.name, item.kind)
            if kind is not item.kind:
                self.entries[index] = item._replace(kind=kind)
                self.mark(index, item.name in marked)

    def move(self, by: int) -> None:
        """Move the choice, as far as there are rows."""
        if self.option_count:
            self.highlighted = max(0, min((self.highlighted or 0) + by, self.option_count - 1))


def _first_picture(entries: Iterable[FolderEntry]) -> int:
    """The row of the first picture, which is what people come for; 0 if there is none."""
    rows = (row for row, item in enumerate(entries) if item.kind is Kind.PICTURE)
    return next(rows, 0)


def label(item: FolderEntry, is_marked: bool = False) -> Content:
    """A name in the colour of its kind, safe to draw."""
    name = on_one_line(item.name)
    match item.kind:
        case Kind.FOLDER:
            words = Content.styled(f"{name}/", "$primary")
        case Kind.PICTURE:
            words = Content(name)
        case Kind.OTHER:
            words = Content.styled(name, "$muted")
    return Content.assemble(("✓ ", "$accent bold"), words) if is_marked else words
