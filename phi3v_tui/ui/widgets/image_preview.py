"""The pane that shows a picture, its pixels and what it costs."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.plain_text import byte_size, drawable, pixel_size
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.clickable import GAP, folded
from phi3v_tui.ui.model_view import describe_layout, layout_of
from phi3v_tui.ui.pictures import caption, draw_crops, fit_cells, shrink
from phi3v_tui.ui.widgets.picture_canvas import PictureCanvas

_GAP_ROWS = 1


class ImagePreview(Vertical):
    """One picture at the size of the pane.

    Attributes:
        attachment: The picture; None shows nothing.
        limits: For its cost; None while the model loads.
    """

    class Clicked(Message):
        """The person wants to see the picture larger."""

    attachment: reactive[Attachment | None] = reactive(None)
    limits: reactive[Limits | None] = reactive(None)

    def __init__(self, mode: ImageMode, id: str, as_model: bool = False) -> None:
        """Make an empty pane.

        Args:
            mode: How pictures are drawn; `NONE` shows the words only.
            id: The widget's id.
            as_model: Show the crops and the padding too, once the model is known.
        """
        super().__init__(id=id)
        self._as_model = as_model
        # Kept by reference: a picture may still come while the pane is taken down.
        self._canvas = PictureCanvas(mode)
        self._caption = Static(classes="caption", markup=False)
        self._caption_rows = 0

    def compose(self) -> ComposeResult:
        """Picture above words."""
        yield self._canvas
        yield self._caption

    def watch_attachment(self) -> None:
        """Show another picture."""
        self._show()

    def watch_limits(self) -> None:
        """Show the cost, now that it is known, and the crops."""
        self._show()

    def on_click(self) -> None:
        """Tell that it was clicked."""
        self.post_message(self.Clicked())

    def on_resize(self) -> None:
        """Fit the picture again."""
        self._show()

    def explain(self, text: str) -> None:
        """Show words in place of a picture."""
        self.attachment = None
        self._caption.update(Content(drawable(text)))

    @property
    def layout_shown(self) -> CropLayout | None:
        """How the picture is cut, where that is shown."""
        if self.attachment is None or self.limits is None or not self._as_model:
            return None
        return layout_of(self.attachment, self.limits)

    def _show(self) -> None:
        if self.is_mounted:
            self._describe_and_draw()

    @work(group="show", exclusive=True)
    async def _describe_and_draw(self) -> None:
        attachment = self.attachment
        if attachment is None:
            await self._canvas.clear()
            return
        try:
            # A stored picture may have to be read from the disk.
            count = len(await in_thread(getattr, attachment, "data"))
            self._describe(attachment, count)
            await self._draw(attachment)
        except AttachmentError as error:
            self.explain(str(error))

    def _describe(self, attachment: Attachment, count: int) -> None:
        layout, width = self.layout_shown, max(1, self.content_size.width)
        words = f"{caption(attachment, self.limits)} · {byte_size(count)}"
        if layout and self.limits:
            pixels = pixel_size(attachment.width, attachment.height)
            words = f"{pixels} · {byte_size(count)}\n{describe_layout(layout, self.limits)}"
        lines = (part for line in words.split("\n") for part in folded(line.split(GAP), width))
        name = Content.styled(drawable(attachment.name), "bold").truncate(width, ellipsis=True)
        whole = Content.assemble(name, ("\n" + "\n".join(lines), "$muted"))
        self._caption.update(whole)
        self._caption_rows = whole.get_height({}, width)

    async def _draw(self, attachment: Attachment) -> None:
        layout, mode = self.layout_shown, self._canvas.mode
        below = self._caption_rows + _GAP_ROWS
        columns, rows = self.content_size.width, self.content_size.height - below
        if mode is ImageMode.NONE or columns < 1 or rows < 1:
            await self._canvas.clear()
            return
        seen = layout or attachment
        cells = fit_cells(seen.width, seen.height, columns, rows, self._canvas.tall)
        if layout:
            image = await in_thread(draw_crops, attachment, layout, cells, mode)
        else:
            image = await in_thread(shrink, attachment, cells, mode)
        await self._canvas.show(image, cells)
