"""What changes many times a second while an answer streams, at little cost."""

from textual.content import Content
from textual.css.scalar import Scalar
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static


class Growing:
    """Mixin for widgets that grow with an answer: the screen is laid out and drawn once for it.

    Any other widget whose size has changed asks for all of it a second time, which only a scroll
    bar that comes or goes needs; that asks by itself.
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)


class ChangingText(Growing, Static):
    """Text for which the screen is laid out anew only where it takes other room than before."""

    def show(self, text: Content) -> None:
        """Show another text."""
        self.update(text, layout=not self._fits(text))

    def _fits(self, text: Content) -> bool:
        styles, (width, height) = self.styles, self.content_size
        if not width:  # it has no place yet
            return False
        rules = styles.get_rules()
        is_as_wide = not _is_auto(styles.width) or text.get_optimal_width(rules, width) == width
        return is_as_wide and (
            not _is_auto(styles.height) or text.get_height(rules, width) == height
        )


def _is_auto(scalar: Scalar | None) -> bool:
    return scalar is not None and scalar.is_auto
