"""Messages chosen in the log: editing, answering again, going on, branches, forks, copies."""

import pytest

from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.errors import ModelError
from phi3v_tui.store.history import History
from phi3v_tui.ui.widgets.message_view import MessageView, RoleLine
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    composer,
    finish_answer,
    notes,
    notices,
    prompts,
    screen_text,
    talk,
    wait_until,
)


async def _choose(pilot, app, steps: int) -> None:
    """Choose the message that lies so many above the end; 1 is the last one."""
    for step in range(steps):
        await pilot.press("ctrl+up")
        await wait_until(pilot, lambda step=step: _place(app) == step + 1)


def _place(app) -> int:
    view = app.chat.transcript
    return len(view.entries) - view.index(view.chosen.turn.id) if view.chosen else 0


def _hint(app) -> str:
    return screen_text(app).splitlines()[composer(app).region.bottom - 1]


def _texts(request) -> list[str]:
    return [message.text for message in request.messages]


async def test_keys_choose_a_message_and_say_what_they_do(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await _choose(pilot, app, 1)
        assert app.chat.query("MessageView.-chosen").first(MessageView).entry.turn.message.text == (
            "A circle."
        )
        assert "R answers again · C copies · F forks · Esc back" in _hint(app)
        await pilot.press("up")
        await wait_until(pilot, lambda: "E edits" in _hint(app))
        await pilot.press("up", "down", "down")
        await wait_until(pilot, lambda: _place(app) == 1)
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.focused is composer(app))
        await wait_until(pilot, lambda: "Enter sends" in _hint(app))
        assert not app.chat.query("MessageView.-chosen")


