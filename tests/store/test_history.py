"""What is on disk after every way of ending, and what is said when the disk says no."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.errors import AttachmentError, StoreError
from phi3v_tui.store import database
from phi3v_tui.store.history import History


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "history.sqlite3"


@pytest.fixture
def history(path):
    history = History(path)
    yield history
    history.close()


def picture(data=b"bytes", name="cat.png"):
    return Attachment(data, f"digest of {data!r}", name, f"/pics/{name}", 40, 30)


def chat(*exchanges, system_prompt=""):
    conversation = Conversation(system_prompt)
    for prompt, reply in exchanges:
        conversation.append_user(prompt)
        conversation.update_reply(conversation.append_reply().id, reply, TurnState.STOP, (1, 32000))
    return conversation


def raw(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def reopened(path, conversation):
    history = History(path)
    try:
        return history.load(conversation.id)
    finally:
        history.close()


def test_a_conversation_comes_back_whole(path, history):
    conversation = chat(("Hé\0llo 漢字\r\n", "1"), ("two?", "2"), system_prompt="Be brief.")
    conversation.append_user("look", (picture(), picture(b"other", "dog.png")))
    conversation.update_reply(conversation.append_reply().id, "a ca", TurnState.CANCELLED)
    history.save(conversation)

    loaded = reopened(path, conversation)

    assert loaded.turns() == conversation.turns()
    assert loaded.path() == conversation.path()
    assert loaded.snapshot() == conversation.snapshot()
    assert (loaded.id, loaded.created) == (conversation.id, conversation.created)


def test_name_sampling_model_and_what_was_left_out_come_back(path, history):
    conversation = chat(("one?", "1"))
    conversation.append_user("two?")
    conversation.append_reply(model="Scripted", left_out=2)
    history.save(conversation)
    conversation.sampling = SamplingParams(0.7, 0.9, 42, 99)
    conversation.name = "Numbers"
    conversation.system_prompt = "Count."
    history.save(conversation)

    loaded = reopened(path, conversation)

    assert loaded.sampling == SamplingParams(0.7, 0.9, 42, 99)
    assert (loaded.name, loaded.title, loaded.opening) == ("Numbers", "Numbers", "one?")
    assert loaded.system_prompt == "Count."
    assert [(turn.model, turn.left_out) for turn in loaded.path()[-2:]] == [
        ("", 0),
        ("Scripted", 2),
    ]


def test_a_renamed_conversation_is_listed_by_its_name(history):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    history.rename(conversation.id, "Numbers")
    assert [summary.title for summary in history.conversations()] == ["Numbers"]
    assert history.load(conversation.id).name == "Numbers"
    history.rename(conversation.id, "")
    assert [summary.title for summary in history.conversations()] == ["one?"]


def test_search_looks_into_titles_and_messages_in_any_case(history):
    harbour, garden = chat(("Ein HAFEN?", "Ja, Ölhafen.")), chat(("a garden?", "100% green"))
    garden.name = "Größe"
    for conversation in (harbour, garden):
        history.save(conversation)

    def found(words):
        return [summary.id for summary in history.search(words)]

    assert found("hafen") == found("ölHAFEN") == [harbour.id]
    assert found("GRÖSSE") == found("0% g") == [garden.id]
    assert found("%") == [garden.id]
    assert found("nowhere") == []
    assert set(found("")) == {harbour.id, garden.id}


def test_the_prompts_of_all_conversations_come_newest_first(history):
    for conversation in (chat(("one?", "1"), ("two?", "2")), chat(("three?", "3"))):
        history.save(conversation)
    assert history.prompts(10) == ["three?", "two?", "one?"]
    assert history.prompts(1) == ["three?"]


def test_pictures_are_read_when_they_are_asked_for(path, history):
    conversation = Conversation()
    conversation.append_user("look", (picture(b"bytes of a cat"),))
    conversation.append_reply()
    history.save(conversation)
    attachment = reopened(path, conversation).path()[0].message.attachments[0]

    assert not isinstance(attachment.source, bytes)
    assert attachment.data == b"bytes of a cat"
    fork = conversation.fork(conversation.path()[0].id)
    history.save(fork)
    history.delete(conversation.id)
    assert attachment.data == b"bytes of a cat"
    history.delete(fork.id)
    with pytest.raises(AttachmentError, match=r"cat.png is not in the history any more"):
        _ = attachment.data
    path.unlink()
    with pytest.raises(AttachmentError, match="cannot be read from the history"):
        _ = attachment.data


def test_branches_and_the_shown_path_come_back(path, history):
    conversation = chat(("one?", "1"), ("two?", "2"))
    shown = conversation.path()
    history.save(conversation)
    conversation.edit(shown[0].id, "uno?")
    history.save(conversation)
    conversation.select(shown[-1].id)
    history.save(conversation)

    loaded = reopened(path, conversation)

    assert loaded.path() == shown
    assert len(loaded.siblings(shown[0].id)) == 2


def test_a_reply_is_saved_while_it_grows(path, history):
    conversation = Conversation()
    conversation.append_user("one?")
    reply = conversation.append_reply()
    for text in ("", "It", "It is"):
        conversation.update_reply(reply.id, text)
        history.save(conversation)
        assert reopened(path, conversation).path()[-1].message.text == text


def test_how_a_reply_ended_is_saved(path, history):
    conversation = Conversation()
    conversation.append_user("one?")
    reply = conversation.append_reply()
    history.save(conversation)
    ended = conversation.update_reply(reply.id, "It is.", TurnState.LENGTH, (5, 6))
    history.save(conversation)
    assert reopened(path, conversation).path()[-1] == ended


def test_a_reply_that_was_under_way_comes_back_as_interrupted(path, history):
    conversation = Conversation()
    conversation.append_user("one?")
    conversation.update_reply(conversation.append_reply().id, "It is")
    history.save(conversation)

    loaded = reopened(path, conversation)

    assert loaded.path()[-1].state is TurnState.INTERRUPTED
    assert loaded.path()[-1].message.text == "It is"


def test_a_loaded_conversation_goes_on_where_it_was(path, history):
    history.save(chat(("one?", "1")))
    loaded = history.latest()
    loaded.append_user("two?")
    history.save(loaded)

    texts = [turn.message.text for turn in reopened(path, loaded).path()]
    assert texts == ["one?", "1", "two?"]


def test_the_same_picture_is_stored_once(path, history):
    for conversation in (Conversation(), Conversation()):
        conversation.append_user("a", (picture(), picture()))
        conversation.append_reply()
        conversation.append_user("b", (picture(name="renamed.png"),))
        history.save(conversation)

    assert raw(path, "SELECT data FROM pictures") == [(b"bytes",)]
    names = [a.name for t in reopened(path, conversation).path() for a in t.message.attachments]
    assert names == ["cat.png", "cat.png", "renamed.png"]


def test_an_unchanged_conversation_is_not_written_again(history):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    before = history.conversations()
    history.save(conversation)
    assert history.conversations() == before


def test_an_empty_conversation_is_not_kept(history):
    history.save(Conversation())
    assert history.conversations() == []
    assert history.latest() is None


def test_conversations_are_listed_with_the_last_written_first(history):
    old, new = chat(("What is this?", "1")), chat(("And that?", "1"), ("Why?", "2"))
    history.save(old)
    history.save(new)

    first, second = history.conversations()
    assert (first.id, first.title, first.turns) == (new.id, "And that?", 4)
    assert (second.id, second.title, second.turns) == (old.id, "What is this?", 2)
    assert first.created == new.created <= first.updated <= datetime.now(UTC)

    old.append_user("again")
    history.save(old)
    assert history.conversations()[0].id == old.id
    assert history.latest().id == old.id


def test_a_deleted_conversation_takes_only_its_own_pictures(path, history):
    kept, gone = Conversation(), Conversation()
    kept.append_user("a", (picture(b"shared"),))
    gone.append_user("b", (picture(b"shared"), picture(b"own")))
    history.save(kept)
    history.save(gone)

    history.delete(gone.id)

    assert [summary.id for summary in history.conversations()] == [kept.id]
    assert raw(path, "SELECT data FROM pictures") == [(b"shared",)]
    assert raw(path, "SELECT count(*) FROM turns") == [(1,)]
    with pytest.raises(StoreError, match="not there any more"):
        history.load(gone.id)


def test_a_deleted_conversation_that_goes_on_is_kept_again(path, history):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    history.delete(conversation.id)
    conversation.append_user("two?")
    history.save(conversation)
    assert len(reopened(path, conversation).path()) == 3


def test_names_that_are_no_text_do_not_stop_saving(path, history):
    conversation = Conversation()
    undecodable = os.fsdecode(b"caf\xe9.png")
    conversation.append_user("pasted \ud800", (picture(name=undecodable),))
    history.save(conversation)

    message = reopened(path, conversation).path()[0].message
    assert message.text == "pasted ?"
    assert message.attachments[0].name == "caf?.png"


def test_conversations_are_private(path, history):
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_threads_may_share_a_history(history):
    errors = []
    at_once = threading.Barrier(4)

    def use():
        at_once.wait()
        try:
            for number in range(25):
                history.save(chat((f"{number}?", "1")))
                history.conversations()
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(history.conversations()) == 100


def test_two_apps_may_share_the_file(path, history):
    other = History(path)
    first, second = chat(("one?", "1")), chat(("two?", "2"))
    history.save(first)
    other.save(second)
    first.append_user("more")
    history.save(first)
    other.close()
    assert {summary.turns for summary in history.conversations()} == {2, 3}


KILLED = """
import sys
from pathlib import Path
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.store.history import History

