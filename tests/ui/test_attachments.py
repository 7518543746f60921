"""Pictures: attached, shown, taken away, refused."""

import threading
from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.conversation import windows_paths
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.interface.picture_files import read_picture
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui import attaching
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.widgets.attachment_bar import AttachmentBar, AttachmentChip
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.message_view import PictureLine
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    TIMEOUT_SECONDS,
    ask,
    attach,
    attached,
    composer,
    drawn,
    notices,
    paste,
    prompts,
    submit,
    wait_until,
)


def _preview(app) -> ImagePreview:
    return app.chat.query_one("#preview", ImagePreview)


@pytest.mark.parametrize("form", ["'{}'", "file://{}", "{}", '"{}" '])
async def test_pasted_path_attaches(make_app, shapes, form):
    app = make_app()
    text = form.format(str(shapes).replace(" ", "%20") if "file" in form else shapes)
    async with app.run_test() as pilot:
        await paste(pilot, app, text)
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        assert composer(app).text == ""


async def test_notices_stay_where_they_are_seen(make_app):
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        places = set()
        for number in range(6):
            await submit(pilot, app, f"/attach /no{number}.png")
            await wait_until(pilot, lambda name=f"no{number}.png": name in notices(app))
            await wait_until(pilot, lambda: len(_rows(app)) == 1 and min(_rows(app)) > 0)
            places |= _rows(app)
            composer(app).clear()
        assert len(places) == 1


def _rows(app) -> set[int]:
    """Where notices are; row 0 is that of one that is not laid out yet."""
    return {toast.region.y for toast in app.screen.query("Toast")}


async def test_notices_leave_when_another_screen_opens(make_app):
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        await submit(pilot, app, "/attach /no.png")
        await wait_until(pilot, lambda: "no.png" in notices(app))
        await pilot.press("f8")
        await wait_until(pilot, lambda: app.screen is not app.chat)
        await wait_until(pilot, lambda: not notices(app))


async def test_a_picture_that_is_taken_back_is_shown_no_more(make_app, shapes, chart):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await attach(pilot, app, shapes)
        await attach(pilot, app, chart)
        assert _preview(app).attachment.name == "chart.png"
        await pilot.press("backspace")
        await wait_until(pilot, lambda: _preview(app).attachment.name == "my shapes.png")
        await pilot.press("backspace")
        await wait_until(pilot, lambda: _preview(app).attachment is None)
        assert not _preview(app).display


async def test_a_picture_that_was_sent_or_waits_goes_on_being_shown(
    make_app, engine, shapes, chart
):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine)
        await attach(pilot, app, chart)
        await submit(pilot, app, "And this?")
        await wait_until(pilot, lambda: app.chat.asking.waiting)
        await pilot.pause()
        assert _preview(app).attachment.name == "chart.png"


async def test_a_name_with_a_line_break_takes_one_line(make_app, engine, tmp_path):
    path = tmp_path / "new\nline.png"
    Image.new("RGB", (30, 20)).save(path)
    app = make_app([path])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app))
        await ask(pilot, app, engine)
        assert "new␊line.png" in drawn(app.chat.query_one(PictureLine))


async def test_an_address_on_the_command_line_is_fetched(make_app):
    app = make_app(["http://127.0.0.1:9/a.png"])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: "allow_private_urls" in notices(app))


async def test_several_dropped_files_attach_in_order(make_app, shapes, chart):
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, f"{chart}\n'{shapes}'\n")
        await wait_until(pilot, lambda: attached(app) == ["chart.png", "my shapes.png"])


async def test_typed_path_attaches_on_enter(make_app, engine, chart):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, str(chart))
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])
        assert engine.requests == []
        assert composer(app).text == ""


async def test_pictures_of_the_command_line_are_attached(make_app, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png", "chart.png"])


async def test_chip_tells_number_pixels_and_cost_once_the_model_is_ready(make_app, shapes):
    engine = ScriptedEngine(loaded=False)
    app = make_app([shapes], engine=engine)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app))
        bar = app.chat.query_one(AttachmentBar)
        assert "1 my shapes.png  640×480 ✕" in drawn(bar)  # noqa: RUF001
        engine.finish_loading()
        await wait_until(pilot, lambda: "1,921 tokens" in drawn(bar))


async def test_pictures_are_numbered_through_the_conversation(make_app, engine, shapes, chart):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        await attach(pilot, app, chart)
        assert "2 chart.png" in drawn(app.chat.query_one(AttachmentBar))
        await submit(pilot, app, "And this?")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        assert "1 my shapes.png" in prompts(app)[0]
        assert "2 chart.png" in prompts(app)[1]
        assert attached(app) == []


