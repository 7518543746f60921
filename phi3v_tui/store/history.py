"""Conversations on disk: an SQLite file that survives the app being killed."""

import json
import sqlite3
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation, Turn, TurnState
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.errors import StoreError
from phi3v_tui.store.database import clear_errors, connect, damaged, transaction


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


@dataclass(slots=True)
class _Written:
    """What the file is known to hold of a conversation."""

    turns: dict[str, Turn] = field(default_factory=dict)
    last_id: str = ""


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
        self.path = path
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
        path = conversation.path()
        if not path:
            return
        turns, last_id = conversation.turns(), path[-1].id
        with self._lock, clear_errors(self.path):
            written = self._written.get(conversation.id, _Written())
            changed = [
                (position, turn)
                for position, turn in enumerate(turns)
                if written.turns.get(turn.id) is not turn
            ]
            if not changed and written.last_id == last_id:
                return
            with transaction(self._connection):
                _write_conversation(self._connection, conversation, last_id)
                for position, turn in changed:
                    _write_turn(self._connection, conversation.id, position, turn)
            # Only what is committed counts as written.
            self._written[conversation.id] = _Written({turn.id: turn for turn in turns}, last_id)

    def conversations(self) -> list[ConversationSummary]:
        """All conversations, the last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            rows = self._connection.execute(
                "SELECT id, title, created, updated,"
                " (SELECT count(*) FROM turns WHERE conversation_id = conversations.id)"
                " FROM conversations ORDER BY updated DESC"
            ).fetchall()
        return [
            ConversationSummary(id, title, _time(created), _time(updated), turns)
            for id, title, created, updated, turns in rows
        ]

    def load(self, conversation_id: str) -> Conversation:
        """A conversation whole; replies that were under way come back as INTERRUPTED.

        Raises:
            StoreError: There is none with this id, or the file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            try:
                conversation = _read_conversation(self._connection, conversation_id)
            except (ValueError, LookupError, TypeError) as error:
                raise damaged(self.path) from error
            self._written[conversation.id] = _Written(
                {turn.id: turn for turn in conversation.turns()}, conversation.path()[-1].id
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
                self._connection.execute(
                    "DELETE FROM pictures WHERE digest NOT IN (SELECT digest FROM attachments)"
                )
            self._written.pop(conversation_id, None)

    def close(self) -> None:
        """Close the file; harmless when called twice."""
        with self._lock:
            self._connection.close()


def _write_conversation(
    connection: sqlite3.Connection, conversation: Conversation, last_id: str
) -> None:
    connection.execute(
        "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " title = excluded.title, updated = excluded.updated,"
        " system_prompt = excluded.system_prompt, last_turn_id = excluded.last_turn_id",
        (
            conversation.id,
            _storable(conversation.title),
            _stamp(conversation.created),
            _stamp(datetime.now(UTC)),
            _storable(conversation.system_prompt),
            last_id,
        ),
    )


def _write_turn(
    connection: sqlite3.Connection, conversation_id: str, position: int, turn: Turn
) -> None:
    message = turn.message
    connection.execute(
        "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " text = excluded.text, token_ids = excluded.token_ids, state = excluded.state",
        (
            turn.id,
            conversation_id,
            turn.parent_id,
            position,
            message.role,
            _storable(message.text),
            json.dumps(message.token_ids),
            turn.state,
            _stamp(turn.created),
        ),
    )
    for number, attachment in enumerate(message.attachments):
        _write_attachment(connection, turn.id, number, attachment)


def _write_attachment(
    connection: sqlite3.Connection, turn_id: str, position: int, attachment: Attachment
) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?)",
        (attachment.digest, attachment.data, attachment.width, attachment.height),
    )
    connection.execute(
        "INSERT OR IGNORE INTO attachments VALUES (?, ?, ?, ?, ?)",
        (
            turn_id,
            position,
            attachment.digest,
            _storable(attachment.name),
            _storable(attachment.origin),
        ),
    )


def _read_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    row = connection.execute(
        "SELECT system_prompt, created, last_turn_id FROM conversations WHERE id = ?",
        (conversation_id,),
    ).fetchone()
    if row is None:
        raise StoreError("This conversation is not there any more.", "Choose another one.")
    system_prompt, created, last_id = row
    turns = _read_turns(connection, conversation_id)
    return Conversation(
        system_prompt, id=conversation_id, created=_time(created), turns=turns, last_id=last_id
    )


def _read_turns(connection: sqlite3.Connection, conversation_id: str) -> list[Turn]:
    attachments = _read_attachments(connection, conversation_id)
    rows = connection.execute(
        "SELECT id, parent_id, role, text, token_ids, state, created"
        " FROM turns WHERE conversation_id = ? ORDER BY position, created",
        (conversation_id,),
    )
    turns = []
    for id, parent_id, role, text, token_ids, state, created in rows:
        message = Message(
            Role(role), text, tuple(attachments.get(id, ())), tuple(json.loads(token_ids))
        )
        turns.append(_as_left(Turn(id, parent_id, message, TurnState(state), _time(created))))
    return turns


def _read_attachments(
    connection: sqlite3.Connection, conversation_id: str
) -> dict[str, list[Attachment]]:
    """Attachments by turn id; a picture that several turns have is read once."""
    rows = connection.execute(
        "SELECT turn_id, digest, name, origin FROM attachments"
        " JOIN turns ON turns.id = turn_id WHERE conversation_id = ? ORDER BY attachments.position",
        (conversation_id,),
    ).fetchall()
    pictures = {
        digest: connection.execute(
            "SELECT data, width, height FROM pictures WHERE digest = ?", (digest,)
        ).fetchone()
        for digest in {row[1] for row in rows}
    }
    found: dict[str, list[Attachment]] = {}
    for turn_id, digest, name, origin in rows:
        data, width, height = pictures[digest]
        found.setdefault(turn_id, []).append(Attachment(data, digest, name, origin, width, height))
    return found


def _as_left(turn: Turn) -> Turn:
    """A turn as found again: nothing is under way any more."""
    if turn.state is TurnState.IN_PROGRESS:
        return replace(turn, state=TurnState.INTERRUPTED)
    return turn


def _storable(text: str) -> str:
    """Text without lone surrogates (from undecodable file names), which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
