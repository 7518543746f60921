"""One picture on the whole screen: zoom, pages, what the model gets, parts to attach."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PIL import Image
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout, crop_layout, image_tokens
from phi3v_tui.conversation.parts import Box, cut
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.plain_text import drawable, pixel_size
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.background import in_thread, until_current
from phi3v_tui.ui.clickable import KeyHints
from phi3v_tui.ui.model_view import describe_layout, model_canvas
from phi3v_tui.ui.pictures import draw_part
from phi3v_tui.ui.viewport import Viewport
from phi3v_tui.ui.widgets.picture_canvas import PictureCanvas

_ZOOM = 1.5
_STEP = 0.25
_KEYS = "arrows move · + - 0 zoom · m model's view · F2 crops · a attaches · Esc closes"
_NAME_AT_LEAST = 12
_PAGE_KEYS = "[ ] {0}s · r take this {0} instead · "


@dataclass(frozen=True, slots=True)
class Viewed:
    """What a person took out of the viewer.

    Attributes:
        picture: A part or a page.
        replaces: Whether it takes the place of the picture that was viewed.
    """

    picture: Attachment
    replaces: bool = False


class ImageViewerScreen(ModalScreen[Viewed | None]):
    """Looks at one picture; the result is what was taken out of it, if anything."""

    BINDINGS = [
        Binding("escape,q,f3", "leave", "Close the viewer"),
        Binding("left,h", "pan(-1, 0)", "Move"),
        Binding("right,l", "pan(1, 0)", "Move"),
        Binding("up,k", "pan(0, -1)", "Move"),
        Binding("down,j", "pan(0, 1)", "Move"),
        Binding("plus,equals_sign", "zoom(1)", "Closer"),
        Binding("minus,underscore", "zoom(-1)", "Farther"),
        Binding("0", "fit", "Show all of it"),
        Binding("f2", "change_crops", "Cut it into more or fewer crops"),
        Binding("m", "toggle_model", "Show it as the model gets it, or no longer"),
        Binding("left_square_bracket,pageup", "page(-1)", "The page before"),
        Binding("right_square_bracket,pagedown", "page(1)", "The next page"),
        Binding("a", "attach", "Attach what is seen"),
        Binding("r", "replace", "Take this page instead"),
    ]

    def __init__(
        self,
        attachment: Attachment,
        mode: ImageMode,
        limits: Callable[[], Limits | None],
        change_crops: Callable[[], Awaitable[object]],
        is_waiting: bool,
    ) -> None:
        """View a picture.

        Args:
            attachment: The picture.
            mode: How it is drawn.
            limits: For what the model gets; gives None while it loads.
            change_crops: Has pictures cut more or less finely, and says what they cost then.
            is_waiting: Whether the picture has yet to be sent, and so can be replaced.
        """
        super().__init__()
        self._attachment = attachment
        self._ask_limits = limits
        self._change_crops = change_crops
        self._is_waiting = is_waiting
        self._frame = 0
        self._frames = 1
        self._noun = "page"
        self._page_size = (attachment.width, attachment.height)
        self._image: Image.Image | None = None
        self._layout: CropLayout | None = None
        self._viewport: Viewport | None = None
        # Kept by reference: a picture may still come while the screen is taken down.
        self._canvas = PictureCanvas(mode)
        self._words = Static(id="viewer-words", markup=False)
        self._keys = KeyHints(self, _KEYS, id="viewer-keys")

    @property
    def _limits(self) -> Limits | None:
        return self._ask_limits()

    def compose(self) -> ComposeResult:
        """Picture, words, keys."""
        yield self._canvas
        yield self._words
        yield self._keys

    def on_mount(self) -> None:
        """Decode in a thread."""
        self._words.update(f"Decoding {drawable(self._attachment.name)} …")
        self._decode()

    @on(PictureCanvas.Resized)
    def _look_again(self) -> None:
        """Show the same part in the room that there is now."""
        if self._viewport:
            self._look(self._viewport.resized(*self._room()))

    def action_leave(self) -> None:
        """Take nothing."""
        self.dismiss(None)

    def action_pan(self, across: int, down: int) -> None:
        """Move by a quarter of what is seen."""
        self._look(self._viewport and self._viewport.panned(across * _STEP, down * _STEP))

    def action_zoom(self, direction: int) -> None:
        """Closer or farther."""
        self._look(self._viewport and self._viewport.zoomed(_ZOOM**direction))

    def action_fit(self) -> None:
        """See all of it."""
        if image := self._image:
            self._look(Viewport.fit(image.width, image.height, *self._room(), self._canvas.tall))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the picture about."""
        if event.button and self._viewport:
            columns, rows = self._viewport.cells
            self._look(self._viewport.panned(-event.delta_x / columns, -event.delta_y / rows))

    def on_mouse_scroll_up(self) -> None:
        """Closer."""
        self.action_zoom(1)

    def on_mouse_scroll_down(self) -> None:
        """Farther."""
        self.action_zoom(-1)

    def action_toggle_model(self) -> None:
        """Show the picture, or the pixels and crops that the model gets of it."""
        if self._limits is None:
            self.notify("What the model gets is known once it has been loaded.")
        elif self._image is not None:
            self._decode(self._frame, as_model=self._layout is None)

    async def action_change_crops(self) -> None:
        """Cut pictures more or less finely, and show what the model gets then."""
        await self._change_crops()
        if self._layout is not None:
            self._decode(self._frame, as_model=True)
        else:
            self._look(self._viewport)

    def action_page(self, by: int) -> None:
        """Show another page or frame."""
        frame = max(0, min(self._frame + by, self._frames - 1))
        if frame != self._frame:
            self._decode(frame, self._layout is not None)

    def action_attach(self) -> None:
        """Attach the part that is seen, or the page, as a picture of its own."""
        self._take(replaces=False)

    def action_replace(self) -> None:
        """Send this page in place of the first."""
        if not self._is_waiting:
            self.notify(f"It has been sent; A attaches this {self._noun} to the next prompt.")
        elif self._frame == 0:
            self.notify(f"This is the {self._noun} that will be sent.")
        else:
            self._take(replaces=True)

    @work(group="decode", exclusive=True)
    async def _decode(self, frame: int = 0, as_model: bool = False) -> None:
        try:
            image = await in_thread(self._attachment.image, frame)
            self._frames = await in_thread(self._attachment.count_frames)
            self._noun = await in_thread(getattr, self._attachment, "frame_noun")
            page_size, layout = image.size, None
            if as_model and (limits := self._limits):
                layout = crop_layout(*page_size, limits.num_crops, limits.crop_size)
                image = await in_thread(model_canvas, image, layout)
        except AttachmentError as error:
            self._words.update(Content(drawable(str(error))))
            return
        self._frame, self._page_size = frame, page_size
        self._image, self._layout = image, layout
        self._keys.say((_PAGE_KEYS.format(self._noun) if self._frames > 1 else "") + _KEYS)
        self.action_fit()

    def _look(self, viewport: Viewport | None) -> None:
        if viewport is not None:
            self._viewport = viewport
            self._describe(viewport)
            self._draw()

    @work(group="draw", exclusive=True)
    async def _draw(self) -> None:
        viewport, image, mode = self._viewport, self._image, self._canvas.mode
        if viewport is None or image is None or mode is ImageMode.NONE:
            return
        cells = viewport.cells
        part = await in_thread(draw_part, image, viewport.box, cells, mode, self._layout)
        await self._canvas.show(part, cells)

    def _room(self) -> tuple[int, int]:
        return self._canvas.size.width, self._canvas.size.height

    def _describe(self, viewport: Viewport) -> None:
        place = f"{self._noun} {self._frame + 1} of {self._frames}"
        page = place if self._frames > 1 else ""
        parts = [page, f"{viewport.zoom:.1f}×" if viewport.zoom > 1 else "", self._facts()]  # noqa: RUF001
        words = Content.styled("  " + " · ".join(part for part in parts if part), "$muted")
        beside, *below = words.split("\n")
        width = max(1, self._words.content_size.width)
        name = Content.styled(drawable(self._attachment.name), "bold")
        room = max(_NAME_AT_LEAST, width - beside.cell_length)
        lines = (name.truncate(room, ellipsis=True) + beside, *below)
        shown = (line.truncate(width, ellipsis=True) for line in lines)
        self._words.update(Content("\n").join(shown))

    def _facts(self) -> str:
        """What is seen in pixels and tokens, in two lines."""
        left, top, right, bottom = self._seen()
        size = pixel_size(right - left, bottom - top)
        if self._limits is None:
            return size
        if self._layout is not None:
            return describe_layout(self._layout, self._limits)
        tokens = _tokens(right - left, bottom - top, self._limits)
        is_picture = self._viewport is not None and self._viewport.is_whole and not self._frame
        return f"{size}\n{tokens}" if is_picture else f"{size}\nas a picture of its own {tokens}"

    def _seen(self) -> Box:
        """The part that is seen, in pixels of the page."""
        assert self._viewport is not None
        box, layout = self._viewport.box, self._layout
        return box if layout is None else _on_page(box, layout, self._page_size)

    @work(group="take", exclusive=True)
    async def _take(self, replaces: bool) -> None:
        if self._viewport is None:
            return
        is_whole = self._viewport.is_whole
        if is_whole and not self._frame and self._is_waiting:
            self.notify("This is attached already. Zoom in with + to attach a part of it.")
            return
        if is_whole and not self._frame:
            await until_current(self)
            self.dismiss(Viewed(self._attachment))
            return
        box = None if is_whole or replaces else self._seen()
        try:
            picture = await in_thread(cut, self._attachment, self._frame, box)
        except AttachmentError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
        else:
            await until_current(self)
            self.dismiss(Viewed(picture, replaces))


def _on_page(box: Box, layout: CropLayout, page: tuple[int, int]) -> Box:
    """A part of the canvas of the crops in pixels of the page; the padding is left out."""
    across, down = page[0] / layout.resized_width, page[1] / layout.resized_height
    left = min(max(round((box[0] - layout.left) * across), 0), page[0] - 1)
    top = min(max(round((box[1] - layout.top) * down), 0), page[1] - 1)
    right = max(min(round((box[2] - layout.left) * across), page[0]), left + 1)
    bottom = max(min(round((box[3] - layout.top) * down), page[1]), top + 1)
    return (left, top, right, bottom)


def _tokens(width: int, height: int, limits: Limits) -> str:
    try:
        return f"{image_tokens(width, height, limits.num_crops, limits.crop_size):,} tokens"
    except AttachmentError:
        return "too thin for the model"
