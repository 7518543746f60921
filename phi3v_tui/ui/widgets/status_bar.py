"""The line at the bottom."""

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive

from phi3v_tui.engine.events import Finished, Loaded, Usage
from phi3v_tui.interface.plain_text import byte_size, drawable, short_time
from phi3v_tui.ui.clickable import acting
from phi3v_tui.ui.tokens import ContextShare, Tokens
from phi3v_tui.ui.widgets.growing import ChangingText

_LEFT_AT_LEAST = 24
_GAP = "   "
_HELP = "F1 help"


class StatusBar(Horizontal):
    """Model, device and activity to the left; figures and the way to help to the right.

    Where the line is short, the figures that matter least go first. A click on the model lists
    models, one on a figure explains the figures.
    """

    model: reactive[str] = reactive("", repaint=False)
    activity: reactive[str] = reactive("", repaint=False)
    is_unsaved: reactive[bool] = reactive(False, repaint=False)
    context_used: reactive[Tokens | None] = reactive(None, repaint=False)
    draft: reactive[Tokens | None] = reactive(None, repaint=False)
    context_length: reactive[int | None] = reactive(None, repaint=False)
    tokens_per_second: reactive[float | None] = reactive(None, repaint=False)
    last: reactive[Finished | None] = reactive(None, repaint=False)

    def compose(self) -> ComposeResult:
        """Two halves."""
        yield ChangingText(id="status-left", markup=False)
        yield ChangingText(id="status-right", markup=False)

    def on_mount(self) -> None:
        """Show what is known, and again whenever it changes."""
        for name in ("model", "activity", "is_unsaved"):
            self.watch(self, name, self._show_left)
        for name in ("context_used", "draft", "context_length", "tokens_per_second", "last"):
            self.watch(self, name, self._show_right)

    def on_resize(self) -> None:
        """Fold or unfold the figures."""
        self._show_right()

    def name_model(self, loaded: Loaded) -> None:
        """Show the model that is ready."""
        self.model = f"{loaded.model} · {loaded.device}"
        self.activity = ""

    def forget_answer(self) -> None:
        """Show nothing of the last answer; the model's memory stays."""
        self.tokens_per_second = None
        if self.last is not None:
            self.last = replace(self.last, usage=Usage(0, 0, 0, 0))

    def forget_model(self) -> None:
        """Show nothing of the model that has gone."""
        self.model = ""
        self.context_used = self.draft = self.context_length = None
        self.tokens_per_second = self.last = None

    def _show_left(self) -> None:
        parts = (
            acting(drawable(self.model), "screen.choose_model", "bold"),
            Content.styled(drawable(self.activity), "$muted"),
            acting("Not saved" if self.is_unsaved else "", "screen.save_transcript", "$error"),
        )
        shown = Content("  ").join(part for part in parts if part)
        self.query_one("#status-left", ChangingText).show(shown)
        self._show_right()

    def _show_right(self) -> None:
        if not self.is_mounted:
            return
        width = self.size.width - self._left_width() - 2
        share = ContextShare(self.context_used, self.draft, self.context_length)
        context = str(share)
        text = _fold(self._figures(context), width)
        if context not in text or self._speed() not in text:
            context = share.short
            text = _fold(self._figures(context), width)
        figures = acting(text.removesuffix(_HELP), "app.explain_figures", "$muted")
        if text.endswith(_HELP):
            figures += acting(_HELP, "app.help", "$muted")
        if share.is_too_much and context in text:
            start = text.index(context)
            figures = figures.stylize("$warning", start, start + len(context))
        self.query_one("#status-right", ChangingText).show(figures)

    def _left_width(self) -> int:
        parts = filter(None, (self.model, self.activity, "Not saved" * self.is_unsaved))
        return max(_LEFT_AT_LEAST, Content("  ".join(parts)).cell_length)

    def _figures(self, context: str) -> list[tuple[str, int]]:
        """Each figure in words and how much it matters, in the order of showing."""
        first, reused, memory = self._last_words()
        return [
            (memory, 1),
            (reused, 2),
            (first, 3),
            (self._speed(), 4),
            (context, 5),
            (_HELP, 6),
        ]

    def _speed(self) -> str:
        speed = self.tokens_per_second
        return f"{speed:,.{0 if speed >= 100 else 1}f} tok/s" if speed else ""

    def _last_words(self) -> tuple[str, str, str]:
        if self.last is None:
            return "", "", ""
        usage, memory = self.last.usage, self.last.memory
        return (
            f"first token {short_time(self.last.timings.prefill)} s"
            if usage.completion_tokens
            else "",
            f"{usage.reused_tokens:,} reused" if usage.reused_tokens else "",
            byte_size(memory) if memory else "",
        )


def _fold(figures: list[tuple[str, int]], width: int) -> str:
    """The figures that fit into a width, without those that matter least."""
    shown = [(words, weight) for words, weight in figures if words]
    while shown:
        text = _GAP.join(words for words, _ in shown)
        if len(text) <= width:
            return text
        shown.remove(min(shown, key=lambda figure: figure[1]))
    return ""
