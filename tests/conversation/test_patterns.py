"""Pictures named by paths, patterns and addresses."""

import os
from pathlib import Path

import pytest

from phi3v_tui.conversation import patterns
from phi3v_tui.conversation.patterns import is_web_address, sources_named
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
        ("what[1].png#page=2", ["what[1].png#page=2"]),
        ("missing.png", ["missing.png"]),
        ("**/b.png", ["b.png"]),
    ],
)
def test_paths_and_patterns(folder, text, names):
    assert [path.name for path in sources_named(text)] == names


def test_a_pattern_without_a_hit_is_told(folder):
    with pytest.raises(AttachmentError, match=r"No file matches \*\.gif"):
        sources_named("*.gif")


def test_a_pattern_that_finds_far_too_much_is_refused(folder, monkeypatch):
    monkeypatch.setattr(patterns, "MOST_FOUND", 3)
    with pytest.raises(AttachmentError, match="matches too many files"):
        sources_named("*.*g")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/a.png", True),
        ("HTTP://example.org", True),
        ("see https://example.org", False),
        ("https://example.org is down", False),
        ("/a.png", False),
        ("", False),
    ],
)
def test_web_addresses_are_told_from_other_text(text, is_one):
    assert is_web_address(text) is is_one


def test_addresses_paths_and_patterns_in_one_line(folder):
    url = "https://example.org/a.png?size=1&of=2"
    sources = sources_named(f"notes.txt '{url}' ~/[ab].png {url}")
    assert sources == [Path("notes.txt"), url, folder / "a.png", folder / "b.png", url]


@pytest.mark.parametrize("url", ["https://example.org/it's.png", "http://example.org/a.png#b"])
def test_an_address_alone_is_taken_as_it_is(url):
    assert sources_named(url) == [url]


def test_file_addresses(folder):
    (folder / "a b.png").write_bytes(b"")
    url = (folder / "a b.png").as_uri()
    assert sources_named(f"{url} a.png") == [folder / "a b.png", Path("a.png")]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (r"C:\pics\a.png", ["/mnt/c/pics/a.png"]),
        (r"C:\My Pics\a.png", None),
        (r'"C:\My Pics\a.png" D:/b.png', ["/mnt/c/My Pics/a.png", "/mnt/d/b.png"]),
        (
            r"C:\pics\a.png https://example.org/b.png",
            ["/mnt/c/pics/a.png", "https://example.org/b.png"],
        ),
    ],
)
def test_paths_of_windows(monkeypatch, text, paths):
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    if paths is None:
        monkeypatch.setattr(os.path, "exists", lambda path: str(path) == "/mnt/c/My Pics/a.png")
        paths = ["/mnt/c/My Pics/a.png"]
    assert [str(source) for source in sources_named(text)] == paths
