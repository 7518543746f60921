"""Keys, help, the palette, and the start."""

from dataclasses import replace

from phi3v_tui.errors import ModelError
from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.keys import KEYS
from phi3v_tui.ui.widgets.welcome import ExampleQuestion, Welcome
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import composer, drawn, notes, notices, submit, wait_until


async def test_copy_takes_the_markdown_of_the_last_answer(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("A **circle**.")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        await pilot.press("ctrl+g")
        await wait_until(pilot, lambda: "terminal's clipboard" in notices(app))
        assert app.clipboard == "A **circle**."


async def test_ctrl_c_tells_how_to_quit_instead_of_quitting(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: "Ctrl+Q quits" in notices(app))


async def test_greeting_names_the_model_and_its_notice_once(make_app):
    app = make_app(engine=ScriptedEngine(notice="A small model."))
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: "Scripted-vision on cpu" in drawn(app.chat))
        assert drawn(app.chat).count("A small model.") == 1
        assert "Ctrl+O attaches a picture" in drawn(app.chat.query_one(Welcome))


async def test_example_question_goes_into_the_composer(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.click(app.chat.query(ExampleQuestion).first())
        await wait_until(pilot, lambda: composer(app).text == "What is in this picture?")


async def test_model_is_loaded_only_after_the_first_paint(settings):
    class Watching(ScriptedEngine):
        painted = False

        def load(self, emit):
            self.painted = app.chat.query_one(Welcome).size.height > 0
            super().load(emit)

    engine = Watching()
    app = Phi3VApp(engine, settings, ScriptedModels())
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: engine.limits())
        assert engine.painted


async def test_unknown_theme_falls_back_to_the_apps_own(make_app, engine, settings):

    app = make_app(settings=replace(settings, theme="no-such-theme"))
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: "no theme no-such-theme" in notices(app))
        assert app.theme == "phi3v-dark"


async def test_every_theme_of_the_palette_can_be_chosen(make_app, engine, shapes):
    app = make_app([shapes])
    async with app.run_test() as pilot:
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        engine.fail(ModelError("No memory is left.", "Close something."))
        await wait_until(pilot, lambda: notes(app))
        assert len(app.available_themes) > 2
        for theme in app.available_themes:
            app.theme = theme
            await pilot.pause()
            assert "Scripted-vision" in drawn(app.chat.status)


async def test_the_chosen_theme_is_there_at_the_next_start(make_app, settings):
    auto = replace(settings, theme="auto")
    app = make_app(settings=auto)
    async with app.run_test() as pilot:
        assert app.theme == "phi3v-dark"
        app.theme = "phi3v-contrast"
        await pilot.pause()
    assert make_app(settings=auto, engine=ScriptedEngine()).theme == "phi3v-contrast"
    assert make_app(settings=settings, engine=ScriptedEngine()).theme == "phi3v-dark"


async def test_a_choice_against_the_settings_says_that_they_win(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        app.theme = "phi3v-light"
        await wait_until(pilot, lambda: "comes back at the next start" in notices(app))


def test_no_key_has_two_meanings():
    keys = [key for binding in KEYS for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))
