"""Keys that arrive together, as over a slow line or on a busy machine."""

import asyncio

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.widgets import Input, OptionList

from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.screens.choice import ChoiceScreen
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen
from phi3v_tui.ui.widgets.search_bar import SearchBar
from tests.ui.steps import answers, ask, composer, finish_answer, notices, talk, wait_until

_BETWEEN_SECONDS = 0.05
"""By their times the keys were pressed one after the other; else they would pass for a paste."""


def press_together(app: Phi3VApp, *keys: str) -> None:
    """Have all keys wait for the app before it can deal with the first one."""
    time = asyncio.get_running_loop().time()
    for number, key in enumerate(keys):
        event = events.Key(key, key if len(key) == 1 else None)
        event.time = time + number * _BETWEEN_SECONDS
        app.post_message(event)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["ctrl+u", *"new"], "new"),
        (["x", "ctrl+u", *"helk", "backspace", *"lp", "left", "e", "end", "o"], "hellepo"),
        (["x", "backspace", *"!"], "some words!"),
        (["home", *"the "], "the some words"),
        (["ctrl+w", *"word", "left", "left", "delete", *"r"], "some word"),
        (["ctrl+a", "delete", "S"], "Some words"),
        (["ctrl+u", "ctrl+z", "!"], "some words!"),
        (["ctrl+j", "a", "up", "end", "b"], "some wordsb\na"),
    ],
)
async def test_editing_keys_and_letters_keep_their_order(make_app, keys, text):
    app = make_app()
    async with app.run_test() as pilot:
        composer(app).text = "some words"
        composer(app).move_cursor(composer(app).document.end)
        await pilot.pause()
        press_together(app, *keys)
        await wait_until(pilot, lambda: composer(app).text == text)


async def test_what_is_typed_behind_enter_is_the_next_prompt(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        press_together(app, *"one", "enter", *"two", "enter", *"three")
        await wait_until(pilot, lambda: composer(app).text == "three")
        await wait_until(pilot, lambda: engine.requests)
        await finish_answer(pilot, app, engine, "1")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert [m.text for m in engine.requests[1].messages] == ["one", "1", "two"]


async def test_what_is_typed_behind_a_command_stays(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        press_together(app, *"/set temperature 1", "enter", *"two")
        await wait_until(pilot, lambda: composer(app).text == "two")
        assert app.chat.sampling.temperature == 1


async def test_an_earlier_prompt_is_edited_and_sent(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        press_together(app, "ctrl+up", "up", "e", "ctrl+u", *"Where is it?", "enter", *"And")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert [m.text for m in engine.requests[1].messages] == ["Where is it?"]
        await wait_until(pilot, lambda: composer(app).text == "And")


async def test_what_comes_back_from_editing_is_typed_on(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        press_together(app, *"so", "ctrl+up", "up", "e", "x", "escape", *" on")
        await wait_until(pilot, lambda: composer(app).text == "so on")


async def test_letters_behind_a_key_that_opens_something_go_there(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What is this?", "A circle.")
        press_together(app, "ctrl+f", *"circle")
        bar = app.chat.query_one(SearchBar)
        await wait_until(pilot, lambda: bar.query_one(Input).value == "circle")
        press_together(app, "escape", "ctrl+l", *"this")
        await wait_until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await wait_until(pilot, lambda: app.screen.query_one(Input).value == "this")
        press_together(app, "escape", "x")
        await wait_until(pilot, lambda: composer(app).text == "x")


async def test_letters_behind_a_choice_go_on_where_it_leads(make_app, shapes, monkeypatch):
    monkeypatch.chdir(shapes.parent)
    app = make_app()
    async with app.run_test() as pilot:
        press_together(app, "f8", "down", "enter", *" Please.")
        await wait_until(pilot, lambda: composer(app).text.endswith(" Please."))
        assert not isinstance(app.screen, ChoiceScreen)
        composer(app).clear()
        press_together(app, "ctrl+o", *"shapes")
        await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen))
        await wait_until(pilot, lambda: app.screen.query_one(Input).value == "shapes")
        await wait_until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
        press_together(app, "escape", *"What?")
        await wait_until(pilot, lambda: composer(app).text == "What?")


async def test_letters_behind_a_completed_path_stand_behind_it(make_app, shapes, monkeypatch):
    monkeypatch.chdir(shapes.parent)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"In @my")
        await wait_until(pilot, lambda: composer(app).completion.is_open)
        press_together(app, "enter", *"is what?")
        await wait_until(pilot, lambda: composer(app).text == "In my shapes.png is what?")


def press_at_once(app: Phi3VApp, data: str) -> None:
    """Have a terminal deliver all bytes in one piece."""
    parser = XTermParser()
    for event in (*parser.feed(data), *parser.feed("")):  # nothing more comes
        app.post_message(event)


@pytest.mark.parametrize("typed", ["next", "Next", "xx"])
async def test_escape_and_letters_that_come_with_it_are_not_taken_for_alt(make_app, engine, typed):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half")
        await wait_until(pilot, lambda: "Half" in answers(app)[0])
        press_at_once(app, f"\x1b{typed}")
        await wait_until(pilot, lambda: composer(app).text == typed)
        await wait_until(pilot, lambda: not app.chat.is_answering)
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        press_at_once(app, "\x1bt")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await wait_until(pilot, lambda: composer(app).text == f"{typed}t")


async def test_keys_with_alt_that_mean_something_still_do(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        composer(app).text = "two words"
        composer(app).move_cursor(composer(app).document.end)
        press_at_once(app, "\x1bb")  # Option and left arrow, on a Mac
        await wait_until(pilot, lambda: composer(app).cursor_location == (0, 4))
        press_at_once(app, "\x1bv")
        await wait_until(pilot, lambda: notices(app))
        assert composer(app).text == "two words"
        assert app.chat.is_answering


async def test_a_paste_behind_a_key_goes_where_that_leads(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        press_together(app, "ctrl+f")
        app.post_message(events.Paste("circle"))
        bar = app.chat.query_one(SearchBar)
        await wait_until(pilot, lambda: bar.query_one(Input).value == "circle")
        assert composer(app).text == ""


async def test_keys_do_not_wait_for_long(make_app):
    app = make_app()
    done = asyncio.Event()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.focused is composer(app))
        app.chat.call_later(done.wait)  # the screen is busy, for whatever reason
        press_together(app, "f12", "y")
        try:
            async with asyncio.timeout(5):
                while composer(app).text != "y":
                    await asyncio.sleep(0.01)
        finally:
            done.set()
