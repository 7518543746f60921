"""The log: how much of it is widgets, and where it stands."""

from textual import events

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.ui.answers import entries
from phi3v_tui.ui.generation import Generation
from phi3v_tui.ui.widgets.message_pages import MORE_MESSAGES
from phi3v_tui.ui.widgets.message_view import AnswerView, MessageView
from phi3v_tui.ui.widgets.message_window import FEWEST_LIVE
from phi3v_tui.ui.widgets.other_messages import OtherMessages
from phi3v_tui.ui.widgets.transcript_view import TranscriptView
from tests.ui.steps import drawn, submit, wait_until

MOST_LIVE = FEWEST_LIVE + 2 * MORE_MESSAGES


def _long_conversation(turns: int) -> Conversation:
    conversation = Conversation()
    for number in range(turns):
        conversation.append_user(f"Question {number}")
        reply = conversation.append_reply()
        conversation.update_reply(reply.id, f"Answer {number}", reply.state.STOP)
    return conversation


def _wheel_up(view: TranscriptView) -> events.MouseScrollUp:
    return events.MouseScrollUp(
        view, 1, 1, 0, 0, 0, shift=False, meta=False, ctrl=False, screen_x=1, screen_y=1
    )


async def _show(app, conversation: Conversation) -> TranscriptView:
    await app.chat.opening.open(conversation)
    return app.chat.query_one(TranscriptView)


def _shown(view: TranscriptView) -> list[str]:
    return [message.entry.turn.message.text for message in view.query(MessageView)]


async def test_only_the_latest_messages_are_widgets_and_earlier_ones_come_on_demand(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        view = await _show(app, _long_conversation(30))
        row = view.query(OtherMessages).first()
        assert len(view.query(MessageView)) == FEWEST_LIVE
        assert f"{60 - FEWEST_LIVE} earlier messages" in drawn(row)
        row.focus()
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(view.query(MessageView)) == FEWEST_LIVE + MORE_MESSAGES)
        assert f"{60 - FEWEST_LIVE - MORE_MESSAGES} earlier messages" in drawn(row)
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(view.query(MessageView)) == MOST_LIVE)
        await pilot.press("enter")
        await wait_until(pilot, lambda: not row.display)
        assert len(view.query(MessageView)) == MOST_LIVE
        assert _shown(view)[:3] == ["Question 0", "Answer 0", "Question 1"]
        later = view.query(OtherMessages).last()
        assert f"{60 - MOST_LIVE} later messages" in drawn(later)
        later.focus()
        await pilot.press("enter")
        await wait_until(pilot, lambda: not later.display)
        assert len(view.query(MessageView)) == MOST_LIVE
        assert _shown(view)[-1] == "Answer 29"
        assert f"{60 - MOST_LIVE} earlier messages" in drawn(row)


async def test_a_high_terminal_is_filled_also_by_the_shortest_messages(make_app):
    app = make_app()
    async with app.run_test(size=(80, 120)) as pilot:
        view = await _show(app, _long_conversation(100))
        await wait_until(pilot, lambda: view.max_scroll_y > 0)
        assert len(view.query(MessageView)) > 2 * FEWEST_LIVE


async def test_new_message_lets_the_oldest_go(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        view = await _show(app, _long_conversation(FEWEST_LIVE // 2))
        assert not view.query(OtherMessages).first().display
        await submit(pilot, app, "One more")
        await wait_until(pilot, lambda: engine.requests)
        assert len(view.query(MessageView)) == FEWEST_LIVE
        assert "2 earlier messages" in drawn(view.query(OtherMessages).first())
        assert "Answer 0" not in drawn(view)


async def test_regenerating_keeps_the_count_of_earlier_messages(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        view = await _show(app, _long_conversation(30))
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: engine.requests)
        assert f"{60 - FEWEST_LIVE} earlier messages" in drawn(view)
        assert entries(app.chat.conversation)[-1].turn.id == app.chat.answering.current.turn_id


async def test_view_stays_at_the_end_until_the_person_scrolls_up(make_app, engine):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await _show(app, _long_conversation(12))
        await submit(pilot, app, "Tell me a story")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("Once\n\n" * 20)
        await wait_until(pilot, lambda: view.max_scroll_y > 40)
        await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y)
        await pilot.press("pageup")
        await wait_until(pilot, lambda: view.scroll_y < view.max_scroll_y)
        place = view.scroll_y
        end = view.max_scroll_y
        engine.say("more\n\n" * 20)
        await wait_until(pilot, lambda: view.max_scroll_y > end)
        assert view.scroll_y == place
        await pilot.press("ctrl+end")
        await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y)


async def test_first_and_next_prompts_are_followed_to_the_end(make_app, engine):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.chat.query_one(TranscriptView)
        for count in (1, 2):
            await submit(pilot, app, "Tell me a story")
            await wait_until(pilot, lambda count=count: len(engine.requests) == count)
            engine.say("Once\n\n" * 20)
            engine.finish()
            await wait_until(pilot, lambda: not app.chat.is_answering)
            await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y > 0)
            await pilot.press("pageup")
            await wait_until(pilot, lambda: view.scroll_y < view.max_scroll_y)


