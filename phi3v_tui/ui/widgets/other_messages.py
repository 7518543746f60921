"""The row that stands for messages that are no widgets."""

from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Static


class OtherMessages(Static, can_focus=True):
    """The row that stands for messages above or below."""

    BINDINGS = [Binding("enter,space", "bring", "Show more of them")]

    @dataclass
    class Wanted(Message):
        """The person wants to see some of them."""

        are_above: bool

    def __init__(self, is_above: bool) -> None:
        """Stand for none yet; for earlier ones above the others, or for later ones below."""
        super().__init__(markup=False)
        self._is_above = is_above

    def action_bring(self) -> None:
        """Bring some of them back."""
        self.post_message(self.Wanted(self._is_above))

    def on_click(self) -> None:
        """Bring some of them back."""
        self.action_bring()

    def count(self, hidden: int) -> None:
        """Say how many there are."""
        noun = "message" if hidden == 1 else "messages"
        words = "▲ {:,} earlier {}" if self._is_above else "▼ {:,} later {}"
        self.update(f"{words.format(hidden, noun)}: click or press Enter to show more")
        self.display = hidden > 0
