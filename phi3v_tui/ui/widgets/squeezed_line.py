"""A line about something that has a name, and that can be taken away."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from phi3v_tui.interface.plain_text import on_one_line
from phi3v_tui.ui.clickable import GAP

_CROSS = Content.styled(" ✕ ", "$muted")
_NAME_AT_LEAST = 12


class SqueezedLine(Widget, can_focus=True):
    """A mark, a name, details and a cross, which stays in sight.

    Where there is no room for all of it, the last details go, and then the end of the name.
    """

    def __init__(self, mark: str, name: str, details: Sequence[str] = ()) -> None:
        """Describe something.

        Args:
            mark: Before the name.
            name: As it comes, from a person or a file.
            details: What matters most first.
        """
        super().__init__()
        self._mark = Content.styled(f" {mark} ", "$accent bold")
        self._title = Content(on_one_line(name))
        self._details = details

    def tell(self, *details: str) -> None:
        """Show other details."""
        self._details = details
        self.refresh(layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As many cells as all of it takes, where they are there."""
        return min(self._line(container.width).cell_length, container.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line."""
        return 1

    def render(self) -> Content:
        """What fits."""
        return self._line(self.size.width)

    def is_on_cross(self, event: events.Click) -> bool:
        """Whether a click was meant for the cross."""
        return event.x >= self.size.width - _CROSS.cell_length

    def _line(self, width: int) -> Content:
        wanted = min(self._title.cell_length, _NAME_AT_LEAST)
        for count in range(len(self._details), -1, -1):
            details = self._tail(count)
            room = width - self._mark.cell_length - details.cell_length - _CROSS.cell_length
            if room >= wanted:
                break
        name = self._title.truncate(max(room, 1), ellipsis=True)
        return Content.assemble(self._mark, name, details, _CROSS)

    def _tail(self, count: int) -> Content:
        words = GAP.join(self._details[:count])
        return Content.styled(f"  {words}", "$muted") if words else Content()
