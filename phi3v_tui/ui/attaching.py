"""From paths, typed or pasted, to attachments."""

import os
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.folder import looks_like_picture
from phi3v_tui.ui.over_ssh import explain_missing

MOST_TOLD = 3
"""Files whose errors are told one by one: more would cover what is typed."""


def picture_paths(text: str) -> list[Path]:
    """The paths that a submitted text consists of, if they look like pictures."""
    paths = paths_in(text)
    return paths if all(looks_like_picture(path) for path in paths) else []


def summary(errors: list[AttachmentError]) -> str:
    """A sentence for each of a few files, and a count of the others."""
    told = "\n".join(str(error) for error in errors[:MOST_TOLD])
    untold = len(errors) - MOST_TOLD
    return f"{told}\nAnd {untold} more." if untold > 0 else told


async def read_pictures(paths: list[Path]) -> tuple[list[Attachment], list[AttachmentError]]:
    """Read picture files in threads.

    Returns:
        The pictures, and one error for each file that is none.
    """
    read: list[Attachment] = []
    errors: list[AttachmentError] = []
    for path in paths:
        try:
            read.append(await in_thread(Attachment.from_path, path))
        except AttachmentError as error:
            errors.append(explain_missing(error, path, os.environ))
    return read, errors
