"""Pictures drawn by code, with what is where in them.

A picture is drawn at its own size and then fitted into the model's crops exactly as the HD
transform does. While it is drawn, a `Labels` grid records for each cell of the crops (one cell is
one token of the language model) what lies there; where there is more than one crop, another one
does so for the global view. The labels teach the vision tower; the model itself never gets them.
"""

import io
import math
import random
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from phi3v_tui.conversation.crops import CropGrid, crop_layout
from phi3v_tui.phi3v.image_processing import hd_transform

CROP = 224
"""Side of the model's crop in pixels."""
GRID = 8
"""Cells along one side of a crop; a cell is 2x2 patches, one token."""
CELL = CROP // GRID

CHARACTERS = string.ascii_letters + string.digits + "'&-.:,$%!?"
CHARACTER_ID = {c: i + 1 for i, c in enumerate(CHARACTERS)}
CHARACTER_SLOTS = 12
"""Characters that a cell can hold: four quarters with three each."""

KINDS = ("circle", "square", "triangle", "star", "cross", "diamond")
KIND_ID = {k: i + 1 for i, k in enumerate((*KINDS, "bar", "point"))}

Colour = tuple[int, int, int]
COLOURS: dict[str, tuple[Colour, ...]] = {
    "red": ((220, 40, 40), (255, 0, 0), (200, 0, 0), (214, 39, 40)),
    "blue": ((40, 80, 220), (0, 0, 255), (30, 60, 180), (31, 119, 200)),
    "green": ((40, 160, 60), (0, 128, 0), (0, 200, 0), (44, 160, 44), (0, 255, 0)),
    "yellow": ((240, 210, 40), (255, 255, 0), (255, 215, 0)),
    "orange": ((245, 140, 30), (255, 165, 0), (255, 127, 14)),
    "purple": ((140, 60, 180), (128, 0, 128), (148, 80, 189)),
    "pink": ((245, 150, 190), (255, 192, 203), (255, 105, 180)),
    "black": ((20, 20, 20), (0, 0, 0)),
    "white": ((255, 255, 255),),
    "grey": ((150, 150, 150), (128, 128, 128), (190, 190, 190)),
}
SHAPE_COLOURS = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "black")
COLOUR_ID = {c: i + 1 for i, c in enumerate(COLOURS)}
UNLIKE_ID = len(COLOURS) + 1
"""Background class of pictures that are unlike all that the model knows."""

POSITIONS = (
    "top left", "top centre", "top right",
    "middle left", "centre", "middle right",
    "bottom left", "bottom centre", "bottom right",
)  # fmt: skip

MARKS = {"centre": 1, "highest": 2, "lowest": 3}

LEVELS = 20
"""Steps of the value axis of a chart that a bar or a point can be told to reach."""


def level_percent(level: int) -> int:
    """How much of the value axis a level is."""
    return level * 100 // LEVELS


CLASSES = {
    "kind": len(KIND_ID) + 1,
    "colour": len(COLOUR_ID) + 1,
    "place": 10,
    "mark": len(MARKS) + 1,
    "background": len(COLOUR_ID) + 2,
    "level": LEVELS + 2,
}
"""Dense labels of a cell beside its characters, with their numbers of classes (0: none)."""
PLANE = {name: i for i, name in enumerate(CLASSES)}
UNKNOWN = -100
"""Label that no loss counts."""

Cell = tuple[int, int]
"""Row and column in the grid of all crops of a picture."""

_most_crops: ContextVar[int] = ContextVar("most_crops", default=1)


@contextmanager
def cut_into(num_crops: int) -> Iterator[None]:
    """Fit what is drawn within into at most so many crops, not into one."""
    token = _most_crops.set(num_crops)
    try:
        yield
    finally:
        _most_crops.reset(token)


