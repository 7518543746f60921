"""Conversations on disk: an SQLite file that survives the app being killed."""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation, Turn, TurnState
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError, StoreError
from phi3v_tui.store.database import clear_errors, connect, damaged, transaction
from phi3v_tui.store.pictures import StoredPicture


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
        path = conversation.path()
        if not path:
            return
        turns, heading = conversation.turns(), _heading(conversation)
        with self._lock, clear_errors(self.path):
            written = self._written.get(conversation.id, _Written())
            changed = [
                (position, turn)
                for position, turn in enumerate(turns)
                if written.turns.get(turn.id) is not turn
            ]
            if not changed and written.heading == heading:
                return
            with transaction(self._connection):
                _write_conversation(self._connection, conversation)
                for position, turn in changed:
                    _write_turn(self._connection, conversation.id, position, turn)
            # Only what is committed counts as written.
            self._written[conversation.id] = _Written({turn.id: turn for turn in turns}, heading)

    def conversations(self) -> list[ConversationSummary]:
        """All conversations, the last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            rows = self._connection.execute(
                f"SELECT {_SUMMARY} FROM conversations ORDER BY updated DESC"
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
                f"SELECT {_SUMMARY} FROM conversations WHERE contains(name, ?1)"
                " OR contains(title, ?1) OR EXISTS (SELECT 1 FROM turns"
                " WHERE conversation_id = conversations.id AND contains(text, ?1))"
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
                "UPDATE conversations SET name = ? WHERE id = ?", (_storable(name), conversation_id)
            )

    def load(self, conversation_id: str) -> Conversation:
        """A conversation whole; replies that were under way come back as INTERRUPTED.

        Its pictures' bytes stay in the file until somebody asks for them.

        Raises:
            StoreError: There is none with this id, or the file cannot be read.
        """
        with self._lock, clear_errors(self.path):
            try:
                conversation = self._read(conversation_id)
            except (ValueError, LookupError, TypeError, SettingsError) as error:
                raise damaged(self.path) from error
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
                self._connection.execute(
                    "DELETE FROM pictures WHERE digest NOT IN (SELECT digest FROM attachments)"
                )
            self._written.pop(conversation_id, None)

    def close(self) -> None:
        """Close the file; harmless when called twice."""
        with self._lock:
            self._connection.close()

    def _read(self, conversation_id: str) -> Conversation:
        row = self._connection.execute(
            "SELECT system_prompt, created, last_turn_id, name, sampling"
            " FROM conversations WHERE id = ?",
            (conversation_id,),
        ).fetchone()
        if row is None:
            raise StoreError("This conversation is not there any more.", "Choose another one.")
        system_prompt, created, last_id, name, sampling = row
        return Conversation(
            system_prompt,
            id=conversation_id,
            created=_time(created),
            name=name,
            sampling=_read_sampling(sampling),
            turns=_read_turns(self._connection, conversation_id, self._picture),
            last_id=last_id,
        )

    def _picture(self, digest: str, name: str) -> StoredPicture:
        return StoredPicture(self.path, digest, name)


_SUMMARY = (
    "id, CASE name WHEN '' THEN title ELSE name END, created, updated,"
    " (SELECT count(*) FROM turns WHERE conversation_id = conversations.id)"
)


def _summary(row: tuple[str, str, str, str, int]) -> ConversationSummary:
    id, title, created, updated, turns = row
    return ConversationSummary(id, title, _time(created), _time(updated), turns)


def _heading(conversation: Conversation) -> tuple[object, ...]:
    """What is written of a conversation besides its turns, for telling whether it has changed."""
    last_id = conversation.path()[-1].id
    return last_id, conversation.name, conversation.system_prompt, conversation.sampling


def _write_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    connection.execute(
        "INSERT INTO conversations (id, title, created, updated, system_prompt, last_turn_id,"
        " name, sampling) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " title = excluded.title, updated = excluded.updated,"
        " system_prompt = excluded.system_prompt, last_turn_id = excluded.last_turn_id,"
        " name = excluded.name, sampling = excluded.sampling",
        (
            conversation.id,
            _storable(conversation.opening),
            _stamp(conversation.created),
            _stamp(datetime.now(UTC)),
            _storable(conversation.system_prompt),
            conversation.path()[-1].id,
            _storable(conversation.name),
            json.dumps(conversation.sampling and asdict(conversation.sampling)),
        ),
    )


def _read_sampling(text: str) -> SamplingParams | None:
    values = json.loads(text)
    return SamplingParams(**values) if values is not None else None


def _write_turn(
    connection: sqlite3.Connection, conversation_id: str, position: int, turn: Turn
) -> None:
    message = turn.message
    connection.execute(
        "INSERT INTO turns (id, conversation_id, parent_id, position, role, text, token_ids,"
        " state, created, model, left_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET text = excluded.text, token_ids = excluded.token_ids,"
        " state = excluded.state, model = excluded.model, left_out = excluded.left_out",
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
            _storable(turn.model),
            turn.left_out,
        ),
    )
    for number, attachment in enumerate(message.attachments):
        _write_attachment(connection, turn.id, number, attachment)


def _write_attachment(
    connection: sqlite3.Connection, turn_id: str, position: int, attachment: Attachment
) -> None:
    known = connection.execute("SELECT 1 FROM pictures WHERE digest = ?", (attachment.digest,))
    if known.fetchone() is None:
        connection.execute(
            "INSERT INTO pictures VALUES (?, ?, ?, ?)",
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


_MakePicture = Callable[[str, str], StoredPicture]


def _read_turns(
    connection: sqlite3.Connection, conversation_id: str, make_picture: _MakePicture
) -> list[Turn]:
    attachments = _read_attachments(connection, conversation_id, make_picture)
    rows = connection.execute(
        "SELECT id, parent_id, role, text, token_ids, state, created, model, left_out"
        " FROM turns WHERE conversation_id = ? ORDER BY position, created",
        (conversation_id,),
    ).fetchall()
    # One call for all of them: thousands of calls take several times as long.
    ids = json.loads(f"[{','.join(row[4] for row in rows)}]")
    turns = []
    for row, token_ids in zip(rows, ids, strict=True):
        id, parent_id, role, text, _, state, created, model, left_out = row
        message = Message(Role(role), text, tuple(attachments.get(id, ())), tuple(token_ids))
        turn = Turn(id, parent_id, message, TurnState(state), _time(created), model, left_out)
        turns.append(_as_left(turn))
    return turns


def _read_attachments(
    connection: sqlite3.Connection, conversation_id: str, make_picture: _MakePicture
) -> dict[str, list[Attachment]]:
    """Attachments by turn id."""
    rows = connection.execute(
        "SELECT turn_id, digest, name, origin, width, height FROM attachments"
        " JOIN turns ON turns.id = turn_id JOIN pictures USING (digest)"
        " WHERE conversation_id = ? ORDER BY attachments.position",
        (conversation_id,),
    )
    found: dict[str, list[Attachment]] = {}
    for turn_id, digest, name, origin, width, height in rows:
        picture = Attachment(make_picture(digest, name), digest, name, origin, width, height)
        found.setdefault(turn_id, []).append(picture)
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
