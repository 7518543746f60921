"""Where a picture is drawn."""

from PIL import Image
from textual.containers import Container

from phi3v_tui.ui.pictures import image_widget
from phi3v_tui.ui.terminal import ImageMode


class PictureCanvas(Container):
    """Draws small, fully decoded pictures: large ones would stall the interface."""

    def __init__(self, mode: ImageMode) -> None:
        """Make it empty.

        Args:
            mode: How to draw; `NONE` draws nothing.
        """
        super().__init__(classes="canvas")
        self.mode = mode

    async def show(self, image: Image.Image, cells: tuple[int, int]) -> None:
        """Draw a picture in so many columns and rows."""
        picture = image_widget(self.mode)(image)
        picture.styles.width, picture.styles.height = cells
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(picture)

    async def clear(self) -> None:
        """Draw nothing."""
        await self.remove_children()
