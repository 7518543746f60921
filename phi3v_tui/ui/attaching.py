"""Pictures read beside the interface, and what to say of those that could not be."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.patterns import Source
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.picture_files import read_picture
from phi3v_tui.ui.background import in_thread

MOST_TOLD = 3
"""Files whose errors are told one by one: more would cover what is typed."""


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


def summary(errors: list[AttachmentError]) -> str:
    """A sentence for each of a few files, and a count of the others."""
    told = "\n".join(str(error) for error in errors[:MOST_TOLD])
    untold = len(errors) - MOST_TOLD
    return f"{told}\nAnd {untold} more." if untold > 0 else told


def command_for(sources: Iterable[Source]) -> str:
    """What to type to have pictures attached."""
    return f"/attach {' '.join(shlex.quote(str(source)) for source in sources)}"
