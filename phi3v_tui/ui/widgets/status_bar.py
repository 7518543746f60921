"""The line at the bottom."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from phi3v_tui.engine.events import Loaded
from phi3v_tui.ui.plain_text import drawable


class StatusBar(Horizontal):
    """Model and device to the left; context used, speed and the way to help to the right."""

    model: reactive[str] = reactive("")
    activity: reactive[str] = reactive("")
    is_unsaved: reactive[bool] = reactive(False)
    context_used: reactive[int | None] = reactive(None)
    context_length: reactive[int | None] = reactive(None)
    tokens_per_second: reactive[float | None] = reactive(None)

    def compose(self) -> ComposeResult:
        """Two halves."""
        yield Static(id="status-left", markup=False)
        yield Static(id="status-right", markup=False)

    def on_mount(self) -> None:
        """Show what is known, and again whenever it changes."""
        for name in ("model", "activity", "is_unsaved"):
            self.watch(self, name, self._show_left)
        for name in ("context_used", "context_length", "tokens_per_second"):
            self.watch(self, name, self._show_right)

    def name_model(self, loaded: Loaded) -> None:
        """Show the model that is ready."""
        self.model = f"{loaded.model} · {loaded.device}"
        self.activity = ""

    def _show_left(self) -> None:
        parts = [
            (drawable(self.model), "bold"),
            (drawable(self.activity), "$muted"),
            ("Not saved" if self.is_unsaved else "", "$error"),
        ]
        shown = [Content.styled(text, style) for text, style in parts if text]
        self.query_one("#status-left", Static).update(Content("  ").join(shown))

    def _show_right(self) -> None:
        parts = [self._context_words(), self._speed_words(), "F1 help"]
        text = "   ".join(part for part in parts if part)
        self.query_one("#status-right", Static).update(Content.styled(text, "$muted"))

    def _context_words(self) -> str:
        if self.context_length is None:
            return ""
        if self.context_used is None:
            return f"context {self.context_length:,}"
        return f"context {self.context_used:,} of {self.context_length:,}"

    def _speed_words(self) -> str:
        if self.tokens_per_second is None:
            return ""
        return f"{self.tokens_per_second:.1f} tok/s"
