"""How fast bytes come, and how long the rest will take."""

import time
from collections import deque
from collections.abc import Callable

from phi3v_tui.engine.events import LoadProgress

_WINDOW_SECONDS = 10.0
_LEAST_SECONDS = 0.5


class Pace:
    """Adds speed and time left to reports of bytes.

    The speed is that of the last ten seconds: a line that becomes slow is noticed, and the bytes
    that an earlier try left do not count as fast ones.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin.

        Args:
            clock: Seconds, from whenever.
        """
        self._clock = clock
        self._stage = ""
        self._seen: deque[tuple[float, int]] = deque()

    def progress(self, stage: str, done: int = 0, total: int | None = None) -> LoadProgress:
        """Report with what the reports before it tell.

        Args:
            stage: What is being done; another one begins anew.
            done: Bytes so far.
            total: Bytes in all; None where unknown.
        """
        speed = self._speed(stage, done)
        left = max(0, total - done) / speed if speed and total is not None else None
        return LoadProgress(stage, done, total, speed, left)

    def _speed(self, stage: str, done: int) -> float | None:
        """Bytes per second, once there is enough to tell."""
        now = self._clock()
        if stage != self._stage or (self._seen and done < self._seen[-1][1]):
            self._stage = stage
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        return (done - before) / (now - began) if now - began >= _LEAST_SECONDS else None
