"""What is on disk after every way of ending, and what is said when the disk says no."""

import signal
import sqlite3
import subprocess
import sys

import pytest

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.errors import StoreError
from phi3v_tui.store.export import export_markdown
from phi3v_tui.store.history import History
from tests.support.histories import chat, picture, raw, reopened

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


def test_a_closed_history_says_so_and_closes_twice(path):
    history = History(path)
    history.close()
    history.close()
    with pytest.raises(StoreError):
        history.save(chat(("one?", "1")))


def test_what_another_program_deleted_is_written_whole_again(path, history):
    conversation = chat(("one?", "1"))
    history.save(conversation)
    History(path).delete(conversation.id)
    conversation.append_user("two?", (picture(),))
    history.save(conversation)
    assert reopened(path, conversation).path() == conversation.path()


def test_pictures_that_are_gone_are_left_out_and_the_rest_is_kept(path, history, tmp_path):
    before = Conversation()
    before.append_user("look", (picture(b"gone"),))
    history.save(before)
    gone = history.load(before.id).path()[0].message.attachments[0]
    history.delete(before.id)
    conversation = Conversation()
    conversation.append_user("and this?", (gone, picture(b"there", "dog.png")))
    history.save(conversation)
    history.keep_draft(Message(Role.USER, "more", (gone,)))
    (turn,) = reopened(path, conversation).path()
    assert (turn.message.text, [p.name for p in turn.message.attachments]) == (
        "and this?",
        ["dog.png"],
    )
    assert history.take_draft() == Message(Role.USER, "more")
    written = export_markdown(conversation, tmp_path / "talk.md").file.read_text("utf-8")
    assert "and this?" in written
    assert "(it could not be read any more)" in written
