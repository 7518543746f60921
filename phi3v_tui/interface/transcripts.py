"""Where a transcript goes when somebody asks for one."""

import contextlib
import os
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.pasted import words_in
from phi3v_tui.errors import StoreError
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.paths import expanded, working_folder
from phi3v_tui.store.export import Transcript, export_json, export_markdown

_MARKDOWN = (".md", ".markdown", ".txt")


def save_transcript(conversation: Conversation, named: str = "") -> Transcript:
    """Write Markdown, or JSON for a file named so, its pictures beside it.

    Args:
        conversation: What to write.
        named: A file or a folder as a person types it, quoted or not; nothing takes the working
            folder, or the home folder where that takes no file.

    Raises:
        StoreError: It cannot be written there; says why not to the working folder.
    """
    name = f"phi3v-{conversation.created.astimezone():%Y-%m-%d-%H%M}.md"
    if named:
        return _save_as(conversation, _target(named, name))
    try:
        return export_markdown(conversation, working_folder() / name)
    except StoreError as error:
        with contextlib.suppress(StoreError):
            return export_markdown(conversation, Path.home() / name)
        raise error


def missing_words(transcript: Transcript) -> str:
    """What is not in a transcript, as a sentence; empty where all is."""
    if not transcript.missing:
        return ""
    names = ", ".join(map(drawable, transcript.missing))
    return f"Not in it, as it cannot be read any more: {names}."


def _target(named: str, name: str) -> Path:
    """The file that is named, or `name` in the folder that is."""
    words = words_in(named)
    path = words[0] if len(words) == 1 else named
    target = expanded(path)
    is_folder = path.endswith("/") or os.path.isdir(target)
    return target / name if is_folder else target


def _save_as(conversation: Conversation, target: Path) -> Transcript:
    if target.suffix.lower() == ".json":
        return export_json(conversation, target)
    if target.suffix.lower() not in _MARKDOWN:
        target = target.with_name(f"{target.name}.md")
    return export_markdown(conversation, target)
