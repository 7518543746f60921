"""The SQLite file: opened, brought up to date, and its errors put into words."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from phi3v_tui.errors import StoreError

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE conversations (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            created TEXT NOT NULL,
            updated TEXT NOT NULL,
            system_prompt TEXT NOT NULL,
            last_turn_id TEXT NOT NULL
        )""",
        """CREATE TABLE turns (
            id TEXT PRIMARY KEY,
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            parent_id TEXT REFERENCES turns ON DELETE CASCADE,
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            text TEXT NOT NULL,
            token_ids TEXT NOT NULL,
            state TEXT NOT NULL,
            created TEXT NOT NULL
        )""",
        "CREATE INDEX turns_of_conversation ON turns (conversation_id, position)",
        "CREATE INDEX turns_of_parent ON turns (parent_id)",
        """CREATE TABLE pictures (
            digest TEXT PRIMARY KEY,
            data BLOB NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL
        )""",
        """CREATE TABLE attachments (
            turn_id TEXT NOT NULL REFERENCES turns ON DELETE CASCADE,
            position INTEGER NOT NULL,
            digest TEXT NOT NULL REFERENCES pictures,
            name TEXT NOT NULL,
            origin TEXT NOT NULL,
            PRIMARY KEY (turn_id, position)
        ) WITHOUT ROWID""",
        "CREATE INDEX attachments_of_picture ON attachments (digest)",
    ),
    (
        "ALTER TABLE conversations ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE conversations ADD COLUMN sampling TEXT NOT NULL DEFAULT 'null'",
        "ALTER TABLE turns ADD COLUMN model TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE turns ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0",
    ),
    ("ALTER TABLE conversations ADD COLUMN num_crops INTEGER",),
    (
        "CREATE TABLE draft (text TEXT NOT NULL)",
        """CREATE TABLE draft_attachments (
            position INTEGER PRIMARY KEY,
            digest TEXT NOT NULL REFERENCES pictures,
            name TEXT NOT NULL,
            origin TEXT NOT NULL
        )""",
    ),
)
"""Statements that lead from each schema version to the next; the file says its own version."""

BUSY_SECONDS = 1.0
"""How long a write waits for another program that holds the file."""


def connect(path: Path) -> sqlite3.Connection:
    """Open or create the file for every thread, at the newest schema version.

    The write-ahead log keeps each commit when the process is killed. A power cut may cost the
    last few, but not the file: waiting for the disk at each commit would stall the interface.

    Raises:
        StoreError: It cannot be opened, is damaged, or comes from a newer version of the app.
    """
    with clear_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    try:
        with clear_errors(path):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.create_function("contains", 2, _contains, deterministic=True)
            _migrate(connection, path, MIGRATIONS)
    except StoreError:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run statements as one: all of them are kept or, on an error, none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite ends the transaction by itself on some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn errors of the disk and of SQLite into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise StoreError(
            f"Conversations cannot be kept in {path}: {error.strerror or error}.", _UNWRITABLE
        ) from error


def damaged(path: Path) -> StoreError:
    """The error for a file that does not hold what was written."""
    return StoreError(f"{path} is damaged.", _MOVE_AWAY)


def _contains(text: str, wanted: str) -> bool:
    """SQLite's own LIKE tells cases apart outside of ASCII."""
    return wanted in text.casefold()


_UNWRITABLE = "Make the folder writable, or choose another one with the setting data_dir."

_MOVE_AWAY = "Move it away; a new one is begun at the next start."

_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: (
        "There is no room on the disk to save the conversation in {path}.",
        "Free some space; the conversation is saved whole with the next turn.",
    ),
    sqlite3.SQLITE_READONLY: ("{path} may not be written.", _UNWRITABLE),
    sqlite3.SQLITE_CANTOPEN: ("{path} cannot be opened.", _UNWRITABLE),
    sqlite3.SQLITE_PERM: ("{path} may not be opened.", _UNWRITABLE),
    sqlite3.SQLITE_BUSY: (
        "Another program keeps {path} locked.",
        "Close it; the conversation is saved whole with the next turn.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is not a file of conversations.",
        _MOVE_AWAY,
    ),
}


def _explained(error: sqlite3.Error, path: Path) -> StoreError:
    # The lower byte is the kind of error, the upper ones its detail.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_CORRUPT:
        return damaged(path)
    title, remedy = _EXPLANATIONS.get(
        kind,
        (
            "{path} cannot be used: {error}.",
            "Check the disk; save the transcript to keep what is shown.",
        ),
    )
    return StoreError(title.format(path=path, error=error), remedy)


def _migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]
) -> None:
    if _version(connection) == len(migrations):
        return
    with transaction(connection):
        version = _version(connection)
        if version > len(migrations):
            raise StoreError(
                f"{path} was written by a newer version of phi3v-tui.",
                "Update phi3v-tui, or choose another folder with the setting data_dir.",
            )
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
