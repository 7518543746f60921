"""Loading, reading and answering, told in few lines."""

import time
from collections.abc import Callable

from phi3v_tui.engine.events import (
    Finished,
    FinishReason,
    Loaded,
    LoadProgress,
    PrefillProgress,
)
from phi3v_tui.interface.plain_text import byte_size, short_time

EVERY_SECONDS = 5.0
"""How often waiting is told of: each line is read aloud."""

_ENDINGS = {
    FinishReason.CANCELLED: "Stopped; what has come is kept. ",
    FinishReason.LENGTH: "Cut off: /set max_new_tokens allows longer answers. ",
    FinishReason.CONTEXT: "Cut off: the context is full. /new begins a new conversation. ",
}


class Progress:
    """Turns many events into a line now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Wait from now on."""
        self._clock = clock
        self._told_at = clock()

    def of_loading(self, progress: LoadProgress) -> str:
        """Loading in words; nothing where something was told a moment ago."""
        if not self._is_time():
            return ""
        if progress.total:
            percent = min(100, 100 * progress.done // progress.total)
            return f"{progress.stage}, {percent} percent of {byte_size(progress.total)}."
        return f"{progress.stage}."

    def of_reading(self, progress: PrefillProgress) -> str:
        """Reading the prompt in words; nothing where something was told a moment ago."""
        if progress.note or not self._is_time():
            return progress.note
        percent = 100 * progress.done // max(1, progress.total)
        return f"Reading the prompt, {percent} percent of {progress.total:,} tokens."

    def of_fetching(self, done: int, total: int | None) -> str:
        """A download in words; nothing where something was told a moment ago."""
        if not self._is_time():
            return ""
        return f"{byte_size(done)} of {byte_size(total)}." if total else f"{byte_size(done)}."

    def _is_time(self) -> bool:
        is_time = self._clock() - self._told_at >= EVERY_SECONDS
        if is_time:
            self._told_at = self._clock()
        return is_time


def ready(loaded: Loaded) -> str:
    """Say who answers."""
    notice = f" {loaded.notice}" if loaded.notice else ""
    return f"{loaded.model} on {loaded.device} is ready.{notice}"


def remark(finished: Finished, context_length: int | None) -> str:
    """How an answer ended, and what it took."""
    usage, timings = finished.usage, finished.timings
    ending = _ENDINGS.get(finished.reason, "")
    if not usage.completion_tokens:
        return f"{ending}The model had nothing to say; /retry asks again."
    context = f"context {usage.prompt_tokens + usage.completion_tokens:,}"
    if context_length:
        context += f" of {context_length:,}"
    seconds = timings.prefill + timings.decode
    noun = "token" if usage.completion_tokens == 1 else "tokens"
    return (
        f"{ending}{usage.completion_tokens:,} {noun} in {short_time(seconds)} seconds; {context}."
    )
