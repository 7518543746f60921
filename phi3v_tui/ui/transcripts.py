"""Where a transcript goes when somebody asks for one."""

import contextlib
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.errors import StoreError
from phi3v_tui.store.export import export_markdown


def save_transcript(conversation: Conversation) -> Path:
    """Write Markdown and pictures into the working folder, or the home folder where that fails.

    Returns:
        The file that was written.

    Raises:
        StoreError: It can be written to neither; says why not to the working folder.
    """
    name = f"phi3v-{conversation.created.astimezone():%Y-%m-%d-%H%M}.md"
    try:
        return export_markdown(conversation, Path.cwd() / name)
    except StoreError as error:
        with contextlib.suppress(StoreError):
            return export_markdown(conversation, Path.home() / name)
        raise error
