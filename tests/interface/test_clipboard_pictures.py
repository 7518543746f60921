"""Pictures from the clipboard: which program is asked, what comes, and what is said if nothing."""

import time
from pathlib import Path

import pytest

from phi3v_tui.conversation import windows_paths
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface import clipboard_pictures
from phi3v_tui.interface.clipboard_pictures import copied_pictures
from tests.support.clipboard_programs import ClipboardPrograms, red_picture, windows_line


@pytest.fixture
def programs(tmp_path, monkeypatch) -> ClipboardPrograms:
    return ClipboardPrograms(tmp_path / "bin", monkeypatch)


def refusal(**arguments) -> str:
    with pytest.raises(AttachmentError) as caught:
        copied_pictures(**arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("program", "variable"), [("xclip", "DISPLAY"), ("wl-paste", "WAYLAND_DISPLAY")]
)
def test_linux_desktops(programs, program, variable):
    programs.session(**{variable: ":0"})
    data = red_picture()
    programs.offer(program, text_html=b"<img>", image_bmp=b"not asked for", image_png=data)
    (attachment,) = copied_pictures()
    assert (attachment.data, attachment.name, attachment.origin) == (data, "clipboard", "clipboard")
    assert (attachment.width, attachment.height) == (64, 48)


def test_other_kinds_than_png_are_taken_where_there_is_no_png(programs):
    programs.session(DISPLAY=":0")
    programs.offer(
        "xclip", text_plain=b"x", image_bmp=red_picture("BMP"), image_jpeg=red_picture("JPEG")
    )
    (attachment,) = copied_pictures()
    assert attachment.suffix == ".jpg"


def test_files_copied_in_a_file_manager_are_attached(programs, tmp_path):
    files = [tmp_path / "my red.png", tmp_path / "also red.png"]
    for file in files:
        file.write_bytes(red_picture())
    programs.session(WAYLAND_DISPLAY="wayland-0")
    programs.offer(
        "wl-paste", text_uri_list=f"{files[0].as_uri()}\r\n{files[1].as_uri()}\r\n".encode()
    )
    assert [item.name for item in copied_pictures()] == ["my red.png", "also red.png"]


def test_the_x_server_within_wayland_is_asked_where_wayland_has_no_picture(programs):
    programs.session(WAYLAND_DISPLAY="wayland-0", DISPLAY=":0")
    programs.program("wl-paste", "echo 'Nothing is copied' >&2; exit 1")
    programs.offer("xclip", image_png=red_picture())
    assert len(copied_pictures()) == 1


def test_windows_gives_its_picture_to_its_linux(programs):
    programs.session(WSL_DISTRO_NAME="Ubuntu")
    data = red_picture()
    programs.windows(windows_line(data))
    assert copied_pictures()[0].data == data


def test_windows_gives_the_files_that_were_copied_in_its_explorer(programs, tmp_path, monkeypatch):
    programs.session(WSL_DISTRO_NAME="Ubuntu")
    programs.windows(r"file C:\my shapes.png", r"file \\wsl.localhost\Ubuntu\b.png")
    drive = tmp_path / "mnt" / "c"
    drive.mkdir(parents=True)
    (tmp_path / "b.png").write_bytes(red_picture())
    (drive / "my shapes.png").write_bytes(red_picture())

    def under_here(root: str, *rest: str) -> Path:
        return tmp_path.joinpath(root.lstrip("/"), *rest)

    monkeypatch.setattr(windows_paths, "Path", under_here)
    assert [item.name for item in copied_pictures()] == ["my shapes.png", "b.png"]


def test_macos_gives_a_picture_as_hex(programs):
    data = red_picture()
    programs.program("osascript", f"printf '«data PNGf{data.hex().upper()}»\\n'")
    assert copied_pictures(platform="darwin")[0].data == data


def test_macos_gives_the_file_that_was_copied_not_its_icon(programs, tmp_path):
    file = tmp_path / "my red.png"
    file.write_bytes(red_picture())
    programs.program("osascript", f"echo '{file}'")
    assert copied_pictures(platform="darwin")[0].name == "my red.png"


def test_macos_also_asks_pngpaste(programs):
    programs.program("osascript", "echo")
    programs.program(
        "pngpaste", "echo 'pngpaste: No image data found on the clipboard' >&2; exit 1"
    )
    assert "There is no picture on the clipboard." in refusal(platform="darwin")
    programs.offer("pngpaste", **{"-": red_picture()})
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
    programs.offer("xclip", image_png=red_picture())
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
