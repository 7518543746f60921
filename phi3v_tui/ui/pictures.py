"""Pictures in words and at the size of the screen."""

import os
import sys
from functools import cache
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

from PIL import Image

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout, image_tokens
from phi3v_tui.engine.base import Limits
from phi3v_tui.interface.plain_text import pixel_size
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.cell_size import cell_size
from phi3v_tui.ui.model_view import model_canvas, with_grid

_PIXELS_PER_CELL = {ImageMode.HALFCELL: (1, 2), ImageMode.KITTY: (10, 20)}
_IMPORTING = Lock()
_WIDGETS = {
    ImageMode.HALFCELL: "HalfcellImage",
    ImageMode.KITTY: "TGPImage",
    ImageMode.SIXEL: "SixelImage",
}


def caption(attachment: Attachment, limits: Limits | None) -> str:
    """Pixels of a picture, and its cost in tokens once the model's limits are known."""
    pixels = pixel_size(attachment.width, attachment.height)
    if limits is None:
        return pixels
    return f"{pixels} · {cost(attachment, limits):,} tokens"


def cost(attachment: Attachment, limits: Limits) -> int:
    """Tokens that a picture takes in the prompt."""
    return image_tokens(attachment.width, attachment.height, limits.num_crops, limits.crop_size)


def fit_cells(
    width: int, height: int, columns: int, rows: int, tall: float = 2.0
) -> tuple[int, int]:
    """Fit a picture into cells.

    Args:
        width: Pixels of the picture.
        height: Pixels of the picture.
        columns: Cells at hand.
        rows: Cells at hand.
        tall: How many times as high as wide a cell is.

    Returns:
        Columns and rows, each at least 1.
    """
    scale = min(columns / width, tall * rows / height)
    return (
        max(1, min(columns, round(width * scale))),
        max(1, min(rows, round(height * scale / tall))),
    )


def shrink(attachment: Attachment, cells: tuple[int, int], mode: ImageMode) -> Image.Image:
    """Decode a picture no larger than it is drawn. Slow for large files: call it in a thread.

    Args:
        attachment: The picture.
        cells: Columns and rows that it will take.
        mode: How it will be drawn.

    Raises:
        AttachmentError: The picture is damaged.
    """
    size = _pixels(cells, mode)
    # Averaging from a few times the size: sharper filters draw halos around edges this coarse.
    return attachment.thumbnail(4 * max(size)).resize(size, Image.Resampling.BOX)


def draw_crops(
    attachment: Attachment, layout: CropLayout, cells: tuple[int, int], mode: ImageMode
) -> Image.Image:
    """As `shrink`, but with padding and the borders of the crops, as the model gets it."""
    image = attachment.thumbnail(2 * max(layout.resized_width, layout.resized_height))
    canvas = model_canvas(image, layout)
    whole = (0, 0, canvas.width, canvas.height)
    return draw_part(canvas, whole, cells, mode, layout)


def draw_part(
    image: Image.Image,
    box: tuple[int, int, int, int],
    cells: tuple[int, int],
    mode: ImageMode,
    layout: CropLayout | None = None,
) -> Image.Image:
    """A part of a decoded picture at the size at which it is drawn. Call it in a thread.

    Args:
        image: The picture, or the canvas of its crops.
        box: Left, top, right, bottom of the part.
        cells: Columns and rows that it will take.
        mode: How it will be drawn.
        layout: Where `image` is a canvas: how it is cut, to draw the borders.
    """
    size = _pixels(cells, mode)
    shrinks = (box[2] - box[0]) > size[0] or (box[3] - box[1]) > size[1]
    filter_ = Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST
    part = image.resize(size, filter_, box=box)
    return part if layout is None else with_grid(part, layout, box)


def _pixels(cells: tuple[int, int], mode: ImageMode) -> tuple[int, int]:
    across, down = _PIXELS_PER_CELL.get(mode) or cell_size()
    return cells[0] * across, cells[1] * down


def image_widget(mode: ImageMode) -> Any:
    """The textual-image widget class that draws in `mode`. Call it in a thread: it is imported."""
    with _IMPORTING:
        widgets = _widgets()
    if mode is ImageMode.SIXEL:
        # It measures a cell once; with letters made larger since, it would draw over its borders.
        terminal = import_module("textual_image._terminal")
        terminal.get_cell_size._result = terminal.CellSize(*cell_size())
    return getattr(widgets, _WIDGETS[mode])


@cache
def _widgets() -> ModuleType:
    """The module of textual-image's widgets.

    On import it asks the terminal what it can do. The answers would be taken from, or typed into,
    the running app; so it is imported as if there were no terminal.
    """
    stdout = sys.__stdout__
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.__stdout__ = nowhere  # type: ignore[misc]
        try:
            return import_module("textual_image.widget")
        finally:
            sys.__stdout__ = stdout  # type: ignore[misc]
