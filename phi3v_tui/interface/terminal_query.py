"""Asks the terminal which ways of drawing pictures it knows, before the app reads the keys."""

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_CELL = b"\x1b[16t"
_ATTRIBUTES = b"\x1b[c"
"""Comes last: all terminals answer it, so that nothing need be waited for longer than that."""

_CELL_ANSWER = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_ATTRIBUTES_ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL = b"4"
_SECONDS = 1.0

Cell = tuple[int, int]
"""Pixels of a cell: width, height."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a terminal says that it knows.

    Attributes:
        protocols: Some of "kitty" and "sixel".
        cell: Pixels of a cell; None where they are unknown.
    """

    protocols: frozenset[str] = frozenset()
    cell: Cell | None = None


def places_by_text(environ: Mapping[str, str]) -> bool:
    """Whether this is a terminal that draws kitty's pictures where certain letters stand.

    Others that know the rest of kitty's protocol draw nothing then.
    """
    is_named = environ.get("TERM") in ("xterm-kitty", "xterm-ghostty")
    return is_named or environ.get("TERM_PROGRAM") == "ghostty" or "KITTY_WINDOW_ID" in environ


def ask(descriptor: int, environ: Mapping[str, str]) -> Known | None:
    """Ask a terminal.

    Args:
        descriptor: Of the terminal, to be written and read.
        environ: Says which terminals need not be asked for kitty's protocol: some print the
            question.

    Returns:
        Its answer; None where it does not answer within a second.
    """
    question = (_KITTY if places_by_text(environ) else b"") + _CELL + _ATTRIBUTES
    with suppress(OSError, termios.error):
        answer = _answer(descriptor, question)
        if attributes := _ATTRIBUTES_ANSWER.search(answer):
            found = {"kitty"} if b"\x1b_Gi=31;OK" in answer else set()
            found |= {"sixel"} if _SIXEL in attributes[1].split(b";") else set()
            return Known(frozenset(found), measured_cell(descriptor) or _told_cell(answer))
    return None


def measured_cell(descriptor: int) -> Cell | None:
    """Pixels of a cell as the terminal has told the system; many tell nothing."""
    try:
        size = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("HHHH", size)
    if not (rows and columns) or width < columns or height < rows:
        return None
    return width // columns, height // rows


def _told_cell(answer: bytes) -> Cell | None:
    told = _CELL_ANSWER.search(answer)
    return (int(told[2]), int(told[1])) if told and int(told[1]) and int(told[2]) else None


def _answer(descriptor: int, question: bytes) -> bytes:
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        os.write(descriptor, question)
        return _read(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _read(descriptor: int) -> bytes:
    """All up to the attributes, so that none of it is left to be taken for keys."""
    answer, end = b"", time.monotonic() + _SECONDS
    while (left := end - time.monotonic()) > 0 and not _ATTRIBUTES_ANSWER.search(answer):
        if select.select([descriptor], [], [], left)[0]:
            answer += os.read(descriptor, 4096)
    return answer