class Labels:
    """What lies in each cell of a view: of the grid of crops, or of the global view.

    Attributes:
        planes: int64 [6, rows, columns]; `CLASSES` names the planes.
        glyphs: Centre x, centre y (pixels of the view), line number and character id of each
            printed character, in the order of printing.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.planes = np.zeros((len(CLASSES), rows, columns), np.int64)
        self.glyphs: list[tuple[float, float, int, int]] = []

    def characters(self) -> np.ndarray:
        """Character ids, int64 [rows, columns, CHARACTER_SLOTS]: quarters, then left to right."""
        quarter = CELL // 2
        _, rows, columns = self.planes.shape
        slots = np.zeros((2 * rows, 2 * columns, 3), np.int64)
        used = np.zeros((2 * rows, 2 * columns), np.int64)
        for x, y, _, character in sorted(self.glyphs, key=lambda g: (g[2], g[0])):
            row, column = int(y // quarter), int(x // quarter)
            inside = 0 <= row < 2 * rows and 0 <= column < 2 * columns
            if inside and used[row, column] < 3:
                slots[row, column, used[row, column]] = character
                used[row, column] += 1
        grid = slots.reshape(rows, 2, columns, 2, 3).transpose(0, 2, 1, 3, 4)
        return grid.reshape(rows, columns, CHARACTER_SLOTS)

    def cells(self, plane: str, value: int) -> tuple[Cell, ...]:
        """Cells that carry `value` in `plane`."""
        return tuple((int(r), int(c)) for r, c in np.argwhere(self.planes[PLANE[plane]] == value))


@dataclass
class Picture:
    """A drawn picture.

    Attributes:
        image: As it would be saved to a file, RGB, at its own size.
        grid: Of its crops.
        labels: What lies where in the grid.
        overview: What lies where in the global view; `labels` where that equals the only crop.
        pixels: uint8 [rows * CROP, cols * CROP, 3], fitted into the grid.
    """

    image: Image.Image
    grid: CropGrid
    labels: Labels
    overview: Labels
    pixels: np.ndarray


class Canvas:
    """Draws, and records in the coordinates of the crops what is drawn.

    Lengths given to its methods are in pixels of the drawing. The long side of a picture is CROP
    times `unit`, into however many crops it is cut.
    """

    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width, height), background)
        self.draw = ImageDraw.Draw(self.image)
        self.unit = max(width, height) / CROP
        self._layout = crop_layout(width, height, _most_crops.get(), CROP)
        grid = self._layout
        self._pixel = max(width, height) / max(grid.resized_width, grid.resized_height)
        self.labels = Labels(GRID * grid.rows, GRID * grid.cols)
        self.overview = Labels(GRID, GRID) if grid.rows * grid.cols > 1 else self.labels

    def to_grid(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the drawing lies in the grid of crops, in pixels."""
        return x / self._pixel + self._layout.left, y / self._pixel + self._layout.top

    def cell_at(self, x: float, y: float) -> Cell:
        """The cell that holds a point of the drawing."""
        grid_x, grid_y = self.to_grid(x, y)
        _, rows, columns = self.labels.planes.shape
        return min(rows - 1, int(grid_y // CELL)), min(columns - 1, int(grid_x // CELL))

    def mark(self, box: tuple[float, float, float, float], **values: int) -> None:
        """Label the cells whose centres lie in a box (left, top, right, bottom)."""
        left, top = self.to_grid(box[0], box[1])
        right, bottom = self.to_grid(box[2], box[3])
        for labels in (self.labels, self.overview):
            _, down, across = labels.planes.shape
            middles_y = (np.arange(down) + 0.5) * self._layout.height / down
            middles_x = (np.arange(across) + 0.5) * self._layout.width / across
            rows = (middles_y > top) & (middles_y < bottom)
            columns = (middles_x > left) & (middles_x < right)
            for name, value in values.items():
                labels.planes[PLANE[name]][np.ix_(rows, columns)] = value

    def mark_cell(self, cell: Cell, **values: int) -> None:
        """Label one cell, and the one of the global view that it lies in."""
        for name, value in values.items():
            self.labels.planes[PLANE[name]][cell] = value
            if self.overview is not self.labels:
                row, column = overview_cell(cell, self._layout)
                self.overview.planes[PLANE[name]][row, column] = value

    def fill_background(self, value: int) -> None:
        """Label the cells of the picture, but not of the padding, with a background class."""
        self.mark((0, 0, self.width, self.height), background=value)

    def text(
        self, x: float, y: float, text: str, font: Path, size: float, fill: Colour, line: int
    ) -> tuple[Cell, ...]:
        """Print a line, top left at x, y, and return the cell of each character."""
        face = load_font(font, max(6, round(size)))
        self.draw.text((x, y), text, font=face, fill=fill)
        _, top, _, bottom = face.getbbox("H")
        middle = y + (top + bottom) / 2
        cells = []
        for character in text:
            advance = glyph_advance(font, max(6, round(size)), character)
            if character in CHARACTER_ID:
                self._record(x + advance / 2, middle, line, CHARACTER_ID[character])
            cells.append(self.cell_at(x + advance / 2, middle))
            x += advance
        return tuple(cells)

    def _record(self, x: float, y: float, line: int, character: int) -> None:
        grid_x, grid_y = self.to_grid(x, y)
        self.labels.glyphs.append((grid_x, grid_y, line, character))
        if self.overview is not self.labels:
            there = (grid_x / self._layout.cols, grid_y / self._layout.rows)
            self.overview.glyphs.append((*there, line, character))

    def finish(self, rng: random.Random) -> Picture:
        """Fit into the crops, now and then blurred a little, with noise, or from a JPEG file."""
        if rng.random() < 0.08:
            radius = rng.uniform(0.2, 0.6) * self.unit
            self.image = self.image.filter(ImageFilter.GaussianBlur(radius))
        if rng.random() < 0.1:
            self.image = through_jpeg(self.image, rng.randint(45, 90))
        pixels = np.asarray(hd_transform(self.image, self._layout))
        if rng.random() < 0.25:
            numbers = np.random.default_rng(rng.getrandbits(32))
            noise = numbers.integers(-10, 11, pixels.shape, np.int8)
            pixels = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        grid = CropGrid(self._layout.rows, self._layout.cols)
        return Picture(self.image, grid, self.labels, self.overview, pixels)


def overview_cell(cell: Cell, grid: CropGrid) -> Cell:
    """The cell of the global view (the whole grid, shrunk to one crop) that a cell lies in."""
    return cell[0] // grid.rows, cell[1] // grid.cols


def through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """What a JPEG file keeps of a picture."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def jitter(colour: Colour, rng: random.Random, amount: int = 14) -> Colour:
    """A colour near the given one."""
    red, green, blue = (max(0, min(255, v + rng.randint(-amount, amount))) for v in colour)
    return red, green, blue


def shade(name: str, rng: random.Random) -> Colour:
    """One of the colours that people call by this name."""
    return jitter(rng.choice(COLOURS[name]), rng)


def luminance(colour: Colour) -> float:
    """Perceived brightness, 0 to 255."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def contrasting_pair(rng: random.Random) -> tuple[Colour, Colour]:
    """A background and an ink that can be read on it."""
    while True:
        paper: Colour = rng.choice(((255, 255, 255), (250, 245, 230), (20, 25, 50), (0, 0, 0)))
        ink: Colour = rng.choice(((0, 0, 0), (255, 255, 255)))
        if rng.random() < 0.6:
            paper = (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))
        if rng.random() < 0.5:
            ink = (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))
        if abs(luminance(paper) - luminance(ink)) > 85:
            return paper, ink


