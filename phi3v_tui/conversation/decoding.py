"""From the bytes of a picture file to an upright RGB picture, with clear errors."""

import io
import re
import struct
import warnings
import zlib
from typing import cast

from PIL import Image, ImageOps, UnidentifiedImageError

from phi3v_tui.conversation.crops import MOST_LOPSIDED
from phi3v_tui.errors import AttachmentError

FORMATS = (
    "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO",
)  # fmt: skip
"""Formats that are opened, by Pillow's names. PostScript is left out: Pillow would run it."""

MAX_PIXELS = 89_000_000
"""Most pixels of a picture: just below where Pillow suspects a decompression bomb."""

HEAD_BYTES = 32
"""Bytes of the beginning of a file that tell whether it claims to be a picture."""

_CLEARLY_MARKED = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF", "JPEG2000")
"""Formats whose beginnings are no text that people write."""

_WITH_FRAMES = frozenset({"GIF", "TIFF", "WEBP", "PNG", "AVIF"})
# MPO is left out: its other frames are a camera's depth maps and previews of the same picture.

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}

_OTHER_KINDS = (
    (rb"%PDF-", "a PDF document, not a picture", "Save its page as PNG: pdftoppm -png does."),
    (
        rb"....ftyp(?:hei[cx]|hev[cx]|mif1)",
        "a HEIC photo, which cannot be read",
        "Save it as JPEG; an iPhone takes JPEG with Camera, Formats, Most Compatible.",
    ),
    (
        rb"\s*(?:<[?!].{,2000}?>\s*){,9}<svg\b",
        "an SVG drawing, which has no pixels",
        "Save it as PNG.",
    ),
)
"""Beginnings of files that people take for pictures, what they are, and what to do."""

# What it remarks on sloppy files is nothing that people could mend.
warnings.filterwarnings("ignore", module=r"PIL\.")

# What Pillow's decoders raise on damaged files, beside OSError.
_DAMAGE = (
    SyntaxError, ValueError, TypeError, IndexError, EOFError, OverflowError, RuntimeError,
    OSError, struct.error, zlib.error,
)  # fmt: skip


def decode(data: bytes, name: str, max_side: int | None = None, frame: int = 0) -> Image.Image:
    """Decode one frame to RGB, upright by EXIF, transparency dropped.

    Args:
        data: A picture file's bytes; the format is recognised by content.
        name: What the picture is called in errors.
        max_side: Shrink to at most this many pixels wide and high; None keeps the size.
        frame: Which frame of an animation or page of a document, from 0.

    Raises:
        AttachmentError: No picture, damaged, too many pixels, far too narrow, or no such frame.
    """
    image = _open(data, name)
    _require_sane_size(image.width, image.height, name)
    try:
        if frame:
            image.seek(frame)
            _require_sane_size(image.width, image.height, name)
        if max_side is not None:
            image.draft("RGB", (max_side, max_side))
        image.load()  # here, not in `_upright`, which forgives errors
        image = _to_rgb(_upright(image))
        if max_side is not None:
            image.thumbnail((max_side, max_side))
    except MemoryError as error:
        raise _too_large(image.width, image.height, name) from error
    except _DAMAGE as error:
        raise _damaged(name) from error
    return image


def count_frames(data: bytes) -> int:
    """How many frames or pages a picture file has; 1 where that cannot be told.

    Raises:
        AttachmentError: No picture.
    """
    image = _open(data, "The picture")
    if image.format not in _WITH_FRAMES:
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGE:  # the frames before the damage can still be seen, the first one at least
        return 1


def frame_noun(data: bytes) -> str:
    """What one of several pictures in a file is called: "page" or "frame".

    Raises:
        AttachmentError: No picture.
    """
    return "page" if _open(data, "The picture").format == "TIFF" else "frame"


def claims_to_be_picture(head: bytes) -> bool:
    """Whether a file that begins so is in one of `FORMATS`; it may be damaged further on.

    Args:
        head: The first `HEAD_BYTES` bytes, fewer if the file is shorter.
    """
    Image.init()
    return any(_accepts(kind, head) for kind in FORMATS)


def _accepts(kind: str, head: bytes) -> bool:
    accept = Image.OPEN[kind][1] if kind in Image.OPEN else None
    # A text, such as AVIF's where its decoder is missing, says why it cannot be opened.
    return accept is not None and accept(head) is not False and not isinstance(accept(head), str)


def suffix(data: bytes) -> str:
    """The usual file suffix for a picture's real format, such as ".png".

    Raises:
        AttachmentError: No picture.
    """
    kind = _open(data, "The picture").format or "png"
    return _SUFFIXES.get(kind, f".{kind.lower()}")


def _open(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise AttachmentError(
            f"{name} has far too many pixels.", f"Shrink it to {MAX_PIXELS // 10**6} megapixels."
        ) from error
    except UnidentifiedImageError as error:
        raise _unreadable(data, name) from error
    except _DAMAGE as error:
        raise _damaged(name) from error


def _unreadable(data: bytes, name: str) -> AttachmentError:
    """Why a file is not even opened, and what to do about files of its kind."""
    if not data:
        return AttachmentError(f"{name} is empty.", "Copy or download it again.")
    if any(_accepts(kind, data[:HEAD_BYTES]) for kind in _CLEARLY_MARKED):
        return _damaged(name)
    for beginning, kind, remedy in _OTHER_KINDS:
        if re.match(beginning, data, re.DOTALL):
            return AttachmentError(f"{name} is {kind}.", remedy)
    return AttachmentError(
        f"{name} is not a picture that can be read.",
        "Attach a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF picture.",
    )


def _damaged(name: str) -> AttachmentError:
    return AttachmentError(f"{name} is damaged or incomplete.", "Copy or download it again.")


def _require_sane_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(width, height, name)
    if max(width, height) > MOST_LOPSIDED * min(width, height):
        raise AttachmentError(
            f"{name} is {width} x {height} pixels: nothing would be left of its short side.",
            "Cut out the part that matters and attach that.",
        )


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
    """Convert as the reference does, but scale numbers of more than 8 bits: it cuts them off."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled_to_8_bits(image)
    return image.convert("RGB")


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    """Grey levels 0 to 65535, or what range fractions have, as 0 to 255."""
    values = image.convert("F")
    low, high = cast(tuple[float, float], values.getextrema())
    if image.mode.startswith("I"):
        low, high = 0.0, max(high, 65535.0)
    scale = 255 / (high - low) if high > low else 0.0
    return values.point(lambda value: value * scale - low * scale).convert("L")
