"""From paths, typed or pasted, to attachments."""

import asyncio
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.folder import looks_like_picture


def picture_paths(text: str) -> list[Path]:
    """The paths that a submitted text consists of, if they look like pictures."""
    paths = paths_in(text)
    return paths if all(looks_like_picture(path) for path in paths) else []


async def read_pictures(paths: list[Path]) -> tuple[list[Attachment], list[AttachmentError]]:
    """Read picture files in threads.

    Returns:
        The pictures, and one error for each file that is none.
    """
    read: list[Attachment] = []
    errors: list[AttachmentError] = []
    for path in paths:
        try:
            read.append(await asyncio.to_thread(Attachment.from_path, path))
        except AttachmentError as error:
            errors.append(error)
    return read, errors
