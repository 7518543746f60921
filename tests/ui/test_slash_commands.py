"""Slash commands typed into the composer."""

import json

import pytest
from PIL import Image

from phi3v_tui import slash
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui import slash_commands
from phi3v_tui.ui.screens.chat import ChatScreen
from phi3v_tui.ui.screens.help import HelpScreen
from tests.ui.steps import (
    answers,
    attached,
    composer,
    notices,
    prompts,
    screen_text,
    submit,
    wait_until,
)


def test_every_command_of_the_table_can_be_run():
    assert slash_commands._RUN.keys() == {command.name for command in slash.COMMANDS}


async def converse(pilot, app, engine, prompt="What is this?", answer="A circle."):
    count = len(engine.requests)
    await submit(pilot, app, prompt)
    await wait_until(pilot, lambda: len(engine.requests) > count)
    engine.say(answer)
    engine.finish()
    await wait_until(pilot, lambda: not app.chat.is_answering)


async def test_attach_takes_paths_and_patterns(make_app, engine, shapes, chart):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, f"/attach {shapes}")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        await submit(pilot, app, f"/attach {chart.parent}/c*.png")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png", "chart.png"])
        await submit(pilot, app, "/detach")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        assert composer(app).text == ""
        assert engine.requests == []


async def test_attach_takes_a_page_by_its_number(make_app, tmp_path):
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "named#page=2.png")
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, f"/attach {tmp_path}/scan.tif#page=2 {tmp_path}/named#page=2.png")
        names = ["scan, page 2.png", "named#page=2.png"]
        await wait_until(pilot, lambda: attached(app) == names)
        assert app.chat.attachment_bar.attachments[0].image().getpixel((0, 0)) == (0, 255, 0)
        await submit(pilot, app, f"/attach {tmp_path}/scan.tif#page=9")
        await wait_until(pilot, lambda: "has 3 pages, and no page 9." in notices(app))


async def test_a_mistaken_argument_stays_with_a_sentence(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "/attach *.nothing")
        await wait_until(pilot, lambda: "No file matches *.nothing" in notices(app))
        assert composer(app).text == "/attach *.nothing"


async def test_an_unknown_command_is_kept_and_told(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "/nwe and more")
        await wait_until(pilot, lambda: "Did you mean /new?" in notices(app))
        assert composer(app).text == "/nwe and more"
        assert engine.requests == []


async def test_two_slashes_send_one(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "//new is what?")
        await wait_until(pilot, lambda: engine.requests)
        assert engine.requests[0].messages[-1].text == "/new is what?"


async def test_a_path_is_not_taken_for_a_command(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, f"'{shapes}'")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        await submit(pilot, app, "/usr/share holds what?")
        await wait_until(pilot, lambda: engine.requests)
        assert engine.requests[0].messages[-1].text == "/usr/share holds what?"


