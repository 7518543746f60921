"""The tree of turns: what is shown, what the engine gets, and how pictures are numbered."""

from dataclasses import FrozenInstanceError

import pytest

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.engine.events import FinishReason


def picture(name="cat.png"):
    return Attachment(name.encode(), name, name, f"/{name}", 4, 3)


def answer(conversation, text, state=TurnState.STOP):
    reply = conversation.append_reply()
    return conversation.update_reply(reply.id, text, state, (1, 2))


def texts(conversation):
    return [turn.message.text for turn in conversation.path()]


def chat(*exchanges):
    conversation = Conversation()
    for prompt, reply in exchanges:
        conversation.append_user(prompt)
        answer(conversation, reply)
    return conversation


def test_turns_follow_each_other():
    conversation = chat(("one?", "1"), ("two?", "2"))

    path = conversation.path()

    assert texts(conversation) == ["one?", "1", "two?", "2"]
    assert [turn.parent_id for turn in path] == [None, *(turn.id for turn in path[:-1])]
    assert len({turn.id for turn in path}) == 4
    assert all(turn.created.tzinfo for turn in path)


def test_the_snapshot_ends_with_the_prompt_while_the_reply_is_under_way():
    conversation = Conversation("Be brief.")
    conversation.append_user("one?", (picture(),))
    answer(conversation, "1")
    conversation.append_user("two?")
    conversation.append_reply()

    assert conversation.snapshot() == (
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, "one?", (picture(),)),
        Message(Role.ASSISTANT, "1", (), (1, 2)),
        Message(Role.USER, "two?"),
    )


def test_a_snapshot_stays_as_it_was():
    conversation = chat(("one?", "1"))
    before = conversation.snapshot()
    path = conversation.path()

    conversation.update_reply(path[-1].id, "changed", TurnState.STOP)
    conversation.append_user("two?")

    assert [message.text for message in before] == ["one?", "1"]
    assert path[-1].message.text == "1"
    with pytest.raises(FrozenInstanceError):
        path[0].message = before[1]


def test_a_reply_grows_and_keeps_its_place():
    conversation = Conversation()
    prompt = conversation.append_user("one?")
    reply = conversation.append_reply()
    assert reply.state is TurnState.IN_PROGRESS

    conversation.update_reply(reply.id, "1 a")
    assert conversation.turn(reply.id).state is TurnState.IN_PROGRESS
    conversation.update_reply(reply.id, "1 and", TurnState.CANCELLED, (7,))

    assert [turn.id for turn in conversation.path()] == [prompt.id, reply.id]
    assert conversation.turn(reply.id).message == Message(Role.ASSISTANT, "1 and", (), (7,))
    assert conversation.turn(reply.id).state is TurnState.CANCELLED


def test_the_engines_finish_reasons_are_turn_states():
    assert {TurnState(reason.value) for reason in FinishReason} == {
        TurnState.STOP,
        TurnState.LENGTH,
        TurnState.CONTEXT,
        TurnState.CANCELLED,
    }


def test_a_stopped_reply_without_text_is_not_sent_again():
    conversation = Conversation()
    conversation.append_user("one?")
    answer(conversation, "", TurnState.CANCELLED)
    conversation.append_user("two?")

    assert [message.text for message in conversation.snapshot()] == ["one?", "two?"]
    assert texts(conversation) == ["one?", "", "two?"]


def test_a_prompt_that_failed_is_replaced_by_the_next():
    conversation = chat(("one?", "1"))
    failed = conversation.append_user("far too long")
    answer(conversation, "", TurnState.FAILED)

    shorter = conversation.append_user("shorter")

    assert texts(conversation) == ["one?", "1", "shorter"]
    assert [turn.id for turn in conversation.siblings(shorter.id)] == [failed.id, shorter.id]


def test_a_reply_that_failed_half_way_stays():
    conversation = Conversation()
    conversation.append_user("one?")
    answer(conversation, "half", TurnState.FAILED)
    conversation.append_user("go on")
    assert [message.text for message in conversation.snapshot()] == ["one?", "half", "go on"]


def test_trying_again_makes_a_sibling_and_shows_it():
    conversation = chat(("one?", "1"), ("two?", "2"))
    prompt, first = conversation.path()[0], conversation.path()[1]

    second = conversation.append_reply(prompt.id)
    conversation.update_reply(second.id, "uno", TurnState.STOP)

    assert texts(conversation) == ["one?", "uno"]
    assert [turn.message.text for turn in conversation.siblings(second.id)] == ["1", "uno"]
    conversation.select(first.id)
    assert texts(conversation) == ["one?", "1", "two?", "2"]


def test_an_edited_prompt_makes_a_sibling_and_shows_it():
    conversation = chat(("one?", "1"), ("two?", "2"))
    first, third = conversation.path()[0], conversation.path()[2]

    conversation.edit(third.id, "three?", (picture(),))
    assert texts(conversation) == ["one?", "1", "three?"]

    conversation.edit(first.id, "uno?")
    assert texts(conversation) == ["uno?"]
    assert len(conversation.siblings(first.id)) == 2

    conversation.select(third.id)
    assert texts(conversation) == ["one?", "1", "two?", "2"]
    assert len(conversation.turns()) == 6


