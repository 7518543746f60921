"""Pictures from the clipboard, attached in the app."""

import threading

import pytest

from phi3v_tui.interface import clipboard_pictures
from tests.support.clipboard_programs import ClipboardPrograms, red_picture
from tests.ui.steps import ask, attach, attached, composer, notices, paste, submit, wait_until


@pytest.fixture
def programs(tmp_path, monkeypatch) -> ClipboardPrograms:
    return ClipboardPrograms(tmp_path / "bin", monkeypatch)


@pytest.mark.parametrize("how", ["ctrl+v", "alt+v", "/paste", "palette", "empty paste"])
async def test_each_way_of_asking_attaches_it(make_app, engine, programs, how):
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=red_picture())
    app = make_app()
    async with app.run_test() as pilot:
        match how:
            case "/paste":
                await submit(pilot, app, "/paste")
            case "palette":
                commands = {c.title: c.callback for c in app.get_system_commands(app.screen)}
                await commands["Attach the picture on the clipboard"]()
            case "empty paste":
                await paste(pilot, app, "")
            case key:
                await pilot.press(key)
        await wait_until(pilot, lambda: attached(app) == ["clipboard"])
        assert composer(app).text == ""
        await ask(pilot, app, engine)
        (message,) = engine.requests[0].messages
        assert [a.data for a in message.attachments] == [red_picture()]


async def test_typing_goes_on_and_a_prompt_waits_for_it(
    make_app, engine, programs, monkeypatch, shapes
):
    gate = threading.Event()
    real = clipboard_pictures.copied_pictures

    def slow():
        assert gate.wait(20)
        return real()

    monkeypatch.setattr("phi3v_tui.ui.screens.attaching.copied_pictures", slow)
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=red_picture())
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+v", "h", "i")
        assert composer(app).text == "hi"
        await pilot.press("enter")
        await attach(pilot, app, shapes)
        assert engine.requests == []
        gate.set()
        await wait_until(pilot, lambda: engine.requests)
        assert len(engine.requests[0].messages[0].attachments) == 2


async def test_text_copied_in_the_app_is_pasted_where_there_is_no_picture(make_app, programs):
    app = make_app()
    async with app.run_test() as pilot:
        composer(app).text = "red circle"
        composer(app).select_all()
        await pilot.press("ctrl+x", "ctrl+v", "ctrl+v")
        await wait_until(pilot, lambda: composer(app).text == "red circlered circle")
        assert "clipboard where there is no display" not in notices(app)


async def test_no_display_is_told_and_nothing_is_typed(make_app, programs):
    app = make_app()
    async with app.run_test() as pilot:
        composer(app).text = "My question"
        await pilot.press("ctrl+v")
        await wait_until(pilot, lambda: "Not attached There is no clipboard" in notices(app))
        assert composer(app).text == "My question"
        assert attached(app) == []


async def test_a_conversation_with_a_copied_picture_opens_again(make_app, engine, programs):
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=red_picture())
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+v")
        await wait_until(pilot, lambda: attached(app))
        await ask(pilot, app, engine)
        engine.say("Red.")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
    again = make_app(resume=True)
    async with again.run_test() as pilot:
        await wait_until(pilot, lambda: again.chat.shown.pictures)
        (kept,) = again.chat.shown.pictures
        assert (kept.data, kept.name, kept.origin) == (red_picture(), "clipboard", "clipboard")