async def test_new_and_resume_go_to_and_fro(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await converse(pilot, app, engine, "First of all")
        await submit(pilot, app, "/new")
        await wait_until(pilot, lambda: prompts(app) == [])
        await converse(pilot, app, engine, "Second thing")
        await submit(pilot, app, "/resume first")
        await wait_until(pilot, lambda: "First of all" in "".join(prompts(app)))
        app.chat.composer.text = ""
        await converse(pilot, app, engine, "More", "A purple hexagon.")
        await submit(pilot, app, "/new")
        await submit(pilot, app, "/resume HEXAGON")
        await wait_until(pilot, lambda: "First of all" in "".join(prompts(app)))
        await submit(pilot, app, "/resume")
        await wait_until(pilot, lambda: "Second thing" in "".join(prompts(app)))
        await submit(pilot, app, "/resume no such words")
        await wait_until(
            pilot, lambda: "No earlier conversation has 'no such words'" in notices(app)
        )
        assert "Second thing" in "".join(prompts(app))


async def test_retry_and_copy(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await converse(pilot, app, engine)
        await submit(pilot, app, "/retry")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        engine.say("A square.")
        engine.finish()
        await wait_until(pilot, lambda: "A square." in "".join(answers(app)))
        await submit(pilot, app, "/copy")
        await wait_until(pilot, lambda: app.clipboard == "A square.")


async def test_save_writes_the_file_that_was_named(make_app, engine, tmp_path):
    app = make_app()
    async with app.run_test() as pilot:
        await converse(pilot, app, engine)
        await submit(pilot, app, f"/save {tmp_path}/talk.json")
        await wait_until(pilot, lambda: "talk.json" in notices(app))
        await submit(pilot, app, f"/save {tmp_path}/talk")
        await wait_until(pilot, lambda: "talk.md" in notices(app))
        await submit(pilot, app, f"/save '{tmp_path}/our talk.md'")
        await wait_until(pilot, lambda: "our talk.md" in notices(app))
        assert (tmp_path / "our talk.md").exists()
        (tmp_path / "plain.png").touch()
        await submit(pilot, app, f"/save {tmp_path}/plain.png")
        await wait_until(pilot, lambda: "plain.png.md" in notices(app))
    assert "A circle." in json.dumps(json.loads((tmp_path / "talk.json").read_text()))
    assert "A circle." in (tmp_path / "talk.md").read_text()


async def test_save_tells_which_pictures_are_not_in_it(
    make_app, engine, shapes, tmp_path, monkeypatch
):
    def gone(attachment):
        raise AttachmentError(f"{attachment.name} is gone.", "")

    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, f"/attach {shapes}")
        await converse(pilot, app, engine)
        monkeypatch.setattr(Attachment, "data", property(gone))
        await submit(pilot, app, f"/save {tmp_path}/talk.md")
        sentence = "Not in it, as it cannot be read any more: my shapes.png."
        await wait_until(pilot, lambda: sentence in notices(app))
    assert "A circle." in (tmp_path / "talk.md").read_text()


@pytest.mark.parametrize(("named", "folder"), [("no/such/talk.json", "no/such"), ("new/", "new")])
async def test_save_makes_no_folder(make_app, engine, tmp_path, named, folder):
    app = make_app()
    async with app.run_test() as pilot:
        await converse(pilot, app, engine)
        await submit(pilot, app, f"/save {named}")
        sentence = f"There is no folder {tmp_path / 'work' / folder}. Create it first"
        await wait_until(pilot, lambda: sentence in notices(app))
        assert composer(app).text == f"/save {named}"
    assert not any((tmp_path / "work").iterdir())


async def test_settings_hold_from_the_next_answer_on(make_app, engine, shapes):
    app = make_app([shapes])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app) and engine.limits())
        bar = app.chat.attachment_bar
        await submit(pilot, app, "/set temperature 0.4")
        await submit(pilot, app, "/crops 4")
        await submit(pilot, app, "/system Be brief.")
        await wait_until(pilot, lambda: bar.limits and bar.limits.num_crops == 4)
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        request = engine.requests[0]
        assert (request.sampling.temperature, request.num_crops) == (0.4, 4)
        assert request.messages[0].text == "Be brief."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/set temperature hot", "a number from 0 to 2"),
        ("/set temperature", "/set temperature needs a value"),
        ("/set temprature 1", "Did you mean temperature"),
        ("/crops 40", "a whole number from 1 to 16"),
        ("/detach", "No picture is attached"),
    ],
)
async def test_settings_that_make_no_sense_are_refused(make_app, engine, text, said):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, text)
        await wait_until(pilot, lambda: said in notices(app))
        assert composer(app).text == text


async def test_set_alone_shows_the_settings_as_they_hold_in_the_conversation(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "/set")
        await wait_until(pilot, lambda: "temperature = 0.0" in notices(app))
        await submit(pilot, app, "/set temperature 0.4")
        await converse(pilot, app, engine)
    later = make_app(resume=True)
    async with later.run_test() as pilot:
        await wait_until(pilot, lambda: later.chat.conversation.path())
        await submit(pilot, later, "/set")
        await wait_until(pilot, lambda: "temperature = 0.4" in notices(later))


async def test_help_lists_the_commands(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 250)) as pilot:
        await submit(pilot, app, "/help")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await wait_until(
            pilot, lambda: all(command.usage in screen_text(app) for command in slash.COMMANDS)
        )


async def test_quit_ends_the_app(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "/quit")
        await wait_until(pilot, lambda: not app.is_running)


async def test_the_hint_follows_what_is_typed(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        assert isinstance(app.screen, ChatScreen)
        await pilot.press("slash", "r", "e")
        await wait_until(pilot, lambda: "/resume /retry" in str(composer(app).border_subtitle))
        await pilot.press("t")
        await wait_until(pilot, lambda: "answer the last" in str(composer(app).border_subtitle))
        await pilot.press("ctrl+u")
        await wait_until(pilot, lambda: "Enter sends" in str(composer(app).border_subtitle))
