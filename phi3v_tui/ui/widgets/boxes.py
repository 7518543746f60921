"""Boxes above the chat that say which keys they have."""

from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from phi3v_tui.ui.clickable import AROUND_KEYS, GAP, actions, clickable, fitting


class Footed(Widget):
    """A box whose lower edge names keys of its screen, as many as there is room for.

    Attributes:
        keys: In words, as in `clickable`, those that matter most first.
    """

    keys = ""

    def on_resize(self) -> None:
        """Name what fits."""
        words = fitting(self.keys.split(GAP), self.outer_size.width - AROUND_KEYS)
        self.border_subtitle = clickable(words, actions(self.screen.BINDINGS, "screen"))


class Box(Vertical, Footed):
    """One below the other."""


class ScrolledBox(VerticalScroll, Footed):
    """One below the other, and more than fits."""
