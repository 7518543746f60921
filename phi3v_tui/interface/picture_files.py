"""From paths, typed or pasted, to pictures."""

import os
from collections.abc import Sequence
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.parts import frame_of, with_number
from phi3v_tui.conversation.pasted import paths_in, words_in
from phi3v_tui.conversation.windows_paths import here
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.missing_files import explain_missing

ANOTHER_FRAME = "With #page=2 after its name the second one is, and so on."
"""How to choose without seeing."""

_SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif",
    ".jp2", ".ppm", ".pgm", ".ico",
))  # fmt: skip


def looks_like_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the suffix is one of a picture; one with #page=2 at its end is, too."""
    file, _ = with_number(Path(path))
    return file.suffix.lower() in _SUFFIXES


def picture_paths(text: str) -> list[Path]:
    """The paths that a submitted text consists of, if they look like pictures.

    One that is relative counts where there is such a file.
    """
    paths = paths_in(text) or _relative_paths(text)
    return paths if all(looks_like_picture(path) for path in paths) else []


def _relative_paths(text: str) -> list[Path]:
    for names in ([text.strip()], words_in(text)):
        paths = [Path(name) for name in names]
        if all(looks_like_picture(path) and os.path.isfile(with_number(path)[0]) for path in paths):
            return paths
    return []


def are_meant(paths: Sequence[Path]) -> bool:
    """Whether a pasted text that reads like paths is likely one, and no prose that begins so.

    Call it in a thread: the disk is asked.
    """
    return any(looks_like_picture(path) or os.path.lexists(here(path)) for path in paths)


def read_picture(path: Path) -> Attachment:
    """Read a picture file, also one that is named as on Windows. Call it in a thread.

    Args:
        path: With #page=2 at its end it means that page of the file, where no file is named so.

    Raises:
        AttachmentError: As `Attachment.from_path`; where the path is of another machine, it says
            how to bring the file.
    """
    file, frame = (path, 0) if os.path.exists(path) else with_number(path)
    try:
        return frame_of(Attachment.from_path(here(file)), frame)
    except AttachmentError as error:
        raise explain_missing(error, file, os.environ) from error