def detail(rng: random.Random) -> int:
    """How many times as large as for one crop a picture is drawn, so that its crops show more."""
    across = math.isqrt(_most_crops.get())
    return rng.choice((1, across, across)) if across > 1 else 1


def random_size(rng: random.Random, square: float = 0.4) -> tuple[int, int]:
    """Width and height of a picture: square with probability `square`, at most 2 to 1."""
    long_side = rng.choice((224, 256, 320, 400)) * detail(rng)
    if rng.random() < square:
        return long_side, long_side
    aspect = rng.choice((4 / 3, 3 / 2, 16 / 9, 1.25, 1.1, rng.uniform(1.0, 2.0)))
    short_side = round(long_side / aspect)
    return (long_side, short_side) if rng.random() < 0.65 else (short_side, long_side)


FONTS = (
    "DejaVuSans-Bold",
    "DejaVuSans",
    "DejaVuSerif-Bold",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSansMono-Bold",
    "STIXGeneral",
    "cmb10",
    "cmr10",
)
"""Fonts of training, the easiest to read first."""
HELD_OUT_FONTS = ("STIXGeneralBol", "cmss10")


def font_path(name: str) -> Path:
    """One of the free fonts that matplotlib brings (DejaVu, STIX, Computer Modern)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"


@cache
def load_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels."""
    return ImageFont.truetype(str(path), size)


@cache
def glyph_advance(path: Path, size: int, character: str) -> float:
    """Width of a character in pixels; measuring each prefix anew is what made drawing slow."""
    return load_font(path, size).getlength(character)


def text_width(path: Path, size: float, text: str) -> float:
    """Width of a line in pixels."""
    return sum(glyph_advance(path, max(6, round(size)), c) for c in text)
