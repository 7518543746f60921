"""Conversations as rows of the history's tables, and back.

The caller holds the lock and the transaction; a row that makes no sense raises ValueError,
LookupError, TypeError or SettingsError.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.errors import AttachmentError
from phi3v_tui.store.pictures import StoredPicture

MakePicture = Callable[[str, str], StoredPicture]
"""Makes a picture from its digest and name; its bytes stay in the file."""


def write_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Write a conversation's own row, without its turns."""
    connection.execute(
        "INSERT INTO conversations (id, title, created, updated, system_prompt, last_turn_id,"
        " name, sampling, num_crops) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, updated = excluded.updated,"
        " system_prompt = excluded.system_prompt, last_turn_id = excluded.last_turn_id,"
        " name = excluded.name, sampling = excluded.sampling, num_crops = excluded.num_crops",
        (
            conversation.id,
            encodable(conversation.opening),
            _stamp(conversation.created),
            _stamp(datetime.now(UTC)),
            encodable(conversation.system_prompt),
            conversation.path()[-1].id,
            encodable(conversation.name),
            json.dumps(conversation.sampling and asdict(conversation.sampling)),
            conversation.num_crops,
        ),
    )


def write_turn(
    connection: sqlite3.Connection, conversation_id: str, position: int, turn: Turn
) -> None:
    """Write a turn and its pictures; of one that is there already, what can change."""
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
            encodable(message.text),
            json.dumps(message.token_ids),
            turn.state,
            _stamp(turn.created),
            encodable(turn.model),
            turn.left_out,
        ),
    )
    for number, attachment in enumerate(message.attachments):
        _write_attachment(connection, turn.id, number, attachment)


def _write_attachment(
    connection: sqlite3.Connection, turn_id: str, position: int, attachment: Attachment
) -> None:
    if _write_picture(connection, attachment):
        connection.execute(
            "INSERT OR IGNORE INTO attachments VALUES (?, ?, ?, ?, ?)",
            (turn_id, position, *_as_attached(attachment)),
        )


def _as_attached(attachment: Attachment) -> tuple[str, str, str]:
    return attachment.digest, encodable(attachment.name), encodable(attachment.origin)


def _write_picture(connection: sqlite3.Connection, attachment: Attachment) -> bool:
    """Write a picture that is not there yet; whether it is there now.

    It is not where it came from a conversation that was deleted since: all else can still be kept.
    """
    known = connection.execute("SELECT 1 FROM pictures WHERE digest = ?", (attachment.digest,))
    if known.fetchone() is not None:
        return True
    try:
        data = attachment.data
    except AttachmentError:
        return False
    connection.execute(
        "INSERT INTO pictures VALUES (?, ?, ?, ?)",
        (attachment.digest, data, attachment.width, attachment.height),
    )
    return True


def delete_unused_pictures(connection: sqlite3.Connection) -> None:
    """Remove the pictures that no conversation and no draft uses."""
    connection.execute(
        "DELETE FROM pictures WHERE digest NOT IN (SELECT digest FROM attachments"
        " UNION SELECT digest FROM draft_attachments)"
    )


def add_to_draft(connection: sqlite3.Connection, draft: Message) -> None:
    """Write a draft behind what there is of one."""
    connection.execute("INSERT INTO draft VALUES (?)", (encodable(draft.text),))
    for attachment in draft.attachments:
        if _write_picture(connection, attachment):
            connection.execute(
                "INSERT INTO draft_attachments (digest, name, origin) VALUES (?, ?, ?)",
                _as_attached(attachment),
            )


def read_draft(connection: sqlite3.Connection) -> Message:
    """The draft; without text and pictures where there is none."""
    texts = connection.execute("SELECT text FROM draft ORDER BY rowid").fetchall()
    rows = connection.execute(
        "SELECT data, digest, name, origin, width, height FROM draft_attachments"
        " JOIN pictures USING (digest) ORDER BY position"
    )
    pictures = tuple(Attachment(*row) for row in rows)
    return Message(Role.USER, "\n\n".join(text for (text,) in texts if text), pictures)


def delete_draft(connection: sqlite3.Connection) -> None:
    """Keep no draft any more."""
    connection.execute("DELETE FROM draft")
    connection.execute("DELETE FROM draft_attachments")
    delete_unused_pictures(connection)


def read_conversation(
    connection: sqlite3.Connection, conversation_id: str, make_picture: MakePicture
) -> Conversation | None:
    """A conversation whole, replies that were under way as INTERRUPTED; None if there is none."""
    row = connection.execute(
        "SELECT system_prompt, created, last_turn_id, name, sampling, num_crops"
        " FROM conversations WHERE id = ?",
        (conversation_id,),
    ).fetchone()
    if row is None:
        return None
    system_prompt, created, last_id, name, sampling, num_crops = row
    return Conversation(
        system_prompt,
        id=conversation_id,
        created=time_of(created),
        name=name,
        sampling=_read_sampling(sampling),
        num_crops=num_crops,
        turns=_read_turns(connection, conversation_id, make_picture),
        last_id=last_id,
    )


def _read_sampling(text: str) -> SamplingParams | None:
    values = json.loads(text)
    return SamplingParams(**values) if values is not None else None


def _read_turns(
    connection: sqlite3.Connection, conversation_id: str, make_picture: MakePicture
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
        turn = Turn(id, parent_id, message, TurnState(state), time_of(created), model, left_out)
        turns.append(_as_left(turn))
    return turns


def _read_attachments(
    connection: sqlite3.Connection, conversation_id: str, make_picture: MakePicture
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


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(stamp: str) -> datetime:
    """A time as `write_conversation` and `write_turn` put it down."""
    return datetime.fromisoformat(stamp)
