"""Older and newer files."""

import sqlite3

import pytest

from phi3v_tui.errors import StoreError
from phi3v_tui.store import database
from phi3v_tui.store.history import History
from tests.support.histories import chat, raw, reopened


def test_a_newer_schema_is_left_alone(path):
    History(path).close()
    newer = len(database.MIGRATIONS) + 1
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()

    with pytest.raises(StoreError, match="newer version of phi3v-tui"):
        History(path)
    assert raw(path, "PRAGMA user_version") == [(newer,)]


def test_an_older_file_is_brought_up_to_date(path, monkeypatch):
    history = History(path)
    conversation = chat(("one?", "1"))
    history.save(conversation)
    history.close()
    step = ("ALTER TABLE conversations ADD COLUMN starred INTEGER NOT NULL DEFAULT 0",)
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, step))

    assert reopened(path, conversation).path() == conversation.path()
    assert raw(path, "SELECT starred FROM conversations") == [(0,)]
    assert raw(path, "PRAGMA user_version") == [(len(database.MIGRATIONS),)]


def test_a_file_of_the_first_version_opens_and_takes_what_is_new(path, monkeypatch):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    for statement in database.MIGRATIONS[0]:
        connection.execute(statement)
    noon = "2026-01-01T12:00:00.000000+00:00"
    connection.execute(
        "INSERT INTO conversations VALUES ('c', 'one?', ?, ?, 'Be brief.', 'b')", (noon, noon)
    )
    connection.execute(
        "INSERT INTO turns VALUES ('a', 'c', NULL, 0, 'user', 'one?', '[]', 'stop', ?)", (noon,)
    )
    connection.execute(
        "INSERT INTO turns VALUES ('b', 'c', 'a', 1, 'assistant', '1', '[7]', 'stop', ?)", (noon,)
    )
    connection.execute("INSERT INTO pictures VALUES ('d', x'010203', 40, 30)")
    connection.execute("INSERT INTO attachments VALUES ('a', 0, 'd', 'cat.png', '/cat.png')")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()

    history = History(path)
    conversation = history.load("c")
    prompt, reply = conversation.path()
    assert (prompt.message.text, reply.message.text) == ("one?", "1")
    assert prompt.message.attachments[0].data == b"\1\2\3"
    assert (reply.model, reply.left_out, conversation.name, conversation.sampling) == (
        "",
        0,
        "",
        None,
    )
    conversation.name = "Cats"
    history.save(conversation)
    assert [summary.title for summary in history.conversations()] == ["Cats"]
    history.close()


def test_a_migration_that_fails_changes_nothing(path, monkeypatch):
    History(path).close()
    before, version = raw(path, "SELECT sql FROM sqlite_master"), raw(path, "PRAGMA user_version")
    step = ("ALTER TABLE conversations ADD COLUMN starred INTEGER", "CREATE TABLE turns (id)")
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, step))

    with pytest.raises(StoreError):
        History(path)
    assert raw(path, "SELECT sql FROM sqlite_master") == before
    assert raw(path, "PRAGMA user_version") == version
