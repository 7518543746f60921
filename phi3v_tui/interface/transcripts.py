"""Where a transcript goes when somebody asks for one."""

import contextlib
import os
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.pasted import words_in
from phi3v_tui.errors import StoreError
from phi3v_tui.paths import expanded, working_folder
from phi3v_tui.store.export import export_json, export_markdown

_MARKDOWN = (".md", ".markdown", ".txt")


def save_transcript(conversation: Conversation, target: Path | None = None) -> Path:
    """Write Markdown, or JSON for a file named so, its pictures beside it.

    Args:
        conversation: What to write.
        target: A file or a folder; None takes the working folder, or the home folder where that
            takes no file.

    Returns:
        The file that was written.

    Raises:
        StoreError: It cannot be written there; says why not to the working folder.
    """
    name = f"phi3v-{conversation.created.astimezone():%Y-%m-%d-%H%M}.md"
    if target is not None:
        return _save_as(conversation, target / name if os.path.isdir(target) else target)
    try:
        return export_markdown(conversation, working_folder() / name)
    except StoreError as error:
        with contextlib.suppress(StoreError):
            return export_markdown(conversation, Path.home() / name)
        raise error


def target_named(text: str) -> Path | None:
    """The file or folder that a person names, quoted or not; None for nothing."""
    words = words_in(text)
    return expanded(words[0] if len(words) == 1 else text) if text else None


def _save_as(conversation: Conversation, target: Path) -> Path:
    if target.suffix.lower() == ".json":
        return export_json(conversation, target)
    if target.suffix.lower() not in _MARKDOWN:
        target = target.with_name(f"{target.name}.md")
    return export_markdown(conversation, target)
