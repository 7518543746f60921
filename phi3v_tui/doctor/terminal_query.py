"""Asks the terminal which ways of drawing pictures it knows."""

import os
import re
import select
import termios
import time
import tty

_QUESTION = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
"""Kitty's query for its graphics protocol; then that for the terminal's attributes, which all
answer, so that nothing need be waited for longer than that."""

_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL = b"4"
_SECONDS = 1.0


def protocols(descriptor: int) -> set[str] | None:
    """Names of the picture protocols that a terminal says it knows.

    Args:
        descriptor: Of the terminal, to be written and read.

    Returns:
        Some of "kitty" and "sixel"; None where it does not answer within a second.
    """
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        os.write(descriptor, _QUESTION)
        answer = _read(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
    attributes = _ATTRIBUTES.search(answer)
    if attributes is None:
        return None
    found = {"kitty"} if b"\x1b_Gi=31;OK" in answer else set()
    return found | ({"sixel"} if _SIXEL in attributes[1].split(b";") else set())


def _read(descriptor: int) -> bytes:
    """All up to the attributes, so that none of it is left to be taken for keys."""
    answer, end = b"", time.monotonic() + _SECONDS
    while (left := end - time.monotonic()) > 0 and not _ATTRIBUTES.search(answer):
        if select.select([descriptor], [], [], left)[0]:
            answer += os.read(descriptor, 4096)
    return answer