async def test_a_click_on_who_speaks_chooses_the_message(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await pilot.click(app.chat.query(RoleLine).last())
        await wait_until(pilot, lambda: _place(app) == 1)
        await pilot.click(composer(app))
        await wait_until(pilot, lambda: _place(app) == 0)


async def test_choosing_without_messages_says_so(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+up")
        await wait_until(pilot, lambda: "no message yet" in notices(app))


async def test_an_edited_prompt_and_its_answer_become_a_branch(make_app, engine, shapes):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await talk(pilot, app, engine, "Which colour?", "Red.")
        composer(app).text = "half typed"
        await _choose(pilot, app, 4)
        await pilot.press("e")
        await wait_until(pilot, lambda: composer(app).text == "What is this?")
        assert attached(app) == ["my shapes.png"]
        assert "Another version" in str(composer(app).border_title)
        await wait_until(pilot, lambda: "Enter sends · Esc leaves it" in _hint(app))
        composer(app).text = "Is this a square?"
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(engine.requests) == 3)
        assert _texts(engine.requests[-1]) == ["Is this a square?"]
        assert [a.name for a in engine.requests[-1].messages[0].attachments] == ["my shapes.png"]
        assert composer(app).text == "half typed"
        assert attached(app) == []
        await finish_answer(pilot, app, engine, "No.")
        assert "You  ‹2/2›" in prompts(app)[0]
        assert len(answers(app)) == 1

        await _choose(pilot, app, 2)
        await pilot.press("left")
        await wait_until(pilot, lambda: len(answers(app)) == 2)
        assert "You  ‹1/2›" in prompts(app)[0]
        assert "Red." in answers(app)[1]
        await wait_until(pilot, lambda: "← → versions" in _hint(app))
        await pilot.press("right")
        await wait_until(pilot, lambda: "No." in answers(app)[0])
        await pilot.press("right")
        assert "‹2/2›" in prompts(app)[0]


async def test_branches_and_the_one_shown_come_back(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        await finish_answer(pilot, app, engine, "A disc.")
        await _choose(pilot, app, 1)
        await pilot.press("left")
        await wait_until(pilot, lambda: "A circle." in answers(app)[0])
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert "Scripted-vision  ‹1/2›" in answers(app)[0]
        assert "A circle." in answers(app)[0]


async def test_escape_leaves_editing_and_brings_back_what_was_typed(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await attach(pilot, app, shapes)
        composer(app).text = "half typed"
        await _choose(pilot, app, 2)
        await pilot.press("e")
        await wait_until(pilot, lambda: composer(app).text == "What is this?")
        assert attached(app) == []
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "half typed")
        assert attached(app) == ["my shapes.png"]
        assert not composer(app).border_title
        assert not notices(app)


async def test_another_version_that_was_typed_and_left_is_brought_back_by_the_up_key(
    make_app, engine
):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        await _choose(pilot, app, 2)
        await pilot.press("e")
        await wait_until(pilot, lambda: composer(app).text == "What is this?")
        composer(app).text = "What is this really?"
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "")
        assert "↑ brings it back" in notices(app)
        await pilot.press("up")
        assert composer(app).text == "What is this really?"


async def test_an_earlier_answer_given_again_keeps_what_followed_in_its_branch(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await talk(pilot, app, engine, "One?", "1")
        await talk(pilot, app, engine, "Two?", "2")
        await _choose(pilot, app, 3)
        await pilot.press("r")
        await wait_until(pilot, lambda: len(engine.requests) == 3)
        assert _texts(engine.requests[-1]) == ["One?"]
        await finish_answer(pilot, app, engine, "uno")
        assert len(prompts(app)) == 1
        assert "‹2/2›" in answers(app)[0]
        await _choose(pilot, app, 1)
        await pilot.press("left")
        await wait_until(pilot, lambda: len(answers(app)) == 2)
        assert "2" in answers(app)[1]


@pytest.mark.parametrize("way", ["f5", "g"])
async def test_a_stopped_answer_goes_on_in_the_same_turn(make_app, engine, settings, way):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half", " an")
        await wait_until(pilot, lambda: "Half an" in answers(app)[0])
        await pilot.press("escape")
        await wait_until(pilot, lambda: "stopped" in answers(app)[0])
        if way == "g":
            await _choose(pilot, app, 1)
            assert "G goes on" in _hint(app)
        await pilot.press(way)
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        request = engine.requests[-1]
        assert request.continue_last
        assert request.messages[-1].role is Role.ASSISTANT
        assert (request.messages[-1].text, request.messages[-1].token_ids) == ("Half an", (0, 1))
        engine.say(" answer")
        await wait_until(pilot, lambda: "Half an answer▍" in answers(app)[0])
        await finish_answer(pilot, app, engine, ".")
        assert "Half an answer." in answers(app)[0]
        assert "stopped" not in answers(app)[0]
        assert len(answers(app)) == len(prompts(app)) == 1
        turn = app.chat.conversation.path()[-1]
        assert (turn.message.text, turn.state) == ("Half an answer.", TurnState.STOP)


@pytest.mark.parametrize("end", ["stop", "fail", "quit"])
async def test_going_on_to_which_nothing_comes_leaves_the_answer_as_it_was(
    make_app, engine, settings, end
):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "Half", " an", reason=FinishReason.LENGTH)
        await pilot.press("f5")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        if end == "stop":
            await pilot.press("escape")
            await wait_until(pilot, lambda: "cut off" in answers(app)[0])
        elif end == "fail":
            engine.fail(ModelError("The memory is full.", "Close something."))
            await wait_until(pilot, lambda: notes(app))
            assert "cut off" in answers(app)[0]
        await pilot.press("ctrl+q")
    history = History(settings.history_path)
    turn = history.latest().path()[-1]
    history.close()
    assert (turn.message.text, turn.message.token_ids) == ("Half an", (0, 1))
    assert turn.state is TurnState.LENGTH


async def test_only_an_unfinished_last_answer_goes_on(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("f5")
        await wait_until(pilot, lambda: "no answer that was stopped" in notices(app))
        await talk(pilot, app, engine, "One?", "1")
        await _choose(pilot, app, 1)
        assert "G goes on" not in _hint(app)
        await pilot.press("g")
        await wait_until(pilot, lambda: "Only the last answer can go on" in notices(app))
        assert len(engine.requests) == 1


async def test_a_fork_is_a_conversation_of_its_own(make_app, engine, settings, shapes):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "One?", "1")
        await talk(pilot, app, engine, "Two?", "2")
        before = app.chat.conversation
        await _choose(pilot, app, 3)
        await pilot.press("f")
        await wait_until(pilot, lambda: app.chat.conversation is not before)
        await wait_until(pilot, lambda: app.focused is composer(app))
        assert len(prompts(app)) == len(answers(app)) == 1
        await ask(pilot, app, engine, "Three?")
        assert _texts(engine.requests[-1]) == ["One?", "1", "Three?"]
        await finish_answer(pilot, app, engine, "3")
    history = History(settings.history_path)
    titles = {summary.title: summary.turns for summary in history.conversations()}
    history.close()
    assert titles == {"One?": 4, "One? (fork)": 4}


async def test_a_fork_at_a_prompt_lets_it_be_sent_again_or_changed(make_app, engine, shapes):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await talk(pilot, app, engine, "One?", "1")
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "Two?", "2")
        for place, kept in ((2, ["One?", "1"]), (2, [])):
            before = app.chat.conversation
            await _choose(pilot, app, place)
            await pilot.press("f")
            await wait_until(pilot, lambda old=before: app.chat.conversation is not old)
            await wait_until(pilot, lambda: app.focused is composer(app))
            assert [turn.message.text for turn in app.chat.conversation.path()] == kept
        assert composer(app).text == "One?\n\nTwo?"
        assert attached(app) == ["my shapes.png"]
        await ask(pilot, app, engine, "Three?")
        assert _texts(engine.requests[-1]) == ["Three?"]
        assert app.chat.conversation.title == "One? (fork) (fork)"


