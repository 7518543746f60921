"""Conversations on disk: an SQLite file that survives the app being killed."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in a list.

    Attributes:
        id: The conversation's id.
        title: Its first prompt, shortened to a line.
        created: When it began, in UTC.
        updated: When it was last written, in UTC.
        turns: How many turns it has.
    """

    id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


class History:
    """The stored conversations.

    `save` is quick enough for an interface's thread (well under a millisecond, plus the writing
    of new pictures). Every method may be called from any thread; but a Conversation belongs to
    one thread, so the one that owns it calls `save`.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file, and bring an older schema up to date.

        Raises:
            StoreError: The file cannot be opened, is damaged, or comes from a newer version.
        """
        raise NotImplementedError

    def save(self, conversation: Conversation) -> None:
        """Write what has changed since the last save: all of it or, on an error, nothing.

        Call it before generating (the prompt and the empty reply), about once a second while
        generating, and at the end. After an error the next call writes what is missing.

        Raises:
            StoreError: It cannot be written; the conversation in memory is untouched.
        """
        raise NotImplementedError

    def conversations(self) -> list[ConversationSummary]:
        """All conversations, the last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        raise NotImplementedError

    def load(self, conversation_id: str) -> Conversation:
        """A conversation whole; replies that were under way come back as INTERRUPTED.

        Raises:
            StoreError: There is none with this id, or the file cannot be read.
        """
        raise NotImplementedError

    def latest(self) -> Conversation | None:
        """The conversation last written; None if there is none.

        Raises:
            StoreError: The file cannot be read.
        """
        raise NotImplementedError

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation, and pictures that no other one uses.

        Raises:
            StoreError: The file cannot be written.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; harmless when called twice."""
        raise NotImplementedError