async def test_backspace_in_an_empty_prompt_takes_the_last_picture_back(make_app, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: len(attached(app)) == 2)
        await pilot.press("x", "backspace")
        assert len(attached(app)) == 2
        await pilot.press("backspace")
        assert attached(app) == ["my shapes.png"]


async def test_delete_on_a_chip_removes_that_picture(make_app, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: len(app.chat.query(AttachmentChip)) == 2)
        app.chat.query(AttachmentChip).first().focus()
        await pilot.press("delete")
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])
        assert composer(app).has_focus


async def test_click_on_the_cross_removes_and_elsewhere_shows(make_app, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: len(app.chat.query(AttachmentChip)) == 2)
        first = app.chat.query(AttachmentChip).first()
        await pilot.click(first, offset=(2, 0))
        await wait_until(pilot, lambda: isinstance(app.screen, ImageViewerScreen))
        assert _preview(app).attachment.name == "my shapes.png"
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await pilot.click(first, offset=(first.size.width - 2, 0))
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])


def _file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.png"
    match kind:
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("hello")
        case "truncated":
            Image.effect_noise((200, 200), 90).save(path)
            path.write_bytes(path.read_bytes()[:5000])
        case "strip":
            Image.new("RGB", (3000, 2)).save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "There is no file"),
        ("folder", "is a folder"),
        ("text", "not a picture"),
        ("truncated", "damaged or incomplete"),
        ("strip", "short side"),
    ],
)
async def test_bad_file_is_one_sentence_and_nothing_is_lost(
    make_app, shapes, tmp_path, kind, sentence
):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        composer(app).text = "My question"
        composer(app).move_cursor(composer(app).document.end)
        path = _file(tmp_path, kind)
        await paste(pilot, app, str(path))
        await wait_until(pilot, lambda: sentence in notices(app))
        assert composer(app).text == f"My question{path}"
        assert attached(app) == ["my shapes.png"]


async def test_several_bad_files_are_one_notice(make_app, shapes, tmp_path):
    app = make_app([shapes, *(_file(tmp_path, k) for k in ("text", "folder", "strip", "missing"))])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        (notice,) = app._notifications
        for sentence in ("not a picture", "is a folder", "short side", "And 1 more."):
            assert sentence in notice.message
        await paste(pilot, app, str(tmp_path / "missing.png"))
        await wait_until(pilot, lambda: "There is no file" in notices(app))
        assert len(app._notifications) == 1


async def test_prompt_sent_while_a_bad_picture_is_read_stays(
    make_app, engine, tmp_path, monkeypatch
):
    gate = threading.Event()

    def slow(path: Path) -> Attachment:
        assert gate.wait(TIMEOUT_SECONDS)
        return read_picture(path)

    monkeypatch.setattr("phi3v_tui.ui.screens.attaching.read_picture", slow)
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, f"/attach {tmp_path / 'missing.png'}")
        await submit(pilot, app, "What is this?")
        gate.set()
        await wait_until(pilot, lambda: "There is no file" in notices(app))
        assert composer(app).text == "What is this?"
        assert engine.requests == []


async def test_the_newest_of_many_pictures_is_in_sight(make_app, shapes):
    app = make_app([shapes] * 6)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: len(app.chat.query(AttachmentChip)) == 6)
        bar = app.chat.query_one(AttachmentBar)
        assert bar.size.height < 6
        last = app.chat.query(AttachmentChip).last()
        await wait_until(pilot, lambda: bar.region.contains_region(last.region))


async def test_picture_without_a_question_asks_for_one(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "Type a question" in notices(app))
        assert engine.requests == []
        assert attached(app) == ["my shapes.png"]


async def test_prompt_sent_while_a_picture_is_read_goes_with_it(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        composer(app).text = "What is this?"
        app.chat._read_and_attach([shapes])
        composer(app).post_message(composer(app).PromptSubmitted("What is this?"))
        await wait_until(pilot, lambda: engine.requests)
        assert [a.name for a in engine.requests[0].messages[0].attachments] == ["my shapes.png"]


async def test_pane_shows_the_picture_at_the_side_where_there_is_room(make_app, shapes):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        assert not _preview(app).display
        await attach(pilot, app, shapes)
        await wait_until(pilot, lambda: _preview(app).query_one(".canvas").children)
        assert _preview(app).display
        picture = _preview(app).query_one(".canvas").children[0]
        assert picture.size.width == pytest.approx(2 * picture.size.height * 640 / 480, abs=2)
        await wait_until(pilot, lambda: "1,921 tokens, 23 %" in drawn(_preview(app)))


async def test_without_pictures_the_pane_still_tells_their_size(make_app, shapes):
    app = make_app(image_mode=ImageMode.NONE)
    async with app.run_test(size=(140, 45)) as pilot:
        await attach(pilot, app, shapes)
        await wait_until(pilot, lambda: "1,921 tokens, 23 %" in drawn(_preview(app)))
        assert not _preview(app).query_one(".canvas").children


async def test_pane_is_folded_on_a_narrow_screen_until_asked_for(make_app, shapes):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await attach(pilot, app, shapes)
        assert not _preview(app).display
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: _preview(app).query_one(".canvas").children)
        assert _preview(app).display
        await pilot.press("ctrl+t")
        assert not _preview(app).display


