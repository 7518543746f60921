"""What a terminal is asked, and what is made of its answers."""

import fcntl
import os
import pty
import struct
import termios
import threading

import pytest

from phi3v_tui.interface import terminal_query
from phi3v_tui.interface.terminal_query import Known, ask

KITTY = {"TERM": "xterm-kitty"}


class FakeTerminal:
    """A terminal on the other side of a pty."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.heard = bytearray()
        self.set_pixels(0, 0)

    def set_pixels(self, width: int, height: int) -> None:
        size = struct.pack("HHHH", 24, 80, width, height)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)

    def ask(self, answer: bytes, environ: dict[str, str] | None = None) -> Known | None:
        def play() -> None:
            while not self.heard.endswith(b"\x1b[c"):
                self.heard.extend(os.read(self.ours, 100))
            os.write(self.ours, answer)

        player = threading.Thread(target=play, daemon=True)
        player.start()
        known = ask(self.theirs, environ or {})
        player.join(5)
        return known


@pytest.fixture
def terminal():
    terminal = FakeTerminal()
    yield terminal
    os.close(terminal.theirs)
    os.close(terminal.ours)


@pytest.mark.parametrize(
    ("answer", "protocols", "cell"),
    [
        (b"\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1b[?62;22c", {"kitty"}, (9, 18)),
        (b"\x1b[6;20;10t\x1b[?62;4;22c", {"sixel"}, (10, 20)),
        (b"\x1b[?62;4;22c", {"sixel"}, None),
        (b"\x1b[6;0;0t\x1b[?62;4;22c", {"sixel"}, None),
        (b"\x1b_Gi=31;OK\x1b\\\x1b[?4c", {"kitty", "sixel"}, None),
        (b"\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?64;14;24c", set(), None),
        (b"a key\x1b[?64;14;24c", set(), None),
    ],
)
def test_what_it_says(terminal, answer, protocols, cell):
    assert terminal.ask(answer, KITTY) == Known(frozenset(protocols), cell)


def test_the_size_that_the_system_knows_counts_more_than_what_was_told(terminal):
    terminal.set_pixels(80 * 9 + 4, 24 * 15)
    known = terminal.ask(b"\x1b[6;20;10t\x1b[?62;4c")
    assert known == Known(frozenset({"sixel"}), (9, 15))


@pytest.mark.parametrize(
    ("environ", "is_asked"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, True),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, True),
        ({"TERM": "nsterm", "TERM_PROGRAM": "Apple_Terminal"}, False),
    ],
)
def test_only_those_are_asked_for_kittys_protocol_that_can_use_it_here(terminal, environ, is_asked):
    terminal.ask(b"\x1b[?62c", environ)
    assert (b"\x1b_G" in terminal.heard) is is_asked


def test_silence_is_not_waited_for_long_and_the_keys_work_as_before(terminal, monkeypatch):
    monkeypatch.setattr(terminal_query, "_SECONDS", 0.05)
    before = termios.tcgetattr(terminal.theirs)
    assert terminal.ask(b"") is None
    assert termios.tcgetattr(terminal.theirs) == before


def test_what_is_no_terminal_says_nothing(tmp_path):
    with (tmp_path / "file").open("w+") as file:
        assert ask(file.fileno(), {}) is None
