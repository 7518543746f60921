"""Prompts that wait for their turn, and prompts that do not fit."""

import re
import threading
from dataclasses import replace

import pytest
from textual.widgets import OptionList

from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.errors import ModelError
from phi3v_tui.ui.screens.context_full import ContextFullScreen
from phi3v_tui.ui.widgets.message_view import MessageView
from phi3v_tui.ui.widgets.waiting_prompts import WaitingPrompts
from tests.ui.scripted_engine import LIMITS, ScriptedEngine
from tests.ui.steps import (
    TIMEOUT_SECONDS,
    answers,
    ask,
    attach,
    attached,
    begin_loading,
    composer,
    drawn,
    finish_answer,
    notes,
    prompts,
    screen_text,
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
        await wait_until(pilot, lambda: composer(app).text == "One?\n\nTwo?")


async def test_prompts_that_wait_come_back_behind_the_one_to_which_nothing_came(
    make_app, engine, shapes, chart
):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine, "One?")
        await attach(pilot, app, chart)
        await submit(pilot, app, "Two?")
        await submit(pilot, app, "Three?")
        await wait_until(pilot, lambda: "waits Three?" in _waiting(app))
        composer(app).text = "Four"
        await pilot.press("escape")
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert composer(app).text == "One?\n\nTwo?\n\nThree?\n\nFour"
        assert attached(app) == ["my shapes.png", "chart.png"]
        assert _waiting(app) == ""


async def test_of_many_prompts_that_wait_the_first_and_the_last_are_shown_a_line_each(
    make_app, engine
):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, app, engine, "One?")
        for name in ("first", "second", "third", "fourth"):
            await submit(pilot, app, f"The {name} of them, {_words(30)}")
        await wait_until(pilot, lambda: "fourth" in _waiting(app))
        shown = screen_text(app)
        for words in ("waits The first", "… 2 more", "waits The fourth", "takes the last one back"):
            assert words in shown
        assert app.chat.query_one(WaitingPrompts).size.height == 4


async def test_another_version_that_waits_is_taken_back_as_one(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "One?", "1")
        await ask(pilot, app, engine, "Two?")
        await _edit_first(pilot, app)
        await submit(pilot, app, "One, really?")
        await wait_until(pilot, lambda: "waits One, really?" in _waiting(app))
        await pilot.press("backspace")
        await wait_until(pilot, lambda: composer(app).text == "One, really?")
        assert "Another version" in composer(app).border_title
        await finish_answer(pilot, app, engine, "2")
        await ask(pilot, app, engine, "One at last?")
        assert [m.text for m in engine.requests[-1].messages] == ["One at last?"]


async def test_what_comes_back_does_not_mix_with_another_version_that_is_typed(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "One?", "1")
        await ask(pilot, app, engine, "Two?")
        await submit(pilot, app, "Three?")
        composer(app).text = "Four"
        await _edit_first(pilot, app)
        keys = "Enter sends once the answer has ended · Esc leaves it"
        await wait_until(pilot, lambda: keys in screen_text(app))
        engine.fail(ModelError("The memory is full.", "Close something."))
        await wait_until(pilot, lambda: notes(app))
        assert composer(app).text == "One?"
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "Two?\n\nThree?\n\nFour")


async def _edit_first(pilot, app) -> None:
    """Begin another version of the first prompt."""
    await pilot.press("ctrl+up")
    await wait_until(pilot, lambda: app.chat.transcript.chosen)
    for _ in app.chat.transcript.entries[1:]:
        await pilot.press("up")
    await pilot.press("e")
    await wait_until(pilot, lambda: "Another version" in str(composer(app).border_title))


# Room. The scripted engine counts a token for each word.


SMALL = replace(LIMITS, context_length=80)
"""80 words, of which an answer may need ten."""