@pytest.mark.parametrize("start", [[], [("one?", "1")]])
def test_a_reply_needs_a_prompt(start):
    with pytest.raises(ValueError, match="prompt"):
        chat(*start).append_reply()


def test_pictures_are_numbered_through_the_shown_path():
    conversation = Conversation()
    first = conversation.append_user("these", (picture("a"), picture("b")))
    answer(conversation, "1")
    second = conversation.append_user("no picture")
    answer(conversation, "2")
    third = conversation.append_user("the same again", (picture("a"),))

    numbers = conversation.picture_numbers()
    assert (numbers[first.id], numbers[second.id], numbers[third.id]) == ((1, 2), (), (3,))

    other = conversation.edit(first.id, "only this", (picture("c"),))
    assert conversation.picture_numbers() == {other.id: (1,)}


def test_a_conversation_is_restored_with_the_path_it_showed():
    conversation = chat(("one?", "1"), ("two?", "2"))
    prompt = conversation.path()[0]
    conversation.append_reply(prompt.id)
    conversation.select(conversation.turns()[1].id)

    restored = Conversation(
        "Be brief.",
        id=conversation.id,
        created=conversation.created,
        turns=conversation.turns(),
        last_id=conversation.path()[-1].id,
    )

    assert restored.path() == conversation.path()
    assert restored.turns() == conversation.turns()
    assert (restored.id, restored.created) == (conversation.id, conversation.created)
    restored.append_user("three?")
    assert texts(conversation) == ["one?", "1", "two?", "2"]


@pytest.mark.parametrize(
    ("text", "attachments", "title"),
    [
        ("What is\n  this?", (), "What is this?"),
        ("", (picture("a.png"), picture("b.png")), "a.png, b.png"),
        ("", (), "Untitled"),
        ("x" * 60, (), "x" * 60),
        ("word " * 20, (), "word " * 11 + "word…"),
    ],
)
def test_the_title_is_the_first_prompt_on_one_line(text, attachments, title):
    conversation = Conversation()
    assert conversation.title == "New conversation"
    conversation.append_user(text, attachments)
    answer(conversation, "reply")
    conversation.append_user("later")
    assert conversation.title == title


def test_branches_leave_out_what_came_to_nothing():
    conversation = Conversation()
    prompt = conversation.append_user("one?")
    first = answer(conversation, "1")
    conversation.append_reply(prompt.id)
    failed = conversation.update_reply(conversation.path()[-1].id, "", TurnState.FAILED)
    second = conversation.append_reply(prompt.id)
    second = conversation.update_reply(second.id, "one", TurnState.STOP)

    assert [turn.id for turn in conversation.branches(first.id)] == [first.id, second.id]
    assert failed in conversation.branches(failed.id)
    too_long = conversation.edit(prompt.id, "far too long")
    conversation.update_reply(conversation.append_reply().id, "", TurnState.FAILED)
    assert [turn.id for turn in conversation.branches(prompt.id)] == [prompt.id]
    assert [turn.id for turn in conversation.siblings(prompt.id)] == [prompt.id, too_long.id]


def test_a_fork_begins_with_the_path_and_goes_its_own_way():
    conversation = chat(("one?", "1"), ("two?", "2"))
    conversation.system_prompt = "Be brief."
    conversation.sampling = SamplingParams(temperature=0.5)
    conversation.edit(conversation.path()[2].id, "deux?")

    fork = conversation.fork(conversation.path()[1].id)
    fork.append_user("three?")

    assert texts(fork) == ["one?", "1", "three?"]
    assert texts(conversation) == ["one?", "1", "deux?"]
    assert fork.path()[0].message is conversation.path()[0].message
    assert not {turn.id for turn in fork.turns()} & {turn.id for turn in conversation.turns()}
    assert fork.path()[1].parent_id == fork.path()[0].id
    assert (fork.system_prompt, fork.sampling) == ("Be brief.", SamplingParams(temperature=0.5))
    assert fork.title == "one? (fork)"


def test_turns_can_be_left_out_of_the_snapshot_but_not_the_system_prompt():
    conversation = chat(("one?", "1"), ("two?", "2"))
    conversation.system_prompt = "Be brief."
    conversation.append_user("three?")
    assert conversation.left_out == 0
    conversation.append_reply(model="Scripted", left_out=2)

    assert conversation.left_out == 2
    assert [m.text for m in conversation.snapshot(2)] == ["Be brief.", "two?", "2", "three?"]
    conversation.select(conversation.edit(conversation.path()[0].id, "uno?").id)
    assert conversation.left_out == 0


def test_the_model_of_a_reply_can_be_named_later():
    conversation = Conversation()
    conversation.append_user("one?")
    reply = conversation.append_reply()
    conversation.name_model(reply.id, "Scripted")
    conversation.update_reply(reply.id, "1", TurnState.STOP)
    assert conversation.turn(reply.id).model == "Scripted"
