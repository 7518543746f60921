"""The figures at the bottom, and which of them go where the line is short."""

import pytest

from phi3v_tui.engine.events import Finished, FinishReason, Timings, Usage
from phi3v_tui.ui.tokens import Tokens
from tests.ui.steps import answers, drawn, submit, wait_until

FINISHED = Finished(
    FinishReason.STOP, Usage(1200, 900, 60, 0), Timings(0.4, 2.0), (), 8_300_000_000
)


@pytest.mark.parametrize(
    ("columns", "there", "gone"),
    [
        (160, ["8.3 GB", "900 reused", "first token 0.4 s", "31.4 tok/s", "context 1,260"], []),
        (80, ["31.4 tok/s", "F1 help"], ["8.3 GB"]),
        (40, ["Scripted-vision"], ["8.3 GB", "900 reused", "first token"]),
    ],
)
async def test_figures_fold_by_what_matters(make_app, engine, columns, there, gone):
    app = make_app()
    async with app.run_test(size=(columns, 24)) as pilot:
        status = app.chat.status
        await wait_until(pilot, lambda: status.model and status.context_used is not None)
        status.context_used, status.tokens_per_second = Tokens(1260), 31.4
        status.last = FINISHED
        await pilot.pause()
        for words in there:
            assert words in drawn(status)
        for words in gone:
            assert words not in drawn(status)
        right = status.query_one("#status-right")
        assert right.region.right <= columns


async def test_another_conversation_shows_no_figures_of_an_answer(make_app, engine):
    app = make_app()
    async with app.run_test(size=(160, 24)) as pilot:
        status = app.chat.status
        await wait_until(pilot, lambda: status.model)
        status.tokens_per_second, status.last = 31.4, FINISHED
        await wait_until(pilot, lambda: "first token" in drawn(status))
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: "first token" not in drawn(status))
        assert "reused" not in drawn(status)
        assert "tok/s" not in drawn(status)
        assert "8.3 GB" in drawn(status)


async def test_an_answer_leaves_its_figures(make_app, engine):
    app = make_app()
    async with app.run_test(size=(140, 24)) as pilot:
        await submit(pilot, app, "Hi")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("A", " word", ".")
        engine.finish()
        await wait_until(pilot, lambda: "first token 0.5 s" in drawn(app.chat.status))


async def test_loading_and_reading_have_a_bar(make_app, settings):
    from tests.ui.scripted_engine import ScriptedEngine

    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine)
    async with app.run_test(size=(100, 24)) as pilot:
        await wait_until(pilot, lambda: engine.is_asked_to_load)
        engine.progress("Reading weights", 4_000_000, 8_000_000)
        await wait_until(pilot, lambda: "━━━━━╌╌╌╌╌ Reading weights" in drawn(app.chat.status))
        engine.finish_loading()
        await submit(pilot, app, "Hi")
        await wait_until(pilot, lambda: engine.requests)
        engine.prefill(300, 1000)
        await wait_until(pilot, lambda: "━━━╌╌╌╌╌╌╌ Reading 300" in answers(app)[0])


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (300, 80)])
async def test_every_size_can_be_typed_in(make_app, engine, shapes, size):
    app = make_app([shapes])
    async with app.run_test(size=size) as pilot:
        await submit(pilot, app, "مرحبا 👩‍👩‍👧 e\u0301 漢字 " * 5)
        await wait_until(pilot, lambda: engine.requests)
        engine.say("Wide 漢字 and 👩‍👩‍👧, then עברית.\n\n", "| a | b |\n|---|---|\n| 1 | 2 |\n")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        for width, height in ((40, 10), (120, 30), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            composer = app.chat.composer
            assert composer.region.height >= 3
            assert app.screen.region.contains_region(composer.region)
        await pilot.press("a", "b")
        assert app.chat.composer.text == "ab"
        await pilot.press("f1")
        await pilot.pause()
        await pilot.press("escape")
