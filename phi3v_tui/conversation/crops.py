"""How a picture is cut into crops, and what that costs in tokens. Arithmetic only.

The model sees a picture twice: as a grid of square crops (the HD transform: resize so that the
long side is a whole number of crops, pad the short side with white) and as one global view, the
whole grid shrunk to one crop.
"""

import math
from dataclasses import dataclass

from phi3v_tui.errors import AttachmentError

CROP_SIZE = 336
"""Side of a crop in pixels, as published."""

PATCH_SIZE = 14
"""Side of a patch of the vision tower in pixels."""

MOST_LOPSIDED = 200
"""How many times as long as wide a picture may be, so that something is left of its short side
even when it is cut into one crop of the smallest in use, the bundled model's 224 pixels."""


@dataclass(frozen=True, slots=True)
class CropGrid:
    """Crops in rows and columns.

    Attributes:
        rows: Crops from top to bottom.
        cols: Crops from left to right.
    """

    rows: int
    cols: int

    @property
    def num_crops(self) -> int:
        """Pictures that the vision tower encodes: the global view and the crops."""
        return 1 + self.rows * self.cols

    def tokens(self, tokens_per_side: int) -> int:
        """Tokens of the picture, separators included.

        Each line of patches ends in a separator, and one more lies between crops and global view.

        Args:
            tokens_per_side: Tokens along the side of one crop, 12 for the published models.
        """
        side = tokens_per_side
        crops = self.rows * side * (self.cols * side + 1)
        global_view = side * (side + 1)
        return crops + 1 + global_view


@dataclass(frozen=True, slots=True)
class CropLayout(CropGrid):
    """The HD transform of one picture.

    Attributes:
        crop_size: Side of a crop in pixels.
        resized_width: Pixels after resizing, before padding.
        resized_height: Pixels after resizing, before padding.
        transposed: Whether the picture is taller than wide. The reference resizes such a picture
            lying on its side, which matters for equality to the pixel.
    """

    crop_size: int
    resized_width: int
    resized_height: int
    transposed: bool

    @property
    def width(self) -> int:
        """Pixels of the grid from left to right."""
        return self.cols * self.crop_size

    @property
    def height(self) -> int:
        """Pixels of the grid from top to bottom."""
        return self.rows * self.crop_size

    @property
    def left(self) -> int:
        """Pixels of white to the left of the resized picture."""
        return (self.width - self.resized_width) // 2

    @property
    def top(self) -> int:
        """Pixels of white above the resized picture."""
        return (self.height - self.resized_height) // 2

    @property
    def num_tokens(self) -> int:
        """Tokens that the picture takes in the prompt."""
        return self.tokens(tokens_per_side(self.crop_size))


def tokens_per_side(crop_size: int, patch_size: int = PATCH_SIZE) -> int:
    """Tokens along the side of one crop: each stands for two by two patches."""
    return crop_size // patch_size // 2


def crop_layout(width: int, height: int, num_crops: int, crop_size: int = CROP_SIZE) -> CropLayout:
    """Lay out the HD transform of a picture.

    Args:
        width: Pixels of the picture.
        height: Pixels of the picture.
        num_crops: Most crops it may be cut into, 1 or more.
        crop_size: Side of a crop in pixels.

    Raises:
        AttachmentError: The picture is empty, or so long and thin that nothing is left of its
            short side (the reference code crashes there).
    """
    if min(width, height) < 1:
        raise AttachmentError(
            f"A picture of {width} x {height} pixels is empty.", "Choose another picture."
        )
    long, short = max(width, height), min(width, height)
    across = _crops_along_long_side(long / short, num_crops)
    resized_long = across * crop_size
    resized_short = int(resized_long / (long / short))
    if resized_short < 1:
        raise AttachmentError(
            f"A picture of {width} x {height} pixels is too long and thin for the model.",
            "Cut out the part that matters and attach that.",
        )
    down = math.ceil(resized_short / crop_size)
    if height > width:
        return CropLayout(across, down, crop_size, resized_short, resized_long, transposed=True)
    return CropLayout(down, across, crop_size, resized_long, resized_short, transposed=False)


def image_tokens(width: int, height: int, num_crops: int, crop_size: int = CROP_SIZE) -> int:
    """Tokens that a picture takes in the prompt; arguments and errors as in `crop_layout`."""
    return crop_layout(width, height, num_crops, crop_size).num_tokens


def _crops_along_long_side(ratio: float, num_crops: int) -> int:
    """The most crops along the long side for which the grid has no more than `num_crops`."""
    if num_crops < 1:
        raise ValueError(f"num_crops is {num_crops}; it has to be 1 or more")
    across = 1
    while (across + 1) * math.ceil((across + 1) / ratio) <= num_crops:
        across += 1
    return across
