"""Pictures from the clipboard: which program is asked, what comes, and what is said if nothing."""

import io
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.conversation import windows_paths
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui import clipboard_pictures
from phi3v_tui.ui.clipboard_pictures import copied_pictures
from tests.support.clipboard_programs import ClipboardPrograms, windows_line
from tests.ui.steps import ask, attach, attached, composer, notices, paste, submit, wait_until


@pytest.fixture
def programs(tmp_path, monkeypatch) -> ClipboardPrograms:
    return ClipboardPrograms(tmp_path / "bin", monkeypatch)


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


def refusal(**arguments) -> str:
    with pytest.raises(AttachmentError) as caught:
        copied_pictures(**arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("program", "variable"), [("xclip", "DISPLAY"), ("wl-paste", "WAYLAND_DISPLAY")]
)
def test_linux_desktops(programs, program, variable):
    programs.session(**{variable: ":0"})
    data = picture()
    programs.offer(program, text_html=b"<img>", image_bmp=b"not asked for", image_png=data)
    (attachment,) = copied_pictures()
    assert (attachment.data, attachment.name, attachment.origin) == (data, "clipboard", "clipboard")
    assert (attachment.width, attachment.height) == (64, 48)


def test_other_kinds_than_png_are_taken_where_there_is_no_png(programs):
    programs.session(DISPLAY=":0")
    programs.offer("xclip", text_plain=b"x", image_bmp=picture("BMP"), image_jpeg=picture("JPEG"))
    (attachment,) = copied_pictures()
    assert attachment.suffix == ".jpg"


def test_files_copied_in_a_file_manager_are_attached(programs, shapes, chart):
    programs.session(WAYLAND_DISPLAY="wayland-0")
    programs.offer("wl-paste", text_uri_list=f"{shapes.as_uri()}\r\n{chart.as_uri()}\r\n".encode())
    assert [item.name for item in copied_pictures()] == ["my shapes.png", "chart.png"]


def test_the_x_server_within_wayland_is_asked_where_wayland_has_no_picture(programs):
    programs.session(WAYLAND_DISPLAY="wayland-0", DISPLAY=":0")
    programs.program("wl-paste", "echo 'Nothing is copied' >&2; exit 1")
    programs.offer("xclip", image_png=picture())
    assert len(copied_pictures()) == 1


def test_windows_gives_its_picture_to_its_linux(programs):
    programs.session(WSL_DISTRO_NAME="Ubuntu")
    data = picture()
    programs.windows(windows_line(data))
    assert copied_pictures()[0].data == data


def test_windows_gives_the_files_that_were_copied_in_its_explorer(
    programs, shapes, tmp_path, monkeypatch
):
    programs.session(WSL_DISTRO_NAME="Ubuntu")
    programs.windows(r"file C:\my shapes.png", r"file \\wsl.localhost\Ubuntu\b.png")
    drive = tmp_path / "mnt" / "c"
    drive.mkdir(parents=True)
    (tmp_path / "b.png").write_bytes(picture())
    shapes.rename(drive / "my shapes.png")

    def under_here(root: str, *rest: str) -> Path:
        return tmp_path.joinpath(root.lstrip("/"), *rest)

    monkeypatch.setattr(windows_paths, "Path", under_here)
    assert [item.name for item in copied_pictures()] == ["my shapes.png", "b.png"]


def test_macos_gives_a_picture_as_hex(programs):
    data = picture()
    programs.program("osascript", f"printf '«data PNGf{data.hex().upper()}»\\n'")
    assert copied_pictures(platform="darwin")[0].data == data


def test_macos_gives_the_file_that_was_copied_not_its_icon(programs, shapes):
    programs.program("osascript", f"echo '{shapes}'")
    assert copied_pictures(platform="darwin")[0].name == "my shapes.png"


def test_macos_also_asks_pngpaste(programs):
    programs.program("osascript", "echo")
    programs.program(
        "pngpaste", "echo 'pngpaste: No image data found on the clipboard' >&2; exit 1"
    )
    assert "There is no picture on the clipboard." in refusal(platform="darwin")
    programs.offer("pngpaste", **{"-": picture()})
    assert len(copied_pictures(platform="darwin")) == 1


@pytest.mark.parametrize(
    "script",
    [
        "echo 'Error: target TARGETS not available' >&2; exit 1",  # nothing was ever copied
        "echo TARGETS; echo UTF8_STRING",  # text
        "exit 0",
    ],
)
def test_no_picture_is_told(programs, script):
    programs.session(DISPLAY=":0")
    programs.program("xclip", script)
    assert "There is no picture on the clipboard. Copy one first" in refusal()


def test_an_empty_answer_of_windows_is_no_picture(programs):
    programs.session(WSL_DISTRO_NAME="Ubuntu")
    programs.windows()
    assert "There is no picture on the clipboard." in refusal()


def test_what_claims_to_be_a_picture_and_is_none_is_refused(programs):
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=b"oh no")
    assert "clipboard is not a picture that can be read." in refusal()


def test_without_a_display_there_is_no_clipboard(programs):
    assert "neither WAYLAND_DISPLAY nor DISPLAY is set" in refusal(platform="linux")


def test_over_ssh_the_clipboard_is_elsewhere(programs, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr(clipboard_pictures.socket, "gethostname", lambda: "server")
    programs.session(SSH_CONNECTION="198.51.100.7 50000 192.0.2.1 22", WSL_DISTRO_NAME="Ubuntu")
    for platform in ("linux", "darwin"):
        said = refusal(platform=platform)
        assert "The clipboard is on your computer, not on server." in said
        assert "scp picture.png ann@192.0.2.1: and attach ~/picture.png" in said


def test_a_display_that_ssh_forwards_is_the_persons(programs):
    programs.session(SSH_CONNECTION="198.51.100.7 50000 192.0.2.1 22", DISPLAY="localhost:10.0")
    programs.offer("xclip", image_png=picture())
    assert len(copied_pictures()) == 1


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("DISPLAY", "by xclip, which is not installed. Install it (package xclip)"),
        ("WAYLAND_DISPLAY", "by wl-paste, which is not installed. Install it (package wl-cl"),
    ],
)
def test_a_missing_program_is_named_with_its_package(programs, variable, said):
    programs.session(**{variable: ":0"})
    assert said in refusal()


def test_a_display_that_cannot_be_reached_is_told_in_its_words(programs):
    programs.session(DISPLAY=":7")
    programs.program("xclip", 'echo "Error: Can\'t open display: :7" >&2; exit 1')
    assert "could not be read: xclip says: Error: Can't open display: :7." in refusal()


def test_a_program_that_hangs_is_left_after_two_seconds(programs):
    programs.session(DISPLAY=":0")
    programs.program("xclip", "exec /bin/sleep 60")
    begun = time.monotonic()
    assert "xclip did not answer within 2 seconds." in refusal()
    assert 1.9 < time.monotonic() - begun < 30


@pytest.mark.parametrize("how", ["ctrl+v", "alt+v", "/paste", "palette", "empty paste"])
async def test_each_way_of_asking_attaches_it(make_app, engine, programs, how):
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=picture())
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
        assert [a.data for a in message.attachments] == [picture()]


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
    programs.offer("xclip", image_png=picture())
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
    programs.offer("xclip", image_png=picture())
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
        assert (kept.data, kept.name, kept.origin) == (picture(), "clipboard", "clipboard")
