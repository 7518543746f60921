"""Names that complete a path typed after an @, above where it is typed."""

from dataclasses import dataclass
from pathlib import Path

from textual import work
from textual.binding import Binding
from textual.message import Message

from phi3v_tui.ui.at_path import AtPath
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.folder import FolderEntry, Kind, known_inside, list_folder, matching
from phi3v_tui.ui.keys import meanings
from phi3v_tui.ui.widgets.folder_list import FolderList

_MOST_ROWS = 8
_BORDER_ROWS = 2
_STEPS = {"up": -1, "down": 1, "pageup": -_MOST_ROWS, "pagedown": _MOST_ROWS}

COMPLETION_KEYS = (
    Binding(",".join(_STEPS), "move", "Move among the names"),
    Binding("enter,tab", "take", "Take a name: a folder opens, a picture is attached"),
    Binding("escape", "leave", "Close the names"),
)
"""Keys while names are shown."""

_MEANINGS = meanings(COMPLETION_KEYS)


class PathCompletion(FolderList):
    """Folders and pictures; the composer keeps the focus and hands over keys."""

    @dataclass
    class Taken(Message):
        """A name was taken.

        Attributes:
            at: The path that it completes.
            name: The name.
            path: Where it leads.
            is_folder: Whether to go on in it.
        """

        at: AtPath
        name: str
        path: Path
        is_folder: bool

    class Toggled(Message):
        """Names are shown now, or no longer."""

    def __init__(self) -> None:
        """Begin closed."""
        super().__init__("completion")
        self.display = False
        self._at: AtPath | None = None
        self._closed_at: int | None = None
        self._folder: Path | None = None
        self._names: list[FolderEntry] = []

    @property
    def is_open(self) -> bool:
        """Whether names are shown; only then are keys taken."""
        return bool(self.display)

    def follow(self, at: AtPath | None) -> None:
        """Complete what is being typed now, or nothing."""
        if at is None or at.start == self._closed_at:
            self._closed_at = self._closed_at if at else None
            self._close()
        elif at != self._at:
            self._at = at
            self._complete(at)

    def take_key(self, key: str) -> bool:
        """Do what a key means here; False if it means nothing here."""
        if not self.is_open or self._at is None:
            return False
        match _MEANINGS.get(key):
            case "move":
                self.move(_STEPS[key])
            case "take":
                self._take()
            case "leave":
                self._closed_at = self._at.start
                self._close()
            case _:
                return False
        return True

    def on_option_list_option_selected(self) -> None:
        """Take what was clicked."""
        self._take()

    def _take(self) -> None:
        at, chosen = self._at, self.chosen
        self._close()
        if at is not None and chosen is not None:
            path = at.listed() / chosen.name
            self.post_message(self.Taken(at, chosen.name, path, chosen.kind is Kind.FOLDER))

    def _close(self) -> None:
        self._toggle(False)
        self._at = self._folder = None

    @work(exclusive=True)
    async def _complete(self, at: AtPath) -> None:
        folder = at.listed()
        if folder != self._folder:
            try:
                self._names = await in_thread(list_folder, folder)
            except OSError:
                self._names = []
        hits = matching(self._names, at.wanted).entries
        known = await in_thread(known_inside, folder, hits)
        if self._at == at:  # the person may have typed on
            self._folder = folder
            self._offer([item for item in known if item.kind is not Kind.OTHER])

    def _offer(self, entries: list[FolderEntry]) -> None:
        self.show(entries)
        rows = min(len(entries), _MOST_ROWS) + _BORDER_ROWS
        self.styles.height = rows
        self.styles.offset = (0, -rows)
        self._toggle(bool(entries))

    def _toggle(self, is_open: bool) -> None:
        if self.is_open is not is_open:
            self.display = is_open
            self.post_message(self.Toggled())
