"""The real program on a pseudo-terminal, seen through a terminal emulator."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]
SECONDS = 90
"""How long to wait for what should be on the screen, on a machine that has other work too."""

KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "ctrl+up": "\x1b[1;5A", "ctrl+down": "\x1b[1;5B", "alt+up": "\x1b[1;3A",
    "alt+left": "\x1b[1;3D", "alt+right": "\x1b[1;3C",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}  # fmt: skip
"""What a terminal sends for a key."""

# pyte takes the private sequences of newer protocols (CSI < u, CSI > 1 u) for text.
_OF_ANOTHER_TERMINAL = (
    "COLUMNS", "LINES", "TMUX", "STY", "ZELLIJ", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY",
    "XTERM_VERSION", "TERM_PROGRAM", "KITTY_WINDOW_ID",
)  # fmt: skip
_QUESTION = b"\x1b[c"
_SIXELS = re.compile(rb"\x1bP[\d;]*q")
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;:]*[a-zA-Z]|\x1b\[\?[0-9;]*\$[a-z]")


class Terminal:
    """A command on a pseudo-terminal.

    Attributes:
        received: Bytes that the command has drawn so far.
        drew_sixels: Whether there were pictures among them.
        pid: Its process.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        environ: dict[str, str] | None = None,
        folder: Path | None = None,
        attributes: str = "62;22",
        cell: tuple[int, int] = (0, 0),
    ) -> None:
        """Start a command.

        Args:
            command: Program and arguments.
            columns: Width of the terminal.
            rows: Its height.
            environ: Changes to this process's environment.
            folder: Where it starts; None takes the repository.
            attributes: What it says when it is asked what it knows; 4 among them means sixels.
            cell: Pixels of a cell; many terminals do not tell them.
        """
        self._attributes = attributes
        self._cell = cell
        self.drew_sixels = False
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.received = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ.update(
                {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
                | (environ or {})
            )
            for variable in _OF_ANOTHER_TERMINAL:
                os.environ.pop(variable, None)
            os.chdir(folder or ROOT)
            # Named, as readline has put COLUMNS and LINES behind Python's back.
            os.execvpe(command[0], list(command), os.environ)
        self.resize(columns, rows)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind, whatever happened."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        self.hang_up()

    def hang_up(self) -> None:
        """Take the terminal away, as when a window is closed or a line is cut."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def text(self) -> str:
        """What is on the screen, one line a row."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as dragging a window does."""
        width, height = self._cell
        size = struct.pack("HHHH", rows, columns, columns * width, rows * height)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)
        self._screen.resize(rows, columns)

    def press(self, *keys: str) -> None:
        """Press keys by name, such as "ctrl+o".

        What follows an Esc before the program has read it makes another key of both, so wait for
        what Esc does before the next one.
        """
        for key in keys:
            os.write(self._fd, KEYS[key].encode())
            # Keys that arrive together are taken for a paste without brackets.
            self.read(0.05)

    def type(self, text: str) -> None:
        """Type text, a key at a time."""
        for character in text:
            os.write(self._fd, character.encode())
            self.read(0.015)

    def send(self, text: str) -> None:
        """Send bytes as they are."""
        os.write(self._fd, text.encode())

    def click(self, text: str) -> None:
        """Click on the last place where the screen shows a text."""
        self._mouse(0, *self._place(text), "M")
        self._mouse(0, *self._place(text), "m")

    def drag(self, start: str, end: str) -> None:
        """Drag from the first letter of a text to the last one of another."""
        self._mouse(0, *self._place(start), "M")
        column, row = self._place(end)
        column += len(end) - 1
        self._mouse(32, column, row, "M")
        self._mouse(0, column, row, "m")

    def wheel(self, text: str, down: bool) -> None:
        """Turn the wheel by a notch above the last place of a text."""
        self._mouse(65 if down else 64, *self._place(text), "M")

    def _place(self, text: str) -> tuple[int, int]:
        """Column and row of a text, from 0."""
        rows = [row for row, line in enumerate(self._screen.display) if text in line]
        assert rows, f"{text!r} is not there:\n{self.text}"
        return self._screen.display[rows[-1]].rindex(text), rows[-1]

    def _mouse(self, button: int, column: int, row: int, end: str) -> None:
        self.send(f"\x1b[<{button};{column + 1};{row + 1}{end}")
        self.read(0.05)

    def paste(self, text: str) -> None:
        """Paste as a terminal with bracketed paste does."""
        os.write(self._fd, b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def read(self, seconds: float) -> bool:
        """Take what is drawn within some time.

        Returns:
            Whether anything came; False also at the command's end.
        """
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._fd, 1 << 16)
        except OSError:  # the command has ended
            return False
        self.received += len(piece)
        if _QUESTION in piece:
            self.send(f"\x1b[?{self._attributes}c")
        self.drew_sixels |= bool(_SIXELS.search(piece))
        self._stream.feed(_UNKNOWN.sub(b"", piece))
        return bool(piece)

    def wait_for(self, wanted: str | Callable[[str], object], seconds: float = SECONDS) -> str:
        """Wait until the screen shows a text, or makes a condition on it true.

        Returns:
            The screen's text then.
        """
        deadline = time.monotonic() + seconds
        while not (wanted in self.text if isinstance(wanted, str) else wanted(self.text)):
            assert time.monotonic() < deadline, f"{wanted!r} did not come:\n{self.text}"
            self.read(0.1)
        return self.text

    def wait_for_end(self, seconds: float = SECONDS) -> int:
        """Wait for the command's end; gives its exit status, or -signal."""
        deadline = time.monotonic() + seconds
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.monotonic() < deadline, f"it did not end:\n{self.text}"
            self.read(0.1)
        while self.read(0.1):
            pass
        self.pid = 0
        return os.waitstatus_to_exitcode(ended[1])

    def _reap(self) -> None:
        os.waitpid(self.pid, 0)
        self.pid = 0


def app_environ(home: Path) -> dict[str, str]:
    """An environment in which the program finds a home folder of its own."""
    names = ("cache", "config", "data", "runtime", "state")
    return {"HOME": str(home), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | {
        f"XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'}": str(home / name)
        for name in names
    }
