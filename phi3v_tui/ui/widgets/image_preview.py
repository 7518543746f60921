"""The pane that shows a picture, its pixels and what it costs."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.pictures import caption, fit_cells, image_widget, shrink
from phi3v_tui.ui.plain_text import byte_size, drawable
from phi3v_tui.ui.terminal import ImageMode

_CAPTION_ROWS = 3


class ImagePreview(Vertical):
    """One picture at the size of the pane."""

    attachment: reactive[Attachment | None] = reactive(None)
    limits: reactive[Limits | None] = reactive(None)

    def __init__(self, mode: ImageMode, id: str, hint: str = "") -> None:
        """Make an empty pane.

        Args:
            mode: How pictures are drawn; `NONE` shows the words only.
            id: The widget's id.
            hint: Words while there is no picture.
        """
        super().__init__(id=id)
        self._mode = mode
        # Kept by reference: a picture may still come while the pane is taken down.
        self._canvas = Container(classes="canvas")
        self._caption = Static(hint, classes="caption", markup=False)

    def compose(self) -> ComposeResult:
        """Picture above words."""
        yield self._canvas
        yield self._caption

    def watch_attachment(self) -> None:
        """Show another picture."""
        self._describe()
        self._draw()

    def watch_limits(self) -> None:
        """Show the cost, now that it is known."""
        self._describe()

    def on_resize(self) -> None:
        """Fit the picture again."""
        self._draw()

    def explain(self, text: str) -> None:
        """Show words in place of a picture."""
        self.attachment = None
        self._caption.update(Content(drawable(text)))

    def _describe(self) -> None:
        attachment = self.attachment
        if attachment is None or not self.is_mounted:
            return
        words = f"{caption(attachment, self.limits)} · {byte_size(len(attachment.data))}"
        self._caption.update(
            Content.assemble((drawable(attachment.name), "bold"), "\n", (words, "$muted"))
        )

    def _draw(self) -> None:
        if self.is_mounted:
            self._fit_and_draw()

    @work(group="draw", exclusive=True)
    async def _fit_and_draw(self) -> None:
        canvas = self._canvas
        attachment = self.attachment
        columns, rows = self.content_size.width, self.content_size.height - _CAPTION_ROWS
        if attachment is None or self._mode is ImageMode.NONE or columns < 1 or rows < 1:
            await canvas.remove_children()
            return
        cells = fit_cells(attachment.width, attachment.height, columns, rows)
        try:
            image = await in_thread(shrink, attachment, cells, self._mode)
        except AttachmentError as error:
            self.explain(str(error))
            return
        picture = image_widget(self._mode)(image)
        picture.styles.width, picture.styles.height = cells
        await canvas.remove_children()
        await canvas.mount(picture)
