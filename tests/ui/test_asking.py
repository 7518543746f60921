"""Prompts that wait for their turn, and prompts that do not fit."""

import pytest
from textual.widgets import OptionList

from phi3v_tui.engine.base import Limits
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.errors import ModelError
from phi3v_tui.ui.screens.context_full import ContextFullScreen
from phi3v_tui.ui.widgets.message_view import MessageView
from phi3v_tui.ui.widgets.waiting_prompts import WaitingPrompts
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    begin_loading,
    composer,
    drawn,
    notes,
    prompts,
    submit,
    talk,
    wait_until,
)


def _waiting(app) -> str:
    return drawn(app.chat.query_one(WaitingPrompts))


async def test_prompts_sent_while_an_answer_streams_wait_and_are_asked_in_order(
    make_app, engine, shapes
):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "One?")
        await attach(pilot, app, shapes)
        await submit(pilot, app, "Two?")
        await wait_until(pilot, lambda: "waits Two?" in _waiting(app))
        assert composer(app).text == ""
        assert attached(app) == []
        await submit(pilot, app, "Three?")
        await wait_until(pilot, lambda: "waits Three?" in _waiting(app))
        assert len(engine.requests) == 1
        engine.say("1")
        engine.finish()
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert [m.text for m in engine.requests[-1].messages] == ["One?", "1", "Two?"]
        assert len(engine.requests[-1].messages[-1].attachments) == 1
        assert "Two?" not in _waiting(app)
        engine.say("2")
        engine.finish()
        await wait_until(pilot, lambda: len(engine.requests) == 3)
        assert _waiting(app) == ""


async def test_backspace_takes_the_prompt_that_waits_back_after_the_pictures(
    make_app, engine, shapes, chart
):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "One?")
        await attach(pilot, app, shapes)
        await submit(pilot, app, "Two?")
        await wait_until(pilot, lambda: "waits Two?" in _waiting(app))
        await attach(pilot, app, chart)
        await pilot.press("backspace")
        await wait_until(pilot, lambda: attached(app) == [])
        assert "waits Two?" in _waiting(app)
        await pilot.press("backspace")
        await wait_until(pilot, lambda: composer(app).text == "Two?")
        assert attached(app) == ["my shapes.png"]
        assert _waiting(app) == ""
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert len(engine.requests) == 1


@pytest.mark.parametrize("end", ["stop", "fail", "new"])
async def test_prompts_that_wait_come_back_when_the_answer_does_not_end_by_itself(
    make_app, engine, end
):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "One?")
        engine.say("Half")
        await wait_until(pilot, lambda: "Half" in answers(app)[0])
        await submit(pilot, app, "Two?")
        await submit(pilot, app, "Three?")
        await wait_until(pilot, lambda: "waits Three?" in _waiting(app))
        if end == "stop":
            await pilot.press("escape")
        elif end == "fail":
            engine.fail(ModelError("The memory is full.", "Close something."))
        else:
            await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: composer(app).text == "Two?\n\nThree?")
        assert _waiting(app) == ""
        assert len(engine.requests) == 1


async def test_a_prompt_that_waits_while_the_model_loads_comes_back_too(make_app):
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await begin_loading(pilot, app, engine, "Starting torch")
        await submit(pilot, app, "One?")
        await wait_until(pilot, lambda: answers(app))
        await submit(pilot, app, "Two?")
        await wait_until(pilot, lambda: "waits Two?" in _waiting(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "Two?\n\nOne?")


# Room. The scripted engine counts a token for each word.


class SmallEngine(ScriptedEngine):
    """Reads 80 words, of which an answer may need ten."""

    def limits(self) -> Limits | None:
        limits = super().limits()
        return limits and Limits(80, limits.crop_size, limits.num_crops)


@pytest.fixture
def small() -> SmallEngine:
    return SmallEngine()


def _words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


async def _fill(pilot, app, engine) -> None:
    """Sixty words in two turns, and a prompt of thirty more."""
    await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
    await talk(pilot, app, engine, _words(15, "one"), _words(15, "eins"))
    await talk(pilot, app, engine, _words(15, "two"), _words(15, "zwei"))
    await submit(pilot, app, _words(30, "three"))
    await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))


async def test_before_the_context_is_full_the_app_says_what_would_be_left_out(make_app, small):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await _fill(pilot, app, small)
        assert len(small.requests) == 2
        question = drawn(app.screen)
        assert "takes 90 tokens; the model reads 80" in question
        assert "You  one one" in question
        assert "Scripted-vision  eins" in question
        first = app.screen.query_one(OptionList).get_option_at_index(0)
        assert "Go on without the 2 messages above" in str(first.prompt)
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(small.requests) == 3)
        asked = [_words(15, "two"), _words(15, "zwei"), _words(30, "three")]
        assert [m.text for m in small.requests[-1].messages] == asked
        views = list(app.chat.query(MessageView))
        assert [view.has_class("-left-out") for view in views] == [True] * 2 + [False] * 4
        assert "the model does not read this any more" in prompts(app)[0]
        small.say("three")
        small.finish()
        await wait_until(pilot, lambda: "without the 2 oldest messages" in answers(app)[-1])
        await talk(pilot, app, small, "four?", "4")
        assert [m.text for m in small.requests[-1].messages] == [*asked, "three", "four?"]
    app = make_app(engine=SmallEngine(), resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert "the model does not read this any more" in prompts(app)[0]


async def test_a_prompt_that_does_not_fit_can_be_asked_in_a_new_conversation(make_app, small):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await _fill(pilot, app, small)
        before = app.chat.conversation
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(small.requests) == 3)
        assert app.chat.conversation is not before
        assert [m.text for m in small.requests[-1].messages] == [_words(30, "three")]
        assert len(prompts(app)) == 1
        assert len(before.snapshot()) == 5


async def test_a_prompt_that_does_not_fit_can_be_taken_back(make_app, small, settings):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await _fill(pilot, app, small)
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == _words(30, "three"))
        assert len(prompts(app)) == len(answers(app)) == 2
        composer(app).text = "short"
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(small.requests) == 3)
        assert [m.text for m in small.requests[-1].messages][-1] == "short"
        assert len(small.requests[-1].messages) == 5


async def test_a_prompt_that_never_fits_is_left_to_the_engine_to_refuse(make_app, small):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await ask(pilot, app, small, _words(100))
        small.fail(ModelError("The conversation takes 100 tokens.", "Shorten the prompt."))
        await wait_until(pilot, lambda: notes(app))
        assert composer(app).text == _words(100)


async def test_counting_does_not_ask_where_all_fits(make_app, small):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await ask(pilot, app, small, _words(50))
        small.finish(FinishReason.STOP)
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert not isinstance(app.screen, ContextFullScreen)
