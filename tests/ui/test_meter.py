"""The context meter: what the conversation takes, and what the draft would add."""

import threading

import pytest

from phi3v_tui.conversation.message import Role
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.ui.tokens import ContextShare, Tokens
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    ask,
    attach,
    composer,
    figures,
    finish_answer,
    meter_shows,
    submit,
    talk,
    wait_until,
)

# The scripted engine counts a token for each word, and a hundred for each picture.


class CountingEngine(ScriptedEngine):
    """Remembers for what it was asked to count, and can be made to take its time."""

    def __init__(self, **arguments) -> None:
        super().__init__(**arguments)
        self.counted: list[Request] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def count(self, request: Request) -> int | None:
        self.counted.append(request)
        self.may_answer.wait(10)
        tokens = super().count(request)
        return tokens and tokens * (request.num_crops or 1)


async def test_a_conversation_reopened_or_begun_anew(make_app, engine, settings, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await meter_shows(pilot, app, "context 106 of 8,192")
    app = make_app(engine=ScriptedEngine(), resume=True)
    async with app.run_test() as pilot:
        await meter_shows(pilot, app, "context 106 of 8,192")
        await pilot.press("ctrl+n")
        await meter_shows(pilot, app, "context 8,192")


async def test_a_conversation_reopened_before_the_model_is_there(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine, resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.transcript.entries and engine._load_emit)
        assert "context" not in figures(app)
        engine.finish_loading()
        await meter_shows(pilot, app, "context 6 of 8,192")


async def test_branches_and_forks(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: app.chat.is_answering)
        await finish_answer(pilot, app, engine, "A red circle on white paper.")
        await meter_shows(pilot, app, "context 9 of")
        await pilot.press("ctrl+up")
        await wait_until(pilot, lambda: app.chat.transcript.chosen)
        await pilot.press("left")
        await meter_shows(pilot, app, "context 6 of")
        await pilot.press("up")
        await pilot.press("f")
        await meter_shows(pilot, app, "context 0 + 3 of")  # the prompt is typed again there


async def test_editing_counts_what_the_other_version_would_follow(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await talk(pilot, app, engine, "And where is it?", "Left.")
        await meter_shows(pilot, app, "context 11 of")
        await pilot.press("ctrl+up", "up")
        await wait_until(pilot, lambda: app.chat.transcript.chosen.turn.message.role is Role.USER)
        await pilot.press("e")
        await meter_shows(pilot, app, "context 6 + 4 of")
        await pilot.press("escape")
        await meter_shows(pilot, app, "context 11 of")


async def test_system_prompt_and_crops(make_app, shapes):
    engine = CountingEngine()
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await submit(pilot, app, "/system Be very brief.")
        await meter_shows(pilot, app, "context 9 of")
        await submit(pilot, app, "/crops 4")
        await meter_shows(pilot, app, "context 36 of")


async def test_the_draft_and_its_pictures_are_counted_while_typing(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await meter_shows(pilot, app, "context 8,192")
        await pilot.press(*"one two three")
        await meter_shows(pilot, app, "context 0 + 3 of 8,192")
        await attach(pilot, app, shapes)
        await meter_shows(pilot, app, "context 0 + 103 of 8,192")
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.chat.is_answering)
        await finish_answer(pilot, app, engine, "A red circle.")
        await meter_shows(pilot, app, "context 106 of 8,192")
        await pilot.press("f", "o", "u", "r")
        await meter_shows(pilot, app, "context 106 + 1 of")
        composer(app).text = "/set temperature 1"
        await meter_shows(pilot, app, "context 106 of")


async def test_an_answer_under_way_is_not_disturbed_by_counting(make_app, shapes):
    engine = CountingEngine()
    app = make_app(engine=engine)
    async with app.run_test(size=(100, 24)) as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await meter_shows(pilot, app, "context 6 of")
        await ask(pilot, app, engine, "And where is it?")
        # What was counted, and at least a guess for the new prompt.
        await wait_until(pilot, lambda: app.chat.status.context_used.number >= 10)
        counted = len(engine.counted)
        engine.prefill(10, 20)
        await meter_shows(pilot, app, "context 20 of")
        await pilot.press(*"twelve bytes")
        await meter_shows(pilot, app, "context 20 + about 7 of")
        engine.say("It ", "is ", "left.")
        await meter_shows(pilot, app, "context about 23 + about 7 of")
        assert len(engine.counted) == counted
        await finish_answer(pilot, app, engine)
        await meter_shows(pilot, app, "context 13 + 2 of")


async def test_an_answer_that_is_read_again_counts_once(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        await ask(pilot, app, engine)
        engine.prefill(4094, 4094)
        engine.say("It ", "is ")
        await meter_shows(pilot, app, "context about 4,096 of")
        engine.prefill(4096, 4096, "Reading all of it again.")
        engine.say("left.")
        await meter_shows(pilot, app, "context about 4,097 of")


async def test_a_prompt_that_waits_is_part_of_what_is_to_come(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        await ask(pilot, app, engine, "What is this?")
        await submit(pilot, app, "twelve bytes")
        await meter_shows(pilot, app, "+ about 7 of")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not app.chat.is_answering)
        await meter_shows(pilot, app, "+ 5 of")  # both came back


async def test_a_count_of_what_is_not_shown_any_more_is_not_shown(make_app):
    engine = CountingEngine()
    app = make_app(engine=engine)
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A red circle.")
        await meter_shows(pilot, app, "context 6 of")
        seen: list[str] = []
        app.chat.watch(app.chat.status, "context_used", lambda used: seen.append(str(used)))
        engine.may_answer.clear()
        counted = len(engine.counted)
        await submit(pilot, app, "/system Be brief.")
        await wait_until(pilot, lambda: len(engine.counted) > counted)
        await submit(pilot, app, "/system Be very very brief.")
        assert composer(app).text == ""  # typing went on
        engine.may_answer.set()
        await meter_shows(pilot, app, "context 10 of")
        assert "8" not in seen


async def test_a_stopped_answer_is_counted(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "What is this?")
        await finish_answer(pilot, app, engine, "A red", reason=FinishReason.CANCELLED)
        await meter_shows(pilot, app, "context 5 of")


@pytest.mark.parametrize(
    ("share", "words", "short"),
    [
        (ContextShare(None, None, None), "", ""),
        (ContextShare(Tokens(0), Tokens(0), 4096), "context 4,096", ""),
        (
            ContextShare(Tokens(12_260, is_rough=True), Tokens(940), 131_072),
            "context about 12,260 + 940 of 131,072",
            "~12k+940/131k",
        ),
        (
            ContextShare(Tokens(4000), Tokens(96), 4096),
            "context 4,000 + 96 fills 4,096",
            "4.0k+96=4.1k",
        ),
        (ContextShare(Tokens(301), None, 300), "context 301 exceeds 300", "301>300"),
    ],
)
def test_words(share, words, short):
    assert str(share) == words
    assert share.short == short


@pytest.mark.parametrize("columns", [66, 76])
async def test_a_short_line_says_it_in_short(make_app, engine, columns):
    app = make_app()
    async with app.run_test(size=(columns, 24)) as pilot:
        status = app.chat.status
        await wait_until(pilot, lambda: status.context_used is not None)
        status.activity = "Answering"
        status.context_used, status.draft = Tokens(1260, is_rough=True), Tokens(340, is_rough=True)
        await meter_shows(pilot, app, "~1.3k+~340/8.2k")
        status.activity = ""


async def _takes_what_was_foretold(pilot, app, picture, text: str) -> None:
    status = app.chat.status
    await attach(pilot, app, picture)
    await wait_until(pilot, lambda: status.draft and status.draft.number > 100)
    without_text, before = status.draft, status.last
    composer(app).text = text
    await wait_until(pilot, lambda: status.draft != without_text)
    foretold = status.draft.number + (status.context_used.number if status.context_used else 0)
    await submit(pilot, app, text)
    await wait_until(pilot, lambda: status.last is not before, 120)
    await wait_until(pilot, lambda: not status.context_used.is_rough)
    usage = status.last.usage
    assert usage.prompt_tokens == foretold
    assert status.context_used == Tokens(usage.prompt_tokens + usage.completion_tokens)


async def test_the_bundled_model_takes_what_was_foretold(make_app, shapes):
    engine = LocalEngine("demo", device="cpu")
    app = make_app(engine=engine)
    try:
        async with app.run_test(size=(120, 24)) as pilot:
            await wait_until(pilot, lambda: app.chat.status.model, 120)
            for text in ("What is at the left?", "How many shapes are there?"):
                await _takes_what_was_foretold(pilot, app, shapes, text)
    finally:
        engine.close()
