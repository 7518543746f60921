"""Asks whether to download a model."""

from enum import Enum

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from phi3v_tui.engine.full_model import Offer
from phi3v_tui.interface.plain_text import byte_size, drawable, short_path
from phi3v_tui.ui.widgets.boxes import Box


class Choice(Enum):
    """What the person wants."""

    YES = "Yes, download it"
    NOT_NOW = "Not now"
    NEVER = "Never ask again"


class DownloadOfferScreen(ModalScreen[Choice]):
    """Size, place, free space; yes, not now or never.

    No letter is a key, and unless the person asked for it the harmless answer has the focus: what
    is being typed when this appears must not start a download.
    """

    BINDINGS = [
        Binding("escape", "not_now", "Not now"),
        Binding("left,up", "app.focus_previous", "The answer before"),
        Binding("right,down", "app.focus_next", "The next answer"),
    ]

    def __init__(self, offer: Offer, is_asked_for: bool = False) -> None:
        """Ask about an offer.

        Args:
            offer: What there is to download.
            is_asked_for: The person chose it: it makes no sense to ask never again.
        """
        super().__init__()
        self._offer = offer
        self._first = Choice.YES if is_asked_for else Choice.NOT_NOW
        self._choices = [Choice.YES, Choice.NOT_NOW] if is_asked_for else list(Choice)

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        offer = self._offer
        with Box(id="offer"):
            yield Static(drawable(_question(offer)), markup=False)
            yield Static(drawable(offer.reason), classes="offer-reason", markup=False)
            with Horizontal(id="offer-choices"):
                for choice in self._choices:
                    yield Button(choice.value, id=choice.name.lower(), compact=True)

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#offer", Box)
        box.border_title = "The full model"
        box.keys = "Tab moves · Enter chooses · Esc: not now"
        self.query_one(f"#{self._first.name.lower()}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Hand the choice over."""
        self.dismiss(Choice[str(event.button.id).upper()])

    def action_not_now(self) -> None:
        """Ask again at the next start."""
        self.dismiss(Choice.NOT_NOW)


def _question(offer: Offer) -> str:
    what = byte_size(offer.size) if offer.size else "what is missing"
    return (
        f"Download {what} of {offer.model} to {short_path(offer.folder)}, where"
        f" {byte_size(offer.free)} are free? The model in use answers meanwhile, and what breaks"
        " off goes on later."
    )
