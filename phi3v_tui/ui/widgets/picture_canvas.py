"""Where a picture is drawn."""

from PIL import Image
from textual.containers import Container
from textual.geometry import Region
from textual.message import Message

from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.cell_size import cell_size
from phi3v_tui.ui.pictures import image_widget

_USUAL_TALL = 2.0
_ABOVE = "Toast, Tooltip, PathCompletion"
_MEND_EVERY_SECONDS = 0.25


class PictureCanvas(Container):
    """Draws small, fully decoded pictures: large ones would stall the interface.

    Sixels lie on top of whatever was drawn before them, and have a hole where something lay on
    top of them. So what belongs above is drawn again while it is there, and the picture once it
    has gone.
    """

    def __init__(self, mode: ImageMode) -> None:
        """Make it empty.

        Args:
            mode: How to draw; `NONE` draws nothing.
        """
        super().__init__(classes="canvas")
        self.mode = mode
        self._above: set[Region] = set()

    class Resized(Message):
        """There is more or less room than before."""

    def on_resize(self) -> None:
        """Tell of it."""
        self.post_message(self.Resized())

    def on_mount(self) -> None:
        """Keep sixels and what lies above them in order."""
        if self.mode is ImageMode.SIXEL:
            self.set_interval(_MEND_EVERY_SECONDS, self._mend)

    @property
    def tall(self) -> float:
        """How many times as high as wide a cell is."""
        if self.mode not in (ImageMode.SIXEL, ImageMode.KITTY):
            return _USUAL_TALL
        width, height = cell_size()
        return height / width

    async def show(self, image: Image.Image, cells: tuple[int, int]) -> None:
        """Draw a picture in so many columns and rows."""
        # The first picture of all imports numpy, for which the keys would wait.
        widget = await in_thread(image_widget, self.mode)
        picture = widget(image)
        picture.styles.width, picture.styles.height = cells
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(picture)

    async def clear(self) -> None:
        """Draw nothing."""
        await self.remove_children()

    def _mend(self) -> None:
        widgets = [
            widget
            for widget in self.screen.query(_ABOVE)
            if widget.display and widget.region.overlaps(self.region)
        ]
        above = {widget.region for widget in widgets}
        if self._above - above:
            for part in self.walk_children():
                part.refresh()
        self._above = above
        for widget in widgets:
            widget.refresh()
