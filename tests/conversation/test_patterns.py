"""Files named by paths and patterns."""

import pytest

from phi3v_tui.conversation import patterns
from phi3v_tui.conversation.patterns import files_named
from phi3v_tui.errors import AttachmentError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.png", "a.png", "it's one.png", "notes.txt", "what[1].png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "c.png").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.png", ["a.png"]),
        ("~/a.png", ["a.png"]),
        ("[ab].png", ["a.png", "b.png"]),
        ("~/?.png", ["a.png", "b.png"]),
        ("it's one.png", ["it's one.png"]),
        ('"it\'s one.png" a.png', ["it's one.png", "a.png"]),
        ("what[1].png", ["what[1].png"]),
        ("missing.png", ["missing.png"]),
        ("**/b.png", ["b.png"]),
    ],
)
def test_paths_and_patterns(folder, text, names):
    assert [path.name for path in files_named(text)] == names


def test_a_pattern_without_a_hit_is_told(folder):
    with pytest.raises(AttachmentError, match=r"No file matches \*\.gif"):
        files_named("*.gif")


def test_a_pattern_that_finds_far_too_much_is_refused(folder, monkeypatch):
    monkeypatch.setattr(patterns, "MOST_FOUND", 3)
    with pytest.raises(AttachmentError, match="matches 4 files"):
        files_named("*.*g")
