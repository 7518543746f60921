"""Looks for words in the conversation."""

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input, Label

from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.clickable import KeyHints, fitting
from phi3v_tui.ui.finding import Finder, Occurrences, pattern
from phi3v_tui.ui.widgets.message_view import Entry
from phi3v_tui.ui.widgets.transcript_view import TranscriptView

_AFTER_SECONDS = 0.15
_KEYS = ("↑ before", "↓ after", "Esc closes")
_WORDS_AT_LEAST = 26


class SearchBar(Horizontal):
    """A line with the words, the place among the matches, and keys; hidden while not in use."""

    BINDINGS = [
        Binding("escape", "close", "Close the search"),
        Binding("enter,up,shift+f3", "step(-1)", "The match before", priority=True),
        Binding("down,f3", "step(1)", "The match after", priority=True),
    ]

    def __init__(self, transcript: TranscriptView) -> None:
        """Look for nothing yet.

        Args:
            transcript: Where to look.
        """
        super().__init__()
        self._transcript = transcript
        self._finder = Finder()
        self._found = Occurrences()
        self._words = ""
        self._searched: list[Entry] = []
        self._place = 0
        self._timer: Timer | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Words, place, keys."""
        yield Label("Find ", markup=False)
        yield Input(compact=True, select_on_focus=True)
        yield KeyHints(self, "", id="search-count")

    def open(self) -> None:
        """Ask for words; those of the last time are there."""
        self.display = True
        self.query_one(Input).focus()
        self._look_beside()

    def action_close(self) -> None:
        """Mark nothing any more, and give the keys back to the composer."""
        self.display = False
        self._finder = Finder()
        self._transcript.mark(None)
        self.screen.query_one("#composer").focus()

    async def action_step(self, by: int) -> None:
        """Go to another match; where the words are new, to the last one."""
        is_new = self._words != self._typed
        if is_new or self._searched != self._transcript.entries:
            await self._look()
        if self._found and not is_new:
            self._place = (self._place + by) % len(self._found)
            await self._show()

    @on(Input.Changed)
    def _look_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_AFTER_SECONDS, self._look_beside)

    @property
    def _typed(self) -> str:
        return self.query_one(Input).value

    @work(exclusive=True)
    async def _look_beside(self) -> None:
        """Look while keys are taken."""
        await self._look()

    async def _look(self) -> None:
        """Find the words, and show the last place; the one from before where it is still there."""
        words, entries = self._typed, list(self._transcript.entries)
        wanted = pattern(words)
        found = await in_thread(self._finder.find, entries, wanted)
        if not self.display or words != self._typed:
            return
        kept = None
        if words == self._words and self._found:
            kept = found.place(*self._found.at(self._place))
        self._words, self._searched, self._found = words, entries, found
        self._place = len(found) - 1 if kept is None else kept
        self._transcript.mark(wanted)
        await self._show()

    async def _show(self) -> None:
        self._say()
        if self._found:
            await self._transcript.reveal_match(*self._found.at(self._place))

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._say()

    def _say(self) -> None:
        words = [f"Enter {_KEYS[0]}", *_KEYS[1:]]
        if self._found:
            words = [f"{self._place + 1:,} of {len(self._found):,}", *_KEYS]
        elif self._words:
            words = ["not found", _KEYS[-1]]
        room = self.size.width - _WORDS_AT_LEAST
        self.query_one(KeyHints).say(fitting(words, room))
