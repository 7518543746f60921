"""Paths of Windows, as the Linux within it sees them, and as everyone else does."""

from pathlib import Path

import pytest

from phi3v_tui.conversation.windows_paths import file_name, here, is_windows_path

UBUNTU = {"WSL_DISTRO_NAME": "Ubuntu"}


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        (r"C:\Users\ann\My Pic.png", "/mnt/c/Users/ann/My Pic.png"),
        ("d:/pics/a.png", "/mnt/d/pics/a.png"),
        ("C:\\", "/mnt/c"),
        (r"\\wsl.localhost\Ubuntu\home\ann\a.png", "/home/ann/a.png"),
        (r"\\wsl$\ubuntu\home\ann\a.png", "/home/ann/a.png"),
        ("//wsl.localhost/Ubuntu/home/ann/a.png", "/home/ann/a.png"),
    ],
)
def test_linux_under_windows_sees_its_files(path, seen):
    assert is_windows_path(path)
    assert here(Path(path), UBUNTU) == Path(seen)
    assert here(Path(path), {}) == Path(path)


@pytest.mark.parametrize(
    "path",
    [r"\\wsl.localhost\Debian\home\a.png", r"\\nas\pics\a.png", "/home/ann/a.png", "c.png", "C:a"],
)
def test_other_paths_are_left_as_they_are(path):
    assert here(Path(path), UBUNTU) == Path(path)


def test_names_are_the_last_part():
    assert file_name(Path(r"C:\Users\ann\My Pic.png")) == "My Pic.png"
    assert file_name(Path("/home/ann/a\\b.png")) == "a\\b.png"