class SlowlyCounting(ScriptedEngine):
    """Counts when it may."""

    def __init__(self) -> None:
        super().__init__(limits=SMALL)
        self.may_count = threading.Event()
        self.may_count.set()

    def count(self, request: Request) -> int | None:
        assert self.may_count.wait(TIMEOUT_SECONDS)
        return super().count(request)


@pytest.fixture
def small() -> ScriptedEngine:
    return ScriptedEngine(limits=SMALL)


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
        assert "With this prompt the conversation takes 90 tokens; the model reads 80" in question
        assert "That leaves" not in question
        assert re.search(r"^You +one one", question, re.MULTILINE)
        assert "Scripted-vision  eins" in question
        first = app.screen.query_one(OptionList).get_option_at_index(0)
        assert "Go on without the 2 messages above;" in str(first.prompt)
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
    app = make_app(engine=ScriptedEngine(limits=SMALL), resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert "the model does not read this any more" in prompts(app)[0]


async def test_room_for_no_answer_and_pictures_that_would_go_are_told(make_app, shapes):
    engine = ScriptedEngine(limits=replace(LIMITS, context_length=240))
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, _words(40, "one"), _words(40, "eins"))
        await submit(pilot, app, _words(50, "two"))
        await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))
        question = drawn(app.screen)
        assert "takes 230 tokens; the model reads 240" in question
        assert "That leaves 10 for the answer." in question
        assert "my shapes.png · one one" in question
        first = app.screen.query_one(OptionList).get_option_at_index(0)
        assert "without the 2 messages and 1 picture above;" in str(first.prompt)


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_an_answer_that_the_context_cut_off_goes_on_without_the_oldest_messages(
    make_app, small, key
):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await talk(pilot, app, small, _words(15, "one"), _words(15, "eins"))
        await ask(pilot, app, small, _words(15, "two"))
        half = _words(35, "zwei")
        await finish_answer(pilot, app, small, half, reason=FinishReason.CONTEXT)
        await pilot.press("f5")
        await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))
        assert "The conversation takes 80 tokens; the model reads 80" in drawn(app.screen)
        assert app.screen.query_one(OptionList).option_count == 2
        await pilot.press(key)
        if key == "escape":
            await wait_until(pilot, lambda: app.screen is app.chat)
            assert "cut off: the context is full" in answers(app)[-1]
            assert "the oldest" not in answers(app)[-1]
            assert len(small.requests) == 2
            return
        await wait_until(pilot, lambda: len(small.requests) == 3)
        assert small.requests[-1].continue_last
        assert [m.text for m in small.requests[-1].messages] == [_words(15, "two"), half]
        await finish_answer(pilot, app, small, " at last")
        assert "zwei at last" in answers(app)[-1]
        assert "without the 2 oldest messages" in answers(app)[-1]


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


async def test_what_waits_behind_a_prompt_that_is_taken_back_comes_back_too(make_app, small):
    app = make_app(engine=small)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await talk(pilot, app, small, _words(15), _words(15))
        await ask(pilot, app, small, _words(15))
        await submit(pilot, app, _words(40, "three"))
        await submit(pilot, app, "four?")
        await wait_until(pilot, lambda: "waits four?" in _waiting(app))
        small.say(_words(15))
        small.finish()
        await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))
        await pilot.press("escape")
        expected = f"{_words(40, 'three')}\n\nfour?"
        await wait_until(pilot, lambda: composer(app).text == expected)
        assert _waiting(app) == ""


async def test_a_prompt_comes_back_where_another_conversation_is_opened_while_it_is_counted(
    make_app, settings
):
    engine = SlowlyCounting()
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        await talk(pilot, app, engine, _words(15), _words(15))
        engine.may_count.clear()
        await submit(pilot, app, _words(60, "two"))
        await wait_until(pilot, lambda: len(prompts(app)) == 2)
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not prompts(app))
        engine.may_count.set()
        await wait_until(pilot, lambda: composer(app).text == _words(60, "two"))
        await ask(pilot, app, engine, "Hello")
        assert [m.text for m in engine.requests[-1].messages] == ["Hello"]


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
