"""Conversations on disk: an SQLite file that survives the app being killed."""

import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message
from phi3v_tui.conversation.turns import Turn
from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.errors import SettingsError, StoreError
from phi3v_tui.store.database import clear_errors, connect, damaged, transaction
from phi3v_tui.store.pictures import StoredPicture
from phi3v_tui.store.rows import (
    add_to_draft,
    delete_draft,
    delete_unused_pictures,
    read_conversation,
    read_draft,
    time_of,
    write_conversation,
    write_turn,
)


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in a list.

    Attributes:
        id: The conversation's id.
        title: What a person called it, else its first prompt, shortened to a line.
        created: When it began, in UTC.
        updated: When it was last written, in UTC.
        turns: How many turns it has.
    """

    id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


@dataclass(slots=True)
class _Written:
    """What the file is known to hold of a conversation."""

    turns: dict[str, Turn] = field(default_factory=dict)
    heading: tuple[object, ...] = ()


class History:
    """The stored conversations.

    `save` is quick enough for an interface's thread: it waits for no disk, only for another
    program that writes at the same moment, a second at most. Every method may be called from
    any thread; but a Conversation belongs to one thread, so the one that owns it calls `save`.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file, and bring an older schema up to date.

        Raises:
            StoreError: The file cannot be opened, is damaged, or comes from a newer version.
        """
        self.path = path.absolute()
        self._lock = threading.Lock()
        self._written: dict[str, _Written] = {}
        self._connection = connect(path)

    def save(self, conversation: Conversation) -> None:
        """Write what has changed since the last save: all of it or, on an error, nothing.

        Call it before generating (the prompt and the empty reply), about once a second while
        generating, and at the end. After an error the next call writes what is missing. A
        conversation without turns is not kept.

        Raises:
            StoreError: It cannot be written; the conversation in memory is untouched.
        """
        if not conversation.path():
            return
        with self._lock, clear_errors(self.path):
            try:
                self._write(conversation)
            except sqlite3.IntegrityError:
                # Another program has deleted what was written before.
                self._written.pop(conversation.id, None)
                self._write(conversation)

    def _write(self, conversation: Conversation) -> None:
        turns, heading = conversation.turns(), _heading(conversation)
        written = self._written.get(conversation.id, _Written())
        changed = [
            (position, turn)
            for position, turn in enumerate(turns)
            if written.turns.get(turn.id) is not turn
        ]
        if not changed and written.heading == heading:
            return
        with transaction(self._connection):
            write_conversation(self._connection, conversation)
            for position, turn in changed:
                write_turn(self._connection, conversation.id, position, turn)
        # Only what is committed counts as written.
        self._written[conversation.id] = _Written({turn.id: turn for turn in turns}, heading)

    def conversations(self) -> list[ConversationSummary]:
        """All conversations, the last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            rows = self._connection.execute(
                f"SELECT {_SUMMARY} FROM conversations WHERE shown > 0 ORDER BY updated DESC"
            ).fetchall()
        return [_summary(row) for row in rows]

    def search(self, words: str) -> list[ConversationSummary]:
        """Conversations in whose title or messages a text stands, in any case; last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        wanted = words.casefold()
        with self._lock, clear_errors(self.path):
            rows = self._connection.execute(
                f"SELECT {_SUMMARY} FROM conversations WHERE shown > 0 AND (contains(name, ?1)"
                " OR contains(title, ?1) OR EXISTS (SELECT 1 FROM turns"
                " WHERE conversation_id = conversations.id AND contains(text, ?1)))"
                " ORDER BY updated DESC",
                (wanted,),
            ).fetchall()
        return [_summary(row) for row in rows]

    def prompts(self, most: int) -> list[str]:
        """The prompts sent last, in all conversations, the newest first.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            rows = self._connection.execute(
                "SELECT text FROM turns WHERE role = 'user' AND text != ''"
                " ORDER BY created DESC LIMIT ?",
                (most,),
            ).fetchall()
        return [text for (text,) in rows]

    def rename(self, conversation_id: str, name: str) -> None:
        """Give a conversation a name; an empty one lets it go by its first prompt again.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._lock, clear_errors(self.path):
            self._connection.execute(
                "UPDATE conversations SET name = ? WHERE id = ?", (encodable(name), conversation_id)
            )

    def load(self, conversation_id: str) -> Conversation:
        """A conversation whole; replies that were under way come back as INTERRUPTED.

        Its pictures' bytes stay in the file until somebody asks for them.

        Raises:
            StoreError: There is none with this id, or the file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            try:
                conversation = read_conversation(self._connection, conversation_id, self._picture)
            except (ValueError, LookupError, TypeError, SettingsError) as error:
                raise damaged(self.path) from error
            if conversation is None:
                raise StoreError("This conversation is not there any more.", "Choose another one.")
            self._written[conversation.id] = _Written(
                {turn.id: turn for turn in conversation.turns()}, _heading(conversation)
            )
        return conversation

    def latest(self) -> Conversation | None:
        """The conversation last written; None if there is none.

        Raises:
            StoreError: The file cannot be read.
        """
        summaries = self.conversations()
        return self.load(summaries[0].id) if summaries else None

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation, and pictures that no other one uses.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._lock, clear_errors(self.path):
            with transaction(self._connection):
                self._connection.execute(
                    "DELETE FROM conversations WHERE id = ?", (conversation_id,)
                )
                delete_unused_pictures(self._connection)
            self._written.pop(conversation_id, None)

    def keep_draft(self, draft: Message) -> None:
        """Keep a prompt that was not sent, behind one that is kept already.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._lock, clear_errors(self.path), transaction(self._connection):
            add_to_draft(self._connection, draft)

    def take_draft(self) -> Message:
        """The prompt that was kept, with the bytes of its pictures; it is kept no more.

        Returns:
            Without text and pictures where there is none.

        Raises:
            StoreError: The file cannot be read or written.
        """
        with self._lock, clear_errors(self.path):
            draft = read_draft(self._connection)
            if draft.text or draft.attachments:
                with transaction(self._connection):
                    draft = read_draft(self._connection)
                    delete_draft(self._connection)
        return draft

    def close(self) -> None:
        """Close the file; harmless when called twice."""
        with self._lock:
            self._connection.close()

    def _picture(self, digest: str, name: str) -> StoredPicture:
        return StoredPicture(self.path, digest, name)


_NEVER_BEGAN = "(role = 'assistant' AND state = 'failed' AND text = '')"

_SUMMARY = (
    "id, CASE name WHEN '' THEN title ELSE name END, created, updated,"
    # Without prompts that were given back, and the replies to them that never began.
    " (SELECT count(*) FROM turns AS t WHERE conversation_id = conversations.id"
    f" AND NOT {_NEVER_BEGAN} AND NOT (role = 'user'"
    f" AND EXISTS (SELECT 1 FROM turns WHERE parent_id = t.id AND {_NEVER_BEGAN})"
    f" AND NOT EXISTS (SELECT 1 FROM turns WHERE parent_id = t.id AND NOT {_NEVER_BEGAN}))"
    ") AS shown"
)


def _summary(row: tuple[str, str, str, str, int]) -> ConversationSummary:
    id, title, created, updated, turns = row
    return ConversationSummary(id, title, time_of(created), time_of(updated), turns)


def _heading(conversation: Conversation) -> tuple[object, ...]:
    """What is written of a conversation besides its turns, for telling whether it has changed."""
    return (
        conversation.path()[-1].id,
        conversation.name,
        conversation.system_prompt,
        conversation.sampling,
        conversation.num_crops,
    )
