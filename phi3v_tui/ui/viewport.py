"""Which part of a picture is on the screen: arithmetic of zooming and panning."""

from dataclasses import dataclass, replace

MOST_ZOOM = 64.0


@dataclass(frozen=True, slots=True)
class Viewport:
    """A window on a picture.

    Attributes:
        width: Pixels of the picture.
        height: Pixels of the picture.
        columns: Cells at hand.
        rows: Cells at hand.
        tall: How many times as high as wide a cell is.
        zoom: 1 fits the whole picture in.
        x: Middle of what is seen, in pixels.
        y: Middle of what is seen, in pixels.
    """

    width: int
    height: int
    columns: int
    rows: int
    tall: float = 2.0
    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0

    @classmethod
    def fit(cls, width: int, height: int, columns: int, rows: int, tall: float = 2.0) -> "Viewport":
        """See the whole picture."""
        return cls(width, height, max(1, columns), max(1, rows), tall, 1.0, width / 2, height / 2)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what is seen, in whole pixels, at least one each way."""
        wide, high = self._span()
        left = min(max(self.x - wide / 2, 0), self.width - wide)
        top = min(max(self.y - high / 2, 0), self.height - high)
        right = min(self.width, max(round(left + wide), int(left) + 1))
        bottom = min(self.height, max(round(top + high), int(top) + 1))
        return (int(left), int(top), right, bottom)

    @property
    def cells(self) -> tuple[int, int]:
        """Columns and rows that what is seen takes."""
        left, top, right, bottom = self.box
        scale = self._scale()
        return (
            max(1, min(self.columns, round((right - left) * scale))),
            max(1, min(self.rows, round((bottom - top) * scale / self.tall))),
        )

    @property
    def is_whole(self) -> bool:
        """Whether the whole picture is seen."""
        return self.box == (0, 0, self.width, self.height)

    def zoomed(self, factor: float) -> "Viewport":
        """Closer for factors above 1, never farther than to the whole picture."""
        return replace(self._settled(), zoom=min(MOST_ZOOM, max(1.0, self.zoom * factor)))

    def panned(self, across: float, down: float) -> "Viewport":
        """Move by shares of what is seen, not beyond the picture."""
        wide, high = self._span()
        settled = self._settled()
        return replace(settled, x=settled.x + across * wide, y=settled.y + down * high)._settled()

    def resized(self, columns: int, rows: int) -> "Viewport":
        """The same part in a window of another size."""
        return replace(self, columns=max(1, columns), rows=max(1, rows))

    def _scale(self) -> float:
        """Columns per pixel."""
        return self.zoom * min(self.columns / self.width, self.tall * self.rows / self.height)

    def _span(self) -> tuple[float, float]:
        scale = self._scale()
        return min(self.width, self.columns / scale), min(
            self.height, self.tall * self.rows / scale
        )

    def _settled(self) -> "Viewport":
        """The middle pulled to where it can be, so that panning back is felt at once."""
        wide, high = self._span()
        x = min(max(self.x, wide / 2), self.width - wide / 2)
        y = min(max(self.y, high / 2), self.height - high / 2)
        return replace(self, x=x, y=y)
