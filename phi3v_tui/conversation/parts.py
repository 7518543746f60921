"""Pictures made of a part of another: a page, a frame, a region for small print."""

import io
from pathlib import PurePath

from phi3v_tui.conversation.attachment import Attachment

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright picture; right and bottom lie outside."""


def cut(attachment: Attachment, frame: int = 0, box: Box | None = None) -> Attachment:
    """Make a picture of one frame, or of a region of it, without loss.

    It is decoded and encoded anew, which takes some 0.5 s for 12 megapixels: call it in a thread.

    Args:
        attachment: The picture to cut.
        frame: Which frame of an animation or page of a document, from 0.
        box: The region; None takes the whole frame.

    Raises:
        AttachmentError: The picture is damaged, or the part too small or too thin for the model.
    """
    image = attachment.image(frame)
    if box is not None:
        image = image.crop(box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    words, fragments = _which(frame, box)
    stem = PurePath(attachment.name).stem
    separator = "&" if "#" in attachment.origin else "#"
    return Attachment.from_bytes(
        buffer.getvalue(),
        f"{stem}, {', '.join(words)}.png",
        f"{attachment.origin}{separator}{'&'.join(fragments)}",
    )


def _which(frame: int, box: Box | None) -> tuple[list[str], list[str]]:
    """The part in words for people, and as fragments of an address."""
    words, fragments = [], []
    if frame or box is None:
        words.append(f"page {frame + 1}")
        fragments.append(f"page={frame + 1}")
    if box is not None:
        left, top, right, bottom = box
        words.append("part")
        fragments.append(f"xywh={left},{top},{right - left},{bottom - top}")
    return words, fragments
