"""The keys that help, palette and hints name are those that are bound."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.screen import Screen

import phi3v_tui.ui
from phi3v_tui.slash import COMMANDS
from phi3v_tui.ui.clickable import fitting, folded
from phi3v_tui.ui.keys import EVERYWHERE, KEYS, key_name
from phi3v_tui.ui.screens.help import HelpScreen, groups
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.transcript_view import MESSAGE_KEYS
from tests.ui.steps import (
    ask,
    attach,
    composer,
    finish_answer,
    notices,
    screen_text,
    submit,
    talk,
    wait_until,
)


def _bindings() -> Iterator[Binding]:
    """Every key of the app, wherever in the package it is bound."""
    for found in pkgutil.walk_packages(phi3v_tui.ui.__path__, "phi3v_tui.ui."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == found.name:
                yield from vars(value).get("BINDINGS", ())
            elif isinstance(value, tuple) and value and isinstance(value[0], Binding):
                yield from value


def test_every_key_of_every_screen_and_widget_is_in_the_help():
    listed = {(key, words) for g in groups() for keys, words in g.rows for key in keys.split(", ")}
    bound = list(_bindings())
    assert len(bound) > 70
    for binding in bound:
        assert binding.description
        for key in binding.key.split(","):
            assert (key_name(key), binding.description) in listed


async def test_what_the_help_lists_is_shown(make_app):
    app = make_app()
    async with app.run_test(size=(100, 250)) as pilot:
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        shown = set(screen_text(app).split())
        for group in groups():
            for word in " ".join(f"{keys} {words}" for keys, words in group.rows).split():
                assert word in shown
        await pilot.press("f1")
        await wait_until(pilot, lambda: app.screen is app.chat)


@pytest.mark.parametrize(("key", "title"), [("ctrl+o", "Attaching"), ("ctrl+l", "Conversations")])
async def test_the_help_begins_with_the_keys_of_the_screen(make_app, key, title):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(key)
        await wait_until(pilot, lambda: app.screen is not app.chat)
        opened = app.screen
        await pilot.press("f1")
        await wait_until(pilot, lambda: title in _first_title(app.screen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is opened)


def _first_title(screen: Screen) -> str:
    if not isinstance(screen, HelpScreen):
        return ""
    box = screen.query_one("#help")
    titles = [t for t in screen.query(".help-title") if t.region.y >= box.content_region.y]
    return str(titles[0].render()) if titles else ""


async def test_palette_offers_every_command_and_says_its_key(make_app):
    app = make_app()
    async with app.run_test():
        offered = {command.title: command.help for command in app.get_system_commands(app.screen)}
        for binding in (*KEYS, *Composer.BINDINGS, *EVERYWHERE):
            assert key_name(binding.key) in offered.pop(binding.description)
        for binding in MESSAGE_KEYS:
            title = f"Message: {binding.description[0].lower()}{binding.description[1:]}"
            assert offered.pop(title) == key_name(binding.key)
        for command in COMMANDS:
            assert offered.pop(f"Command {command.usage}") == command.help
        assert list(offered) == ["Change the theme"]


async def _run(app, title: str) -> None:
    commands = {command.title: command.callback for command in app.get_system_commands(app.screen)}
    await commands[title]()


async def test_palette_runs_what_it_offers(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await _run(app, "Copy the last answer")
        await wait_until(pilot, lambda: "no answer to copy" in notices(app))
        await _run(app, "Command /detach")
        await wait_until(pilot, lambda: "No picture is attached" in notices(app))
        await _run(app, "Message: copy it as Markdown")
        await wait_until(pilot, lambda: "There is no message yet" in notices(app))
        await talk(pilot, app, engine, "A question", "An answer")
        await _run(app, "Message: copy it as Markdown")
        assert app.clipboard == "An answer"
        await _run(app, "Message: edit the prompt and send it again; both stay")
        assert composer(app).text == "A question"


async def test_palette_begins_a_command_that_takes_something_and_keeps_what_is_typed(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"Half")
        await _run(app, "Command /attach PATH")
        assert composer(app).text == "/attach "
        await wait_until(pilot, lambda: "brings it back" in notices(app))
        await pilot.press("up")
        assert composer(app).text == "Half"


async def test_palette_of_another_screen_offers_what_that_can_do(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("f4")
        await wait_until(pilot, lambda: app.screen is not app.chat)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Fill in what the settings say" in titles
        assert "Attach a picture" not in titles
        await _run(app, "Close it; nothing changes")
        await wait_until(pilot, lambda: app.screen is app.chat)


async def test_the_hint_fits_the_moment(make_app, engine, shapes):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:

        def says(words):
            return lambda: words in _last_line_of_composer(app)

        await wait_until(pilot, says("Enter sends · Ctrl+O attaches · Ctrl+J new line · Ctrl+P"))
        await pilot.press("h")
        await wait_until(pilot, says("Enter sends · Ctrl+J new line · @ completes a path"))
        await pilot.press("backspace")
        await attach(pilot, app, shapes)
        await wait_until(pilot, says("Backspace takes the picture back · F3 views it"))
        await pilot.press("shift+tab")
        await wait_until(pilot, says("Enter: view the picture · Delete: take the picture back"))
        await pilot.press("escape")
        await ask(pilot, app, engine)
        await wait_until(pilot, says("Esc stops the answer · Enter sends once it has ended"))
        engine.say("A circle")
        await wait_until(pilot, lambda: "circle" in app.chat.answering.current.text)
        await pilot.press("escape")
        await wait_until(pilot, says("F5 goes on with the answer · Ctrl+R answers again"))
        await submit(pilot, app, "And now?")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        await finish_answer(pilot, app, engine, "A square.")
        await wait_until(pilot, says("Ctrl+↑ chooses a message"))
        await pilot.press("ctrl+up")
        await wait_until(pilot, says("R answers again · C copies · F forks · Esc back"))


async def test_a_hint_is_shortened_to_what_fits(make_app):
    app = make_app()
    async with app.run_test(size=(40, 15)) as pilot:
        await wait_until(pilot, lambda: "Ctrl+O attaches ─" in _last_line_of_composer(app))
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "Ctrl+P commands ─" in _last_line_of_composer(app))


def _last_line_of_composer(app) -> str:
    return screen_text(app).splitlines()[composer(app).region.bottom - 1]


def test_as_many_parts_as_fit():
    parts = ["one", "two", "three"]
    assert fitting(parts, 17) == "one · two · three"
    assert fitting(parts, 16) == "one · two"
    assert fitting(parts, 1) == "one"


def test_parts_are_folded_into_lines_that_neither_begin_nor_end_with_a_dot():
    parts = ["one", "two", "three"]
    assert folded(parts, 17) == ["one · two · three"]
    assert folded(parts, 16) == ["one · two", "three"]
    assert folded(parts, 1) == parts
    assert folded(parts, None) == ["one · two · three"]
