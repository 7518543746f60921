"""System prompt and sampling of a conversation."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static, TextArea

from phi3v_tui.choices import as_typed
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError
from phi3v_tui.ui.widgets.boxes import Box

_FIELDS = (
    ("temperature", "0 takes the most likely word; up to 2 is more varied"),
    ("top_p", "above 0, up to 1: share of the likeliest words"),
    ("seed", "makes answers repeatable; empty takes a fresh one"),
    ("max_new_tokens", "longest answer, 1 or more"),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen for one conversation.

    Attributes:
        system_prompt: What the model is told before the first turn.
        sampling: How answers are chosen; None leaves it to the settings.
    """

    system_prompt: str
    sampling: SamplingParams | None


class ConversationFormScreen(ModalScreen[Choices | None]):
    """A form; gives what was chosen, None where it was left."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Close it; nothing changes"),
        Binding("ctrl+s", "keep", "Keep what is typed; so does Enter in a line", priority=True),
        Binding("ctrl+r", "reset", "Fill in what the settings say", priority=True),
    ]

    def __init__(self, system_prompt: str, sampling: SamplingParams, usual: Choices) -> None:
        """Show what holds now.

        Args:
            system_prompt: Of the conversation.
            sampling: Of the conversation.
            usual: As in the settings; its sampling is not None.
        """
        super().__init__()
        self._system_prompt = system_prompt
        self._sampling = sampling
        self._usual = usual

    def compose(self) -> ComposeResult:
        """One field below the other."""
        with Box(classes="modal") as box:
            box.border_title = "This conversation"
            box.keys = "Ctrl+S keeps · Esc leaves · Ctrl+R as in the settings"
            yield Label("System prompt", markup=False)
            yield TextArea(self._system_prompt, compact=True, tab_behavior="focus")
            for name, words in _FIELDS:
                with Horizontal(classes="field"):
                    yield Label(name, markup=False)
                    yield Input(as_typed(getattr(self._sampling, name)), id=name, compact=True)
                yield Static(words, classes="field-words", markup=False)
            yield Static(classes="form-error", markup=False)

    def on_mount(self) -> None:
        """Begin at the top, with the name of the first field in sight."""
        self.call_after_refresh(self.query_one(Box).scroll_home, animate=False)

    def action_reset(self) -> None:
        """Fill in the settings."""
        assert self._usual.sampling is not None
        self.query_one(TextArea).text = self._usual.system_prompt
        for name, _ in _FIELDS:
            self.query_one(f"#{name}", Input).value = as_typed(getattr(self._usual.sampling, name))

    def on_input_submitted(self) -> None:
        """Keep what was typed."""
        self.action_keep()

    def action_keep(self) -> None:
        """Keep what was typed, or say what is wrong with it."""
        seed = self._typed("seed")
        try:
            sampling = SamplingParams(
                _number("temperature", self._typed("temperature")),
                _number("top_p", self._typed("top_p")),
                _whole("seed", seed) if seed else None,
                _whole("max_new_tokens", self._typed("max_new_tokens")),
            )
        except SettingsError as error:
            self.query_one(".form-error", Static).update(str(error))
            return
        own = None if sampling == self._usual.sampling else sampling
        self.dismiss(Choices(self.query_one(TextArea).text.strip(), own))

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"{name} cannot be {text!r}.", "Type a number.") from None


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{name} cannot be {text!r}.", "Type a whole number.") from None
