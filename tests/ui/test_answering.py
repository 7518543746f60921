"""From a prompt to its answer, and all the ways in which that ends."""

import asyncio
from dataclasses import replace

import pytest

from phi3v_tui.conversation.message import Role
from phi3v_tui.engine.events import Finished, FinishReason, TextDelta, Timings, Usage
from phi3v_tui.errors import ContextFullError, ModelError
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.widgets.message_view import CURSOR, AnswerView
from phi3v_tui.ui.widgets.status_bar import StatusBar
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    begin_loading,
    composer,
    drawn,
    finish_answer,
    notes,
    notices,
    prompts,
    submit,
    wait_until,
)

TOO_LONG = ContextFullError("The prompt takes 9,000 tokens; 8,192 fit.", "Shorten it.")


async def test_answer_streams_in_and_ends_as_markdown(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("A **red")
        await wait_until(pilot, lambda: "A **red▍" in answers(app)[0])
        await finish_answer(pilot, app, engine, " circle**.")
        assert "A red circle." in answers(app)[0]
        assert "▍" not in answers(app)[0]
        assert "2 tokens in 1.5 s" in answers(app)[0]


async def test_request_holds_the_whole_path(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine, "What is this?")
        await finish_answer(pilot, app, engine, "A circle.")
        await ask(pilot, app, engine, "Which colour?")
        messages = engine.requests[-1].messages
        assert [(m.role, m.text) for m in messages] == [
            (Role.USER, "What is this?"),
            (Role.ASSISTANT, "A circle."),
            (Role.USER, "Which colour?"),
        ]
        assert [a.name for a in messages[0].attachments] == ["my shapes.png"]
        assert messages[1].token_ids == (0,)


async def test_text_before_a_settled_block_is_rendered_while_the_rest_streams(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("**One**\n\n", "**two")
        await wait_until(pilot, lambda: "**two▍" in answers(app)[0])
        assert "One\n" in answers(app)[0]
        assert "**One" not in answers(app)[0]


async def test_very_long_list_stays_plain_text(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "- *item*\n" * 151)
        assert answers(app)[0].count("- *item*") == 151
        assert not app.chat.query("MarkdownBlock")
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "- *item*\n" * 3)
        assert "*item*" not in answers(app)[1]
        assert answers(app)[1].count("item") == 3


async def test_escape_stops_and_keeps_the_partial_answer(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half an")
        await wait_until(pilot, lambda: "Half an" in answers(app)[0])
        await pilot.press("escape")
        await wait_until(pilot, lambda: "stopped" in answers(app)[0])
        assert "Half an" in answers(app)[0]
        assert engine.cancellations == 1
        assert composer(app).text == ""


async def test_stop_before_anything_came_returns_the_prompt(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine, "What is this?")
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "What is this?")
        assert attached(app) == ["my shapes.png"]
        assert answers(app) == prompts(app) == []


async def test_failure_returns_the_prompt_below_what_was_typed_since(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine, "A long question")
        await pilot.press("n", "e", "x", "t")
        engine.fail(TOO_LONG)
        await wait_until(pilot, lambda: notes(app))
        assert notes(app) == ["The prompt takes 9,000 tokens; 8,192 fit. Shorten it."]
        assert composer(app).text == "A long question\n\nnext"
        assert attached(app) == ["my shapes.png"]
        assert prompts(app) == []


async def test_prompt_after_a_failed_one_takes_its_place(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "A long question")
        engine.fail(TOO_LONG)
        await wait_until(pilot, lambda: notes(app))
        await ask(pilot, app, engine, "A short one")
        assert [m.text for m in engine.requests[-1].messages] == ["A short one"]


async def test_failure_half_way_keeps_the_answer(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half an")
        engine.fail(ModelError("The device ran out of memory.", "Use a shorter context."))
        await wait_until(pilot, lambda: notes(app))
        assert "Half an" in answers(app)[0]
        assert "broken off by an error" in answers(app)[0]
        assert composer(app).text == ""


async def test_model_is_loaded_also_behind_a_screen_opened_before_the_first_paint(make_app, engine):
    app = make_app()
    app.chat.call_later(app.chat.call_later, app.chat.action_attach)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: engine.limits())
        assert isinstance(app.screen, FilePickerScreen)
        await wait_until(pilot, lambda: "Scripted-vision" in drawn(app.chat.status))


async def test_prompt_before_the_model_is_ready_waits_and_says_so(make_app):
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await begin_loading(pilot, app, engine, "Reading weights", 30, 100)
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: answers(app))
        assert prompts(app) == ["You\nWhat is this?"]
        assert "Waiting for the model" in answers(app)[0]
        engine.progress("Reading weights", 60, 100)
        await wait_until(pilot, lambda: "(60 %)" in answers(app)[0])
        engine.finish_loading()
        await wait_until(pilot, lambda: "Scripted-vision" in answers(app)[0])
        await finish_answer(pilot, app, engine, "A circle.")
        assert "A circle." in answers(app)[0]
        assert "Waiting" not in answers(app)[0]


