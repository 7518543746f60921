"""Transcripts: a conversation as a file for people or programs, its pictures beside it."""

from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation


def export_markdown(conversation: Conversation, target: Path) -> Path:
    """Write the shown path as Markdown, its pictures into `<name>-pictures/` beside it.

    Args:
        conversation: What to write.
        target: The wished-for file; where it exists, the next free name is taken.

    Returns:
        The file that was written.

    Raises:
        StoreError: It cannot be written.
    """
    raise NotImplementedError


def export_json(conversation: Conversation, target: Path) -> Path:
    """Write the shown path as JSON, its pictures into `<name>-pictures/` beside it.

    Args:
        conversation: What to write.
        target: The wished-for file; where it exists, the next free name is taken.

    Returns:
        The file that was written.

    Raises:
        StoreError: It cannot be written.
    """
    raise NotImplementedError
