"""Pictures made of a part of another: a page, a frame, a region for small print."""

import io
import re
from pathlib import Path, PurePath

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.errors import AttachmentError

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright picture; right and bottom lie outside."""

_NUMBERED = re.compile(r"(?P<file>.+)#(?:page|frame)=(?P<number>[1-9]\d{0,5})", re.DOTALL)


def with_number(path: Path) -> tuple[Path, int]:
    """The file that a path such as scan.tif#page=2 names, and which picture in it, from 0."""
    found = _NUMBERED.fullmatch(str(path))
    return (Path(found["file"]), int(found["number"]) - 1) if found else (path, 0)


def frame_of(attachment: Attachment, frame: int) -> Attachment:
    """Make a picture of one frame; the file itself stands for the first.

    Raises:
        AttachmentError: There is no such frame, or it is damaged.
    """
    count = attachment.count_frames()
    if frame >= count:
        noun = attachment.frame_noun
        has = f"one {noun}" if count == 1 else f"{count} {noun}s"
        raise AttachmentError(f"{attachment.name} has {has}, and no {noun} {frame + 1}.", "")
    return cut(attachment, frame) if frame else attachment


def describe_frames(attachment: Attachment) -> str:
    """Say how many frames there are and which is sent; nothing where there is only one.

    Reads through the file: call it in a thread.

    Raises:
        AttachmentError: The picture is not where it was kept any more.
    """
    count = attachment.count_frames()
    if count < 2:
        return ""
    return f"{attachment.name} has {count} {attachment.frame_noun}s; the first one is attached."


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
    words, fragments = _which(attachment.frame_noun, frame, box)
    stem = PurePath(attachment.name).stem
    separator = "&" if "#" in attachment.origin else "#"
    return Attachment.from_bytes(
        buffer.getvalue(),
        f"{stem}, {', '.join(words)}.png",
        f"{attachment.origin}{separator}{'&'.join(fragments)}",
    )


def _which(noun: str, frame: int, box: Box | None) -> tuple[list[str], list[str]]:
    """The part in words for people, and as fragments of an address."""
    words, fragments = [], []
    if frame or box is None:
        words.append(f"{noun} {frame + 1}")
        fragments.append(f"page={frame + 1}")
    if box is not None:
        left, top, right, bottom = box
        words.append("part")
        fragments.append(f"xywh={left},{top},{right - left},{bottom - top}")
    return words, fragments