async def test_prompt_that_waits_for_the_model_is_given_back_at_once(make_app):
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await begin_loading(pilot, app, engine, "Starting torch")
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: answers(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(app).text == "What is this?")
        assert engine.cancellations == 1
        assert answers(app) == prompts(app) == []


async def test_model_that_cannot_be_loaded_is_a_sentence(make_app):
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: engine.is_asked_to_load)
        engine.fail_loading(ModelError("There is no folder models/phi.", "Check --model."))
        await wait_until(pilot, lambda: notes(app))
        assert notes(app) == ["There is no folder models/phi. Check --model."]
        assert "No model" in drawn(app.chat.query_one(StatusBar))


async def test_a_model_that_was_idle_says_that_it_rests_and_loads_again(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("A cat.")
        engine.finish()
        status = app.chat.query_one(StatusBar)
        await wait_until(pilot, lambda: not app.chat.is_answering)
        engine.unload(10)
        await wait_until(pilot, lambda: "Unloaded" in drawn(status))
        told = [str(toast.message) for toast in app._notifications]
        assert "Unloaded after 10 idle minutes; the next prompt loads it again." in told
        await ask(pilot, app, engine)
        engine.progress("Reading weights", 30, 100)
        await wait_until(pilot, lambda: "Reading weights 30 of 100" in drawn(status))
        assert "Waiting for the model" in drawn(app.chat.transcript)
        engine.finish_loading()
        engine.say("Still a cat.")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert "Still a cat." in drawn(app.chat.transcript)
        assert "Unloaded" not in drawn(status)


async def test_regenerate_asks_the_same_again_and_shows_the_new_answer(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "A square.")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert engine.requests[1].messages == engine.requests[0].messages
        await finish_answer(pilot, app, engine, "A circle.")
        assert len(answers(app)) == 1
        assert "A circle." in answers(app)[0]


@pytest.mark.parametrize(
    ("choices", "second", "words"),
    [
        ({}, "A square.", "with temperature 0 it does not vary"),
        ({"temperature": 1.0, "seed": 3}, "A square.", "with this seed it does not vary"),
        ({"temperature": 1.0}, "A square.", ""),
        ({}, "A circle.", ""),
    ],
)
async def test_the_same_answer_again_is_explained(
    make_app, engine, settings, choices, second, words
):
    app = make_app(settings=replace(settings, **choices))
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "A square.")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert not notices(app)
        await finish_answer(pilot, app, engine, second)
        assert words in notices(app)
        assert bool(words) == bool(notices(app))


async def test_regenerate_that_fails_brings_the_earlier_answer_back(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "A square.")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        engine.fail(TOO_LONG)
        await wait_until(pilot, lambda: notes(app))
        assert len(answers(app)) == 1
        assert "A square." in answers(app)[0]
        assert composer(app).text == ""


async def test_new_conversation_stops_the_answer_under_way_which_can_go_on_later(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half an")
        await wait_until(pilot, lambda: "Half an" in answers(app)[0])
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not answers(app))
        assert engine.cancellations == 1
        assert "F5 goes on with it there" in notices(app)
        await ask(pilot, app, engine, "Hello")
        assert [m.text for m in engine.requests[-1].messages] == ["Hello"]
        await finish_answer(pilot, app, engine, "Hi.")
        assert len(answers(app)) == 1
        assert "Half an" not in answers(app)[0]
        await submit(pilot, app, "/resume")
        await wait_until(pilot, lambda: "Half an" in answers(app)[0])
        await pilot.press("f5")
        await wait_until(pilot, lambda: len(engine.requests) == 3)
        assert engine.requests[-1].continue_last


