"""What counts as pasted paths: dropped files do, prose does not."""

from pathlib import Path

import pytest

from phi3v_tui.conversation.pasted import paths_in


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/pics/a.png", ["/pics/a.png"]),
        ("'/pics/My Pic.jpg' ", ["/pics/My Pic.jpg"]),
        ("/pics/My\\ Pic.jpg", ["/pics/My Pic.jpg"]),
        ('"/pics/a b.png" /pics/c.png', ["/pics/a b.png", "/pics/c.png"]),
        ("/pics/a.png\r\n/pics/b.png\r\n", ["/pics/a.png", "/pics/b.png"]),
        ("/pics/a.png\r/pics/b.png", ["/pics/a.png", "/pics/b.png"]),
        ("/pics/My Pic.jpg", ["/pics/My Pic.jpg"]),
        ("/pics/it's mine.png", ["/pics/it's mine.png"]),
        ("file:///pics/My%20Pic.jpg", ["/pics/My Pic.jpg"]),
        ("file:///pics/My%23Pic%3f.jpg", ["/pics/My#Pic?.jpg"]),
        ("file://localhost/pics/a.png\nfile:///pics/b.png", ["/pics/a.png", "/pics/b.png"]),
        ("./a.png ../b.png", ["./a.png", "../b.png"]),
        ("'/pics/it'\\''s.png'", ["/pics/it's.png"]),
    ],
)
def test_dropped_files(text, paths):
    assert paths_in(text) == [Path(path) for path in paths]


def test_home_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert paths_in("~/a.png") == [Path("/home/ann/a.png")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n ",
        "What is in this picture?",
        "it's",
        "see /pics/a.png",
        "/pics/a.png\nWhat is this?",
        "https://example.org/a.png",
        "file://otherhost/pics/a.png",
        "file://[bad/a.png",
        "file://",
        "/a\0b.png",
        "cat.png",
    ],
)
def test_anything_else_is_text(text):
    assert paths_in(text) == []