history = History(Path(sys.argv[1]))
conversation = Conversation()
conversation.append_user("one?")
conversation.update_reply(conversation.append_reply().id, "1", TurnState.STOP)
conversation.append_user("two?")
reply = conversation.append_reply()
history.save(conversation)
conversation.update_reply(reply.id, "It is")
history.save(conversation)
conversation.update_reply(reply.id, "It is not saved")
print("saved", flush=True)
sys.stdin.read()
"""


def test_kill_9_costs_only_the_reply_under_way(path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    history = History(path)
    turns = history.latest().path()
    history.close()
    assert [turn.message.text for turn in turns] == ["one?", "1", "two?", "It is"]
    assert turns[-1].state is TurnState.INTERRUPTED


def full_disk(history):
    """Let the file grow no further, which is what SQLite sees of a full disk."""
    pages = history._connection.execute("PRAGMA page_count").fetchone()[0]
    history._connection.execute(f"PRAGMA max_page_count = {pages}")


def test_no_room_on_the_disk_loses_nothing(path, history):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    full_disk(history)
    conversation.append_user("look", (picture(b"x" * 500_000),))

    for _ in range(2):
        with pytest.raises(StoreError, match="no room on the disk"):
            history.save(conversation)
    assert len(conversation.path()) == 3
    assert len(reopened(path, conversation).path()) == 2

    history._connection.execute("PRAGMA max_page_count = 1000000")
    history.save(conversation)
    assert reopened(path, conversation).path() == conversation.path()


def test_an_error_half_way_leaves_no_half_turns(path, history):
    conversation = chat(("one?", "1"))
    history._connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON turns WHEN new.role = 'assistant'"
        " BEGIN SELECT raise(FAIL, 'refused'); END"
    )
    with pytest.raises(StoreError, match="cannot be used: refused"):
        history.save(conversation)
    assert raw(path, "SELECT count(*) FROM turns") == [(0,)]

    history._connection.execute("DROP TRIGGER refuse")
    history.save(conversation)
    assert reopened(path, conversation).path() == conversation.path()


def test_a_locked_file(path, history):
    conversation = chat(("one?", "1"))
    history._connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"Another program keeps .* locked"):
        history.save(conversation)
    other.execute("ROLLBACK")
    other.close()

    history.save(conversation)
    assert reopened(path, conversation).path() == conversation.path()


def test_a_file_that_may_not_be_written(path, history):
    # Tests may run as root, who may write everything: so SQLite is told.
    history._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="may not be written") as caught:
        history.save(chat(("one?", "1")))
    assert "data_dir" in caught.value.remedy


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be kept in") as caught:
        History(tmp_path / "file" / "data" / "history.sqlite3")
    assert "data_dir" in caught.value.remedy


def test_a_path_that_is_a_folder(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        History(tmp_path)


def test_a_file_that_is_no_database_is_left_as_it_is(path):
    path.parent.mkdir()
    path.write_bytes(b"my shopping list\n" * 100)
    with pytest.raises(StoreError, match="not a file of conversations"):
        History(path)
    assert path.read_bytes() == b"my shopping list\n" * 100


def test_a_damaged_file(path):
    history = History(path)
    history.save(chat(("one?", "x" * 100_000)))
    history.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)

    with pytest.raises(StoreError, match="is damaged"):
        History(path).conversations()


@pytest.mark.parametrize("damage", ["state = 'odd'", "token_ids = '['", "created = 'noon'"])
def test_damaged_rows(path, history, damage):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    history._connection.execute(f"UPDATE turns SET {damage}")
    with pytest.raises(StoreError, match="is damaged"):
        history.load(conversation.id)


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


def test_a_closed_history_says_so_and_closes_twice(path):
    history = History(path)
    history.close()
    history.close()
    with pytest.raises(StoreError):
        history.save(chat(("one?", "1")))


def test_token_ids_are_kept_readable(path, history):
    history.save(chat(("one?", "1")))
    rows = raw(path, "SELECT token_ids FROM turns ORDER BY position")
    assert [json.loads(ids) for (ids,) in rows] == [[], [1, 32000]]
