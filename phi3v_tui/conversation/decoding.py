"""From the bytes of a picture file to an upright RGB picture, with clear errors."""

import io
import struct
import warnings
import zlib

from PIL import Image, ImageOps, UnidentifiedImageError

from phi3v_tui.conversation.crops import crop_layout
from phi3v_tui.errors import AttachmentError

FORMATS = (
    "PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO",
)  # fmt: skip
"""Formats that are opened, by Pillow's names. PostScript is left out: Pillow would run it."""

MAX_PIXELS = 89_000_000
"""Most pixels of a picture: just below where Pillow suspects a decompression bomb."""

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}

# What Pillow's decoders raise on damaged files, beside OSError.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, AttributeError, EOFError,
    OverflowError, RuntimeError, AssertionError, struct.error, zlib.error,
)  # fmt: skip


def decode(data: bytes, name: str, max_side: int | None = None) -> Image.Image:
    """Decode the first frame to RGB, upright by EXIF, transparency dropped.

    Args:
        data: A picture file's bytes; the format is recognised by content.
        name: What the picture is called in errors.
        max_side: Shrink to at most this many pixels wide and high; None keeps the size.

    Raises:
        AttachmentError: No picture, damaged, too many pixels, or far too narrow.
    """
    image = _open(data, name)
    _require_sane_size(image.width, image.height, name)
    try:
        if max_side is not None:
            image.draft("RGB", (max_side, max_side))
        image.load()
        image = _to_rgb(_upright(image))
        if max_side is not None:
            image.thumbnail((max_side, max_side))
    except MemoryError as error:
        raise _too_large(image.width, image.height, name) from error
    except _DAMAGE as error:
        raise AttachmentError(
            f"{name} is damaged or incomplete.", "Copy or download it again."
        ) from error
    return image


def suffix(data: bytes) -> str:
    """The usual file suffix for a picture's real format, such as ".png".

    Raises:
        AttachmentError: No picture.
    """
    kind = _open(data, "The picture").format or "png"
    return _SUFFIXES.get(kind, f".{kind.lower()}")


def _open(data: bytes, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise AttachmentError(
            f"{name} has far too many pixels.", f"Shrink it to {MAX_PIXELS // 10**6} megapixels."
        ) from error
    except UnidentifiedImageError as error:
        raise AttachmentError(
            f"{name} is not a picture that can be read.",
            "Attach a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF picture.",
        ) from error
    except _DAMAGE as error:
        raise AttachmentError(
            f"{name} is damaged or incomplete.", "Copy or download it again."
        ) from error


def _require_sane_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(width, height, name)
    try:
        crop_layout(width, height, num_crops=1)  # the strictest: fewer crops leave less of a strip
    except AttachmentError as error:
        raise AttachmentError(
            f"{name} is {width} x {height} pixels: nothing would be left of its short side.",
            error.remedy,
        ) from error


def _too_large(width: int, height: int, name: str) -> AttachmentError:
    return AttachmentError(
        f"{name} is {width} x {height} pixels large.",
        f"Shrink it to at most {MAX_PIXELS // 10**6} megapixels.",
    )


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE:  # broken metadata says nothing against the pixels
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 257).convert("L")
    return image.convert("RGB")