async def test_late_end_of_an_abandoned_answer_does_not_end_the_next_one(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        abandoned = engine._stream_emit
        engine._stream_emit = None
        await pilot.press("ctrl+n")
        await ask(pilot, app, engine, "Hello")
        usage, timings = Usage(1, 0, 1, 0), Timings(1, 1)
        abandoned(TextDelta("too late"))
        abandoned(Finished(FinishReason.CANCELLED, usage, timings, (1,)))
        engine.say("Hi.")
        await wait_until(pilot, lambda: "Hi." in answers(app)[0])
        assert "too late" not in answers(app)[0]
        assert app.chat.is_answering
        await finish_answer(pilot, app, engine, " You.")
        assert "Hi. You." in answers(app)[0]


async def test_empty_answer_is_explained(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine)
        assert notes(app) == ["The model had nothing to say. Ctrl+R asks again."]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (FinishReason.LENGTH, "cut off at the longest answer allowed"),
        (FinishReason.CONTEXT, "cut off: the context is full"),
    ],
)
async def test_cut_off_answer_says_why_also_when_it_is_reopened(make_app, engine, reason, words):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        await finish_answer(pilot, app, engine, "Once upon", reason=reason)
        assert words in answers(app)[0]
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert words in answers(app)[0]


async def test_status_line_tells_model_context_and_speed(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.prefill(512, 2560)
        await wait_until(pilot, lambda: "Reading 512 of 2,560 tokens" in answers(app)[0])
        await finish_answer(pilot, app, engine, "A ", "red ", "circle.")
        status = drawn(app.chat.query_one(StatusBar))
        assert "Scripted-vision · cpu" in status
        assert "context 6 of 8,192" in status
        assert "2.0 tok/s" in status


async def test_text_of_the_model_cannot_command_the_terminal_or_become_markup(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "[/bold] \x1b[31m")
        await finish_answer(pilot, app, engine, "[bold]x[/nothing] \x1b]52;c;aGk=\x07 <b>y</b>")
        assert "[/bold]" in prompts(app)[0]
        assert "[bold]x[/nothing]" in answers(app)[0]
        assert "<b>y</b>" in answers(app)[0]
        lines = app.screen._compositor.render_strips()
        assert not any("\x1b" in segment.text for line in lines for segment in line)


async def test_reading_all_again_amid_an_answer_is_told_until_it_is_done(make_app, engine):
    app = make_app()
    async with app.run_test(size=(160, 30)) as pilot:
        await ask(pilot, app, engine)
        engine.prefill(0, 4100, "Reading all of it again.")
        await wait_until(pilot, lambda: "Reading all of it again." in answers(app)[0])
        engine.prefill(4100, 4100)
        engine.say("Half")
        await wait_until(pilot, lambda: "Half" in answers(app)[0])
        engine.prefill(1024, 4200, "Reading all of it again.")
        status = app.chat.query_one(StatusBar)
        await wait_until(pilot, lambda: "1,024 of 4,200" in drawn(status))
        assert "Reading all of it again." in drawn(status)
        engine.prefill(4200, 4200, "Reading all of it again.")
        await wait_until(pilot, lambda: "Answering" in drawn(status))
        assert "again" not in drawn(status)
        await finish_answer(pilot, app, engine, " an answer.")
        assert "Half an answer." in answers(app)[0]


async def test_the_end_of_an_answer_waits_for_the_piece_that_is_being_drawn(
    make_app, engine, monkeypatch
):
    drawing, may_go_on = asyncio.Event(), asyncio.Event()
    grow = AnswerView.grow

    async def grow_slowly(view, text):
        drawing.set()
        await may_go_on.wait()
        await grow(view, text)

    monkeypatch.setattr(AnswerView, "grow", grow_slowly)
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("The end.")
        await drawing.wait()
        engine.finish()
        await pilot.pause(0.2)
        may_go_on.set()
        await wait_until(pilot, lambda: "The end." in answers(app)[0])
        await pilot.pause(0.2)
        assert answers(app)[0].count("The end.") == 1
        assert CURSOR not in answers(app)[0]
