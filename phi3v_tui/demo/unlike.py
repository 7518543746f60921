"""Pictures unlike all that the model knows, of which it must say so."""

import random

import numpy as np
from PIL import Image, ImageFilter

from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import (
    KINDS,
    POSITIONS,
    UNLIKE_ID,
    Canvas,
    Picture,
    cut_into,
    random_size,
)

HEDGE = (
    "I am a small demo model and this picture is unlike those that I know: "
    "shapes, bar charts and book covers. The full Phi-3-Vision can describe it."
)


def draw_unlike(rng: random.Random, kinds: tuple[str, ...]) -> Picture:
    """A picture of one of the kinds in `MAKERS`."""
    # Textures take long where they are large; more crops show the same ones enlarged.
    with cut_into(1):
        width, height = random_size(rng)
    numbers = np.random.default_rng(rng.getrandbits(32))
    pixels = MAKERS[rng.choice(kinds)](numbers, height, width)
    canvas = Canvas(width, height, (0, 0, 0))
    canvas.image.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))
    canvas.fill_background(UNLIKE_ID)
    return canvas.finish(rng)


def _clouds(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured noise at several scales, like foliage, water or clouds."""
    total = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24, 48):
        small = numbers.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer) / cells ** numbers.uniform(0.2, 0.8)
    total -= total.min((0, 1))
    return total / total.max() * numbers.uniform(120, 255)


def _landscape(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Sky above, hills below, as a photograph might have it."""
    pixels = _gradient(numbers, height, width) * 0.5 + 100
    rows = np.arange(height)[:, None]
    for _ in range(numbers.integers(1, 4)):
        steps = numbers.normal(0, 1, width).cumsum()
        smooth = np.convolve(steps, np.ones(15) / 15, "same") * height / 60
        edge = height * numbers.uniform(0.3, 0.8) + smooth
        texture = _clouds(numbers, height, width) * 0.5
        mask = (rows > edge[None, :])[..., None]
        pixels = np.where(mask, texture + numbers.integers(0, 100, 3), pixels)
    return pixels


def _gradient(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    corners = numbers.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image).astype(float)


def _blobs(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Soft overlapping patches of light, like faces, food or animals out of focus."""
    pixels = _gradient(numbers, height, width)
    y, x = np.mgrid[:height, :width]
    for _ in range(numbers.integers(4, 14)):
        cx, cy = numbers.uniform(0, width), numbers.uniform(0, height)
        sx, sy = numbers.uniform(0.03, 0.3, 2) * width
        weight = np.exp(-(((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))[..., None]
        pixels = pixels * (1 - weight) + weight * numbers.integers(0, 256, 3)
    return pixels + numbers.normal(0, numbers.uniform(0, 18), pixels.shape)


def _static(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    grey = numbers.random() < 0.4
    noise = numbers.integers(0, 256, (height, width, 1 if grey else 3))
    image = Image.fromarray(np.broadcast_to(noise, (height, width, 3)).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(numbers.uniform(0, 4)))).astype(float)


def _stripes(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Waves: woven cloth, fences, ripples."""
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3))
    for channel in range(3):
        fx, fy = numbers.uniform(-0.3, 0.3, 2)
        wave = np.sin(fx * x + fy * y + 3 * np.sin(numbers.uniform(0, 0.05) * (x + y)))
        pixels[..., channel] = 127 + 127 * wave
    return pixels + numbers.normal(0, 15, pixels.shape)


def _tiles(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A quilt of coloured tiles, like a mosaic, a map or a screen full of icons."""
    rows, columns = numbers.integers(3, 30, 2)
    tiles = Image.fromarray(numbers.integers(0, 256, (rows, columns, 3), dtype=np.uint8))
    angle = numbers.uniform(-45, 45) if numbers.random() < 0.5 else 0.0
    large = tiles.resize((2 * width, 2 * height), Image.Resampling.NEAREST).rotate(angle)
    box = (width // 2, height // 2, width // 2 + width, height // 2 + height)
    return np.asarray(large.crop(box)).astype(float)


def _rings(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Rings around a point, like wood, ripples or a target."""
    y, x = np.mgrid[:height, :width]
    cx, cy = numbers.uniform(0, width), numbers.uniform(0, height)
    far = np.hypot(x - cx, (y - cy) * numbers.uniform(0.5, 2)) * numbers.uniform(0.05, 0.4)
    waves = [127 + 127 * np.sin(far + p) for p in numbers.uniform(0, 6.3, 3)]
    return np.stack(waves, -1) + numbers.normal(0, numbers.uniform(0, 15), (height, width, 3))


def _rooms(numbers: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Many overlapping rectangles and textures, like a street, a room or a busy screen."""
    pixels = _clouds(numbers, height, width)
    for _ in range(numbers.integers(15, 60)):
        x0, y0 = numbers.integers(0, width), numbers.integers(0, height)
        x1, y1 = x0 + numbers.integers(4, width // 2), y0 + numbers.integers(4, height // 2)
        alpha = numbers.uniform(0.3, 1)
        block = pixels[y0:y1, x0:x1]
        pixels[y0:y1, x0:x1] = block * (1 - alpha) + alpha * numbers.integers(0, 256, 3)
    return pixels + numbers.normal(0, numbers.uniform(0, 12), pixels.shape)


MAKERS = {
    "clouds": _clouds,
    "landscape": _landscape,
    "blobs": _blobs,
    "static": _static,
    "gradient": _gradient,
    "rooms": _rooms,
    "tiles": _tiles,
    "rings": _rings,
    "stripes": _stripes,
}
TRAINED_KINDS = ("clouds", "landscape", "blobs", "static", "rooms", "tiles", "rings")
HELD_OUT_KINDS = ("gradient", "stripes")
OTHER_SORTS = ("how many", "what is at", "what colour", "cover title", "describe a chart")
"""Questions that fit other pictures, asked about one that they do not fit."""


def ask_unlike(rng: random.Random) -> Turn:
    """Any question; the answer is that the model cannot know."""
    sort = rng.choice(("describe", "describe", "unlike", "unlike", *OTHER_SORTS))
    fields = {"kind": rng.choice(KINDS), "place": rng.choice(POSITIONS)}
    return asked(rng, sort, Answer(HEDGE), "hedge", **fields)


def unlike_item(rng: random.Random, held_out: bool) -> Item:
    """A picture unlike the others, with questions."""
    picture = draw_unlike(rng, HELD_OUT_KINDS if held_out else TRAINED_KINDS)
    return Item([picture], [[ask_unlike(rng)] for _ in range(4)], shared=1)
