"""What is said of terminals of many kinds."""

import os
import pty
import threading

import pytest

from phi3v_tui.doctor import terminal
from phi3v_tui.doctor.finding import Level
from phi3v_tui.doctor.terminal_query import protocols
from phi3v_tui.doctor.tools import ToolError
from phi3v_tui.ui.terminal import ImageMode


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
        ({}, ImageMode.AUTO, set(), "knows nothing finer", ""),
        ({}, ImageMode.AUTO, {"sixel"}, "knows sixel", "--image-mode sixel"),
        ({}, ImageMode.SIXEL, {"sixel"}, "drawn with sixel", ""),
        ({"TERM": "xterm-kitty"}, ImageMode.AUTO, {"kitty"}, "drawn with kitty", ""),
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


class TestQuery:
    """A terminal on the other side of a pty."""

    def ask(self, answer: bytes) -> set[str] | None:
        ours, theirs = pty.openpty()
        heard = bytearray()

        def play() -> None:
            while not heard.endswith(b"\x1b[c"):
                heard.extend(os.read(ours, 100))
            os.write(ours, answer)

        player = threading.Thread(target=play, daemon=True)
        player.start()
        try:
            return protocols(theirs)
        finally:
            player.join(5)
            os.close(theirs)
            os.close(ours)

    @pytest.mark.parametrize(
        ("answer", "known"),
        [
            (b"\x1b_Gi=31;OK\x1b\\\x1b[?62;22c", {"kitty"}),
            (b"\x1b[?62;4;22c", {"sixel"}),
            (b"\x1b_Gi=31;OK\x1b\\\x1b[?4c", {"kitty", "sixel"}),
            (b"\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?64;14;24c", set()),
        ],
    )
    def test_what_it_says(self, answer, known):
        assert self.ask(answer) == known

    def test_silence_is_not_waited_for_long(self, monkeypatch):
        monkeypatch.setattr("phi3v_tui.doctor.terminal_query._SECONDS", 0.05)
        assert self.ask(b"") is None
