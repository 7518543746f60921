"""What counts as pasted paths: dropped files do, prose does not."""

import socket
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
        (
            "/pics/My\\ Pic.jpg /pics/c.png file:///d%20e.png",
            ["/pics/My Pic.jpg", "/pics/c.png", "/d e.png"],
        ),
        ("file:///a.png file:///b.png\n", ["/a.png", "/b.png"]),
        ("copy\nfile:///a%20b.png\nfile:///c.png", ["/a b.png", "/c.png"]),
        ("x-special/nautilus-clipboard\ncopy\nfile:///a.png\n", ["/a.png"]),
        ("x-special/gnome-copied-files\r\ncut\r\nfile:///a.png", ["/a.png"]),
        (f"file://{socket.gethostname()}/pics/a.png", ["/pics/a.png"]),
        ("/pics/Cafe\u0301.png", ["/pics/Cafe\u0301.png"]),
        (r"C:\pics\a.png", [r"C:\pics\a.png"]),
        (r'"C:\My Pics\new one.png"', [r"C:\My Pics\new one.png"]),
        (r"'C:\My Pics\it.png'", [r"C:\My Pics\it.png"]),
        (r"C:\My Pics\new one.png", [r"C:\My Pics\new one.png"]),
        (r'"C:\a b.png" D:\c.png', [r"C:\a b.png", r"D:\c.png"]),
        ("C:\\a.png\r\nD:/b.png", [r"C:\a.png", "D:/b.png"]),
        (r"\\wsl.localhost\Ubuntu\home\a.png", [r"\\wsl.localhost\Ubuntu\home\a.png"]),
        (r'"\\nas\my pics\a.png"', [r"\\nas\my pics\a.png"]),
        ("file:///C:/My%20Pics/a.png", ["C:/My Pics/a.png"]),
        ("file://wsl.localhost/Ubuntu/home/a.png", ["//wsl.localhost/Ubuntu/home/a.png"]),
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
        "file:///a%00b.png",
        "copy\n/pics/a.png",
        "copy",
        "copy\nthat\nfile:///a.png",
        "x-special/nautilus-clipboard",
        "C: is full",
        "a:b",
        "\\\\ is a line break in LaTeX",
        "\\\\",
        "cat.png",
    ],
)
def test_anything_else_is_text(text):
    assert paths_in(text) == []
