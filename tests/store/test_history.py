"""What is kept of conversations, and how it comes back."""

import json
import os
import threading
from datetime import UTC, datetime

import pytest

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.errors import AttachmentError, StoreError
from phi3v_tui.store.history import History
from tests.support.histories import chat, picture, raw, reopened


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
    conversation.num_crops = 4
    conversation.name = "Numbers"
    conversation.system_prompt = "Count."
    history.save(conversation)

    loaded = reopened(path, conversation)

    assert (loaded.sampling, loaded.num_crops) == (SamplingParams(0.7, 0.9, 42, 99), 4)
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


def test_a_draft_is_taken_once_with_its_pictures(path, history):
    nothing = Message(Role.USER, "")
    assert history.take_draft() == nothing
    draft = Message(Role.USER, "H\u00e9\udce9", (picture(), picture(b"other", "dog.png")))
    history.keep_draft(draft)
    # A conversation that is deleted leaves the draft its pictures.
    conversation = Conversation()
    conversation.append_user("look", (picture(),))
    history.save(conversation)
    history.delete(conversation.id)
    kept = History(path).take_draft()
    assert kept.text == "H\u00e9?"
    assert [(p.name, p.data) for p in kept.attachments] == [
        (p.name, p.data) for p in draft.attachments
    ]
    assert history.take_draft() == nothing
    assert raw(path, "SELECT count(*) FROM pictures") == [(0,)]


def test_drafts_of_two_programs_are_both_kept(path, history):
    history.keep_draft(Message(Role.USER, "one", (picture(),)))
    History(path).keep_draft(Message(Role.USER, "two", (picture(b"other", "dog.png"),)))
    kept = history.take_draft()
    assert (kept.text, [p.name for p in kept.attachments]) == (
        "one\n\ntwo",
        ["cat.png", "dog.png"],
    )


def test_what_was_given_back_is_neither_listed_nor_counted(history):
    refused = Conversation()
    refused.append_user("too long")
    refused.update_reply(refused.append_reply().id, "", TurnState.FAILED)
    history.save(refused)
    assert history.conversations() == history.search("too") == []
    assert history.latest() is None
    talked = chat(("one?", "1"))
    talked.append_user("too long")
    talked.update_reply(talked.append_reply().id, "", TurnState.FAILED)
    history.save(talked)
    assert [summary.turns for summary in history.conversations()] == [2]
    again = talked.append_reply(talked.path()[-2].id)
    talked.update_reply(again.id, "2", TurnState.STOP)
    history.save(talked)
    assert [summary.turns for summary in history.conversations()] == [4]


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
    held = attachment.held()
    history.delete(fork.id)
    assert held == attachment
    assert held.data == b"bytes of a cat"
    assert attachment.held() is attachment
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


def test_token_ids_are_kept_readable(path, history):
    history.save(chat(("one?", "1")))
    rows = raw(path, "SELECT token_ids FROM turns ORDER BY position")
    assert [json.loads(ids) for (ids,) in rows] == [[], [1, 32000]]