async def test_answer_keeps_line_ends_and_tags(make_app):
    conversation = Conversation()
    conversation.append_user("Read it")
    reply = conversation.append_reply()
    conversation.update_reply(reply.id, "line one\nline two <title>", reply.state.STOP)
    app = make_app()
    async with app.run_test():
        view = await _show(app, conversation)
        assert "line one\nline two <title>" in drawn(view.query_one(AnswerView))


async def test_paging_and_the_wheel_bring_messages_from_beyond_the_edges(make_app):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await _show(app, _long_conversation(100))

        async def page_until(key: str, text: str) -> None:
            while text not in _shown(view):
                await pilot.press(key)
                await pilot.pause()

        await page_until("pageup", "Question 60")
        assert len(view.query(MessageView)) <= MOST_LIVE
        await pilot.press("ctrl+home")
        await wait_until(pilot, lambda: _shown(view)[0] == "Question 0" and view.scroll_y == 0)
        await page_until("pagedown", "Answer 40")
        await pilot.press("ctrl+end")
        await wait_until(pilot, lambda: _shown(view)[-1] == "Answer 99")
        await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y > 0)
        await pilot.press("pageup")
        while "Question 80" not in _shown(view):
            view.post_message(_wheel_up(view))
            await pilot.pause()


async def test_an_answer_grows_on_while_far_earlier_messages_are_read(make_app, engine):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await _show(app, _long_conversation(100))
        await submit(pilot, app, "Tell me a story")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("Once ")
        await wait_until(pilot, lambda: "Once" in drawn(view.query(AnswerView).last()))
        await pilot.press("ctrl+home")
        await wait_until(pilot, lambda: _shown(view)[0] == "Question 0")
        engine.say("upon ", "a ")
        await wait_until(pilot, lambda: app.chat.answering.current.text == "Once upon a ")
        await pilot.press("ctrl+end")
        await wait_until(
            pilot,
            lambda: (
                view.query(AnswerView).last().entry.turn.id in (app.chat.answering.current.turn_id,)
            ),
        )
        engine.say("time.")
        await wait_until(pilot, lambda: "Once upon a time.▍" in drawn(view))
        await pilot.press("ctrl+home")
        await wait_until(pilot, lambda: _shown(view)[0] == "Question 0")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        await pilot.press("ctrl+end")
        await wait_until(pilot, lambda: "Once upon a time." in drawn(view.query(AnswerView).last()))
        assert "▍" not in drawn(view)


async def test_a_growing_answer_is_laid_out_once_a_line_and_not_for_what_fits(
    make_app, engine, monkeypatch
):
    monkeypatch.setattr(Generation, "tokens_per_second", lambda _: 20.0)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await _show(app, _long_conversation(12))
        await submit(pilot, app, "Tell me a story")
        await wait_until(pilot, lambda: engine.requests)
        layouts: list[object] = []
        app.chat.screen_layout_refresh_signal.subscribe(view, layouts.append)

        async def layouts_for(text: str) -> int:
            layouts.clear()
            engine.say(text)
            await wait_until(pilot, lambda: text.split()[-1] in drawn(view))
            return len(layouts)

        await layouts_for("Once upon a time ")
        await wait_until(pilot, lambda: "tok/s" in drawn(app.chat.status))
        assert await layouts_for("there was ") == 0
        assert await layouts_for("a model " * 12 + "that ") == 1
        assert view.scroll_y == view.max_scroll_y > 0
        assert await layouts_for("answered.") == 0


async def test_scroll_bar_comes_once_the_answer_is_longer_than_the_window(make_app, engine):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.chat.query_one(TranscriptView)
        await submit(pilot, app, "Tell me a story")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("Once")
        await wait_until(pilot, lambda: "Once" in drawn(view))
        width = view.query_one(AnswerView).region.width
        assert not view.show_vertical_scrollbar
        engine.say("\n\n" + "long " * 400 + "done")
        await wait_until(pilot, lambda: "done" in drawn(view))
        assert view.show_vertical_scrollbar
        assert view.query_one(AnswerView).region.width == width - 1
        assert view.scroll_y == view.max_scroll_y > 0
