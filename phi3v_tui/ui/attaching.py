"""From paths, typed or pasted, to attachments."""

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.parts import frame_of, with_number
from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.conversation.patterns import Source
from phi3v_tui.conversation.windows_paths import here
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.folder import looks_like_picture
from phi3v_tui.ui.over_ssh import explain_missing

MOST_TOLD = 3
"""Files whose errors are told one by one: more would cover what is typed."""

ANOTHER_FRAME = "With #page=2 after its name the second one is, and so on."
"""How to choose without seeing."""


def picture_paths(text: str) -> list[Path]:
    """The paths that a submitted text consists of, if they look like pictures."""
    paths = paths_in(text)
    return paths if all(looks_like_picture(path) for path in paths) else []


def are_meant(paths: Sequence[Path]) -> bool:
    """Whether a pasted text that reads like paths is likely one, and no prose that begins so.

    Call it in a thread: the disk is asked.
    """
    return any(looks_like_picture(path) or os.path.lexists(here(path)) for path in paths)


def summary(errors: list[AttachmentError]) -> str:
    """A sentence for each of a few files, and a count of the others."""
    told = "\n".join(str(error) for error in errors[:MOST_TOLD])
    untold = len(errors) - MOST_TOLD
    return f"{told}\nAnd {untold} more." if untold > 0 else told


def command_for(sources: Iterable[Source]) -> str:
    """What to type to have pictures attached."""
    return f"/attach {' '.join(shlex.quote(str(source)) for source in sources)}"


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


async def read_pictures(
    paths: Sequence[Path],
) -> tuple[list[Attachment], list[AttachmentError]]:
    """Read picture files in threads.

    Returns:
        The pictures, and one error for each file that is none.
    """
    read: list[Attachment] = []
    errors: list[AttachmentError] = []
    for path in paths:
        try:
            read.append(await in_thread(read_picture, path))
        except AttachmentError as error:
            errors.append(error)
    return read, errors