async def test_click_on_a_picture_in_the_log_shows_it(make_app, engine, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: len(attached(app)) == 2)
        await submit(pilot, app, "What are these?")
        await wait_until(pilot, lambda: engine.requests)
        await pilot.click(app.chat.query(PictureLine).first())
        await wait_until(pilot, lambda: _preview(app).attachment.name == "my shapes.png")


async def test_picture_in_the_log_is_shown_by_keys(make_app, engine, shapes, chart):
    app = make_app([shapes, chart])
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: len(attached(app)) == 2)
        await submit(pilot, app, "What are these?")
        await wait_until(pilot, lambda: engine.requests)
        await pilot.press("shift+tab", "shift+tab", "enter")
        await wait_until(pilot, lambda: _preview(app).attachment.name == "my shapes.png")


@pytest.mark.parametrize(
    "text",
    [
        "/nowhere and back: what does it mean?",
        "// a comment\n// of two lines",
        "./configure && make",
        "C:\\ is full, what now?",
        "/help",
    ],
)
async def test_text_that_only_begins_like_a_path_is_text_without_a_word(make_app, text):
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, text)
        await wait_until(pilot, lambda: composer(app).text == text)
        assert notices(app) == ""


async def test_linux_under_windows_attaches_what_windows_names(
    make_app, shapes, tmp_path, monkeypatch
):
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    drive = tmp_path / "mnt" / "c"
    drive.mkdir(parents=True)
    shapes.rename(drive / "my shapes.png")
    monkeypatch.setattr(windows_paths, "Path", lambda root, *rest: tmp_path.joinpath(
        root.lstrip("/"), *rest))  # fmt: skip
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, '"C:\\my shapes.png"')
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        await submit(pilot, app, r'/attach "C:\my shapes.png"')
        await wait_until(pilot, lambda: len(attached(app)) == 2)


async def test_a_path_of_windows_is_named_as_such_elsewhere(make_app, monkeypatch):
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, r"C:\Users\ann\a.png")
        await wait_until(pilot, lambda: "is a path of Windows" in notices(app))
        assert composer(app).text == r"C:\Users\ann\a.png"
        monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.1 22")
        await paste(pilot, app, r"C:\Users\ann\a.png")
        await wait_until(pilot, lambda: "is on your computer, not on" in notices(app))
        assert r'scp "C:\Users\ann\a.png" ' in notices(app)
        assert "attach ~/a.png" in notices(app)


async def test_a_cross_that_is_clicked_twice_takes_one_picture(make_app, shapes, chart):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await attach(pilot, app, chart)
        removed = AttachmentChip.Removed(app.chat.attachment_bar.attachments[0])
        app.chat.attachment_bar.post_message(removed)
        app.chat.attachment_bar.post_message(removed)
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])
        await pilot.pause()
        assert attached(app) == ["chart.png"]


async def test_a_picture_that_is_not_read_can_be_given_up(make_app, engine, shapes, monkeypatch):
    may_read = threading.Event()

    def wait(path):
        may_read.wait(60)
        return read_picture(path)

    monkeypatch.setattr(attaching, "read_picture", wait)
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, str(shapes))
        await submit(pilot, app, "What is it?")
        await wait_until(pilot, lambda: "is sent once its pictures are read" in notices(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: "are not attached" in notices(app))
        await pilot.press("enter")
        await wait_until(pilot, lambda: engine.requests)
        may_read.set()
        assert attached(app) == []


@pytest.mark.parametrize(
    "text",
    [
        "@~no-such-person/",
        "/attach ~no-such-person/a.png",
        "/save ~no-such-person/a.md",
        f"/attach /{'a' * 300}",
    ],
)
async def test_odd_paths_leave_the_app_running(make_app, engine, text):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        composer(app).text = text
        composer(app).move_cursor(composer(app).document.end)
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert app.is_running


async def test_what_names_and_servers_say_is_not_obeyed(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "/attach /no\x1b]0;owned\x07.png")
        await wait_until(pilot, lambda: "no␛]0;owned␇.png" in notices(app))


async def test_names_that_are_no_text_can_be_copied(make_app):
    app = make_app()
    async with app.run_test():
        app.copy_to_clipboard("caf\udce9.png")
        assert app.clipboard == "caf?.png"