CODE = "Two:\n\n```python\nprint(1)\n```\n\n~~~\nsecond block\nof two lines\n~~~\n"


@pytest.mark.parametrize(
    ("answer", "keys", "copied"),
    [
        ("A **circle**.", ["c"], "A **circle**."),
        ("```\nx = 1\n```", ["k"], "x = 1\n"),
        (CODE, ["k", "enter"], "print(1)\n"),
        (CODE, ["k", "down", "enter"], "second block\nof two lines\n"),
    ],
)
async def test_a_message_or_its_code_is_copied(make_app, engine, answer, keys, copied):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What?", answer)
        await _choose(pilot, app, 1)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await wait_until(pilot, lambda: app.clipboard == copied)


async def test_what_does_not_apply_is_a_sentence(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What?", "That.")
        await _choose(pilot, app, 1)
        await pilot.press("k")
        await wait_until(pilot, lambda: "no code block" in notices(app))
        await pilot.press("e")
        await wait_until(pilot, lambda: "Only prompts can be edited" in notices(app))
        await pilot.press("left")
        await wait_until(pilot, lambda: "only one version" in notices(app))


async def test_nothing_branches_while_an_answer_comes(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half")
        await wait_until(pilot, lambda: "Half" in answers(app)[0])
        await _choose(pilot, app, 1)
        for key in ("r", "g", "f", "left"):
            app.clear_notifications()
            await pilot.press(key)
            await wait_until(pilot, lambda: "still coming" in notices(app))
        assert len(engine.requests) == 1


async def test_answers_are_labelled_with_the_model_that_gave_them(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "One?", "1")
    other = ScriptedEngine(name="Other-vision")
    app = make_app(engine=other, resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        await wait_until(pilot, lambda: "Other" in app.chat.status.model)
        await talk(pilot, app, other, "Two?", "2")
        assert [answer.splitlines()[0] for answer in answers(app)] == [
            "Scripted-vision",
            "Other-vision",
        ]
