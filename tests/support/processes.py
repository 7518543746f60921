"""What other processes do, and how long they take to do it."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.support.terminal import SECONDS


def wait_until(condition: Callable[[], object], explain: Callable[[], str] = str) -> None:
    """Wait for a condition; fail with what `explain` says if it never holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
