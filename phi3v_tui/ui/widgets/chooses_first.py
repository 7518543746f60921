"""What a click means in a list where something is shown of the chosen row."""

from textual import events
from textual.widgets import OptionList


class ChoosesFirst(OptionList):
    """A click chooses a row, another one on it is Enter."""

    def on_click(self, event: events.Click) -> None:
        """Choose, where it is not chosen yet."""
        place = event.style.meta.get("option")
        if place is not None and place != self.highlighted:
            event.prevent_default()
            self.highlighted = place
