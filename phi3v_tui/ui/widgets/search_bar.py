"""Looks for words in the conversation."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from phi3v_tui.ui.finding import matching, pattern
from phi3v_tui.ui.widgets.transcript_view import TranscriptView

_AFTER_SECONDS = 0.15
_KEYS = "Enter or ↑ before · ↓ after · Esc closes"


class SearchBar(Horizontal):
    """A line with the words, the place among the matches, and keys; hidden while not in use."""

    BINDINGS = [
        Binding("escape", "close", "Close"),
        Binding("up,shift+f3", "step(-1)", "The match before"),
        Binding("down,f3", "step(1)", "The match after"),
    ]

    def __init__(self, transcript: TranscriptView) -> None:
        """Look for nothing yet.

        Args:
            transcript: Where to look.
        """
        super().__init__()
        self._transcript = transcript
        self._found: list[str] = []
        self._words = ""
        self._place = 0
        self._timer: Timer | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Words, place, keys."""
        yield Label("Find ", markup=False)
        yield Input(compact=True, select_on_focus=True)
        yield Static(_KEYS, id="search-count", markup=False)

    def open(self) -> None:
        """Ask for words; those of the last time are there."""
        self.display = True
        self.query_one(Input).focus()
        self._look()

    def action_close(self) -> None:
        """Mark nothing any more, and give the keys back to the composer."""
        self.display = False
        self._transcript.mark(None)
        self.screen.query_one("#composer").focus()

    async def action_step(self, by: int) -> None:
        """Go to another match."""
        if not self._is_current():
            self._look()
        elif self._found:
            self._place = (self._place + by) % len(self._found)
            await self._show()

    @on(Input.Submitted)
    async def _go_back(self) -> None:
        await self.action_step(-1)

    @on(Input.Changed)
    def _look_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_AFTER_SECONDS, self._look)

    def _look(self) -> None:
        wanted = pattern(self.query_one(Input).value)
        self._words = self.query_one(Input).value
        self._found = matching(self._transcript.entries, wanted)
        self._place = len(self._found) - 1
        self._transcript.mark(wanted)
        self.call_later(self._show)

    def _is_current(self) -> bool:
        return self._words == self.query_one(Input).value

    async def _show(self) -> None:
        words = _KEYS
        if self._found:
            words = f"{self._place + 1:,} of {len(self._found):,} messages · ↑ ↓"
            await self._transcript.reveal(self._found[self._place])
        elif self._words:
            words = "no message has these words"
        self.query_one("#search-count", Static).update(words)
