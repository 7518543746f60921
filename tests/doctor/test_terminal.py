"""What is said of terminals of many kinds."""

import os

import pytest

from phi3v_tui.doctor import terminal
from phi3v_tui.doctor.finding import Level
from phi3v_tui.doctor.tools import ToolError
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.interface.terminal_query import Known

SIXEL = Known(frozenset({"sixel"}), (10, 20))
KITTY = Known(frozenset({"kitty"}), (10, 20))


def tmux(version="3.3a", clipboard="external"):
    """A tmux that answers."""
    answers = {"-V": f"tmux {version}", "set-clipboard": clipboard, "allow-passthrough": "off"}
    return lambda *command: answers[command[-1]]


@pytest.mark.parametrize(("term", "level"), [("", "warn"), ("dumb", "warn"), ("xterm", "note")])
def test_kind(term, level, monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _: False)
    assert terminal.kind({"TERM": term}).level == level


@pytest.mark.parametrize(
    ("columns", "rows", "level"), [(80, 24, Level.OK), (79, 24, Level.NOTE), (80, 20, Level.NOTE)]
)
def test_size(monkeypatch, columns, rows, level):
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: (columns, rows))
    found = terminal.size()
    assert (found.level, found.detail) == (level, f"{columns} columns, {rows} rows")


@pytest.mark.parametrize(
    ("environ", "level", "words"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm-256color"}, Level.OK, "16 million"),
        ({"TERM": "xterm-256color"}, Level.OK, "256"),
        ({"TERM": "vt100"}, Level.NOTE, "16 only"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Level.NOTE, "NO_COLOR"),
    ],
)
def test_colours(environ, level, words):
    found = terminal.colours(environ)
    assert found.level is level
    assert words in found.detail


@pytest.mark.parametrize(
    ("environ", "mode", "known", "words", "remedy"),
    [
        ({}, ImageMode.AUTO, None, "halfcell; the terminal did not say", ""),
        ({}, ImageMode.AUTO, Known(), "halfcell; the terminal knows nothing finer", ""),
        ({}, ImageMode.AUTO, SIXEL, "drawn with sixel; the terminal says that it knows", ""),
        ({}, ImageMode.AUTO, Known(SIXEL.protocols), "sixel, but not how large its cells are", ""),
        (
            {"SSH_TTY": "x"},
            ImageMode.AUTO,
            SIXEL,
            "with halfcell, as SSH lies between; the",
            "--image-mode sixel",
        ),
        (
            {"TMUX": "x"},
            ImageMode.AUTO,
            SIXEL,
            "with halfcell, as tmux lies between; the",
            "--image-mode sixel",
        ),
        ({}, ImageMode.HALFCELL, SIXEL, "halfcell, as it is set; the", "--image-mode sixel"),
        ({}, ImageMode.SIXEL, SIXEL, "drawn with sixel, as it is set", ""),
        ({"TERM": "xterm-kitty"}, ImageMode.AUTO, KITTY, "drawn with kitty; the", ""),
        ({"TERM": "xterm-kitty", "TMUX": "x"}, ImageMode.AUTO, KITTY, "halfcell", "mode kitty"),
    ],
)
def test_pictures(environ, mode, known, words, remedy):
    found = terminal.pictures(environ, mode, lambda: known)
    assert words in found.detail
    assert remedy in found.remedy
    assert bool(found.remedy) is bool(remedy)


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, Level.OK),
        ({"TMUX": "x"}, Level.OK),
        ({"VTE_VERSION": "7600"}, Level.NOTE),
        ({"TERM_PROGRAM": "Apple_Terminal"}, Level.NOTE),
    ],
)
def test_clipboard(environ, level):
    assert terminal.clipboard(environ).level is level


@pytest.mark.parametrize(
    ("clipboard", "level"), [("on", Level.OK), ("external", Level.OK), ("off", Level.WARNING)]
)
def test_tmux(clipboard, level):
    found = terminal.tmux(tmux(clipboard=clipboard))
    assert found.level is level
    assert f"set-clipboard {clipboard}, allow-passthrough off" in found.detail
    assert ("set -g set-clipboard on" in found.remedy) is (clipboard == "off")


def test_an_old_tmux_is_not_asked_what_it_does_not_know():
    assert "allow-passthrough unknown to it" in terminal.tmux(tmux(version="3.2")).detail


def test_a_tmux_that_is_elsewhere():
    def missing(*_: str) -> str:
        raise ToolError("")

    assert terminal.tmux(missing).level is Level.NOTE


@pytest.mark.parametrize(
    ("environ", "titles"), [({}, set()), ({"TMUX": "x", "SSH_TTY": "y"}, {"tmux", "SSH"})]
)
def test_what_lies_between_is_looked_at_where_it_does(environ, titles):
    found = {title for title, _ in terminal.checks(environ, ImageMode.AUTO).checks}
    assert found & {"tmux", "SSH"} == titles


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({"LANG": "de_DE.UTF-8"}, Level.OK),
        ({"LANG": "C.utf8"}, Level.OK),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, Level.NOTE),
        ({"LANG": ""}, Level.NOTE),
        ({"LC_CTYPE": "de_DE.ISO-8859-1"}, Level.WARNING),
    ],
)
def test_encoding(environ, level):
    assert terminal.encoding(environ).level is level
