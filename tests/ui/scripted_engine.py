"""An engine that says what a test tells it to, when the test tells it to."""

import queue
import threading
from collections.abc import Callable

from phi3v_tui.engine.base import Limits, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    FinishReason,
    Loaded,
    LoadEvent,
    LoadProgress,
    PrefillProgress,
    StreamEvent,
    TextDelta,
    Timings,
    Unloaded,
    Usage,
)
from phi3v_tui.errors import Phi3VTuiError

LIMITS = Limits(context_length=8192, crop_size=336, num_crops=16)


class ScriptedEngine:
    """Implements `phi3v_tui.engine.base.Engine`; events come from a thread of its own.

    Attributes:
        requests: What was asked, in order.
        cancellations: How often `cancel` was called.
        closed: Whether `close` was called.
    """

    def __init__(
        self,
        loaded: bool = True,
        notice: str = "",
        name: str = "Scripted-vision",
        source: str = "demo",
        limits: Limits = LIMITS,
    ) -> None:
        """Prepare the engine.

        Args:
            loaded: Become ready as soon as `load` is called; else on `finish_loading`.
            notice: For `Loaded`.
            name: The model's.
            source: What `--model` takes for it.
            limits: What fits, once it is loaded.
        """
        self.requests: list[Request] = []
        self.cancellations = 0
        self.closed = False
        self._loads_at_once = loaded
        self._notice = notice
        self._name = name
        self._source = source
        self._limits = limits
        self._ready = False
        self._load_emit: Callable[[LoadEvent], None] | None = None
        self._stream_emit: Callable[[StreamEvent], None] | None = None
        self._tokens = 0
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def load(self, emit: Callable[[LoadEvent], None]) -> None:
        self._load_emit = emit
        if self._loads_at_once:
            self.finish_loading()

    @property
    def is_asked_to_load(self) -> bool:
        """Whether `load` was called."""
        return self._load_emit is not None

    def limits(self) -> Limits | None:
        return self._limits if self._ready else None

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        self.requests.append(request)
        self._stream_emit = emit
        self._tokens = 0

    def count(self, request: Request) -> int | None:
        """A token for each word, and a hundred for each picture."""
        if not self._ready:
            return None
        return sum(len(m.text.split()) + 100 * len(m.attachments) for m in request.messages)

    def cancel(self) -> None:
        """While loading, nothing is heard of it: a real engine may be deep in an import."""
        self.cancellations += 1
        if self._ready:
            self.finish(FinishReason.CANCELLED)
        self._stream_emit = None

    def close(self) -> None:
        self.closed = True

    # What a test lets happen.

    def progress(self, stage: str, done: int = 0, total: int | None = None) -> None:
        self._emit_load(LoadProgress(stage, done, total))

    def finish_loading(self) -> None:
        self._ready = True
        self._emit_load(Loaded(self._name, "cpu", 0.1, self._notice, self._source))

    def unload(self, minutes: float) -> None:
        self._emit_load(Unloaded(minutes))

    def fail_loading(self, error: Phi3VTuiError) -> None:
        self._emit_load(Failed(error))

    def prefill(self, done: int, total: int, note: str = "") -> None:
        self._emit(PrefillProgress(done, total, 0, note))

    def say(self, *pieces: str) -> None:
        for piece in pieces:
            self._tokens += 1
            self._emit(TextDelta(piece))

    def finish(self, reason: FinishReason = FinishReason.STOP) -> None:
        usage = Usage(self.count(self.requests[-1]) or 0, 0, self._tokens, 0)
        ids = tuple(range(self._tokens))
        self._emit(Finished(reason, usage, Timings(0.5, 1.0), ids))
        self._stream_emit = None

    def fail(self, error: Phi3VTuiError) -> None:
        self._emit(Failed(error))
        self._stream_emit = None

    def _emit_load(self, event: LoadEvent) -> None:
        emit = self._load_emit
        assert emit is not None, "load was not called"
        self._events.put(lambda: emit(event))

    def _emit(self, event: StreamEvent) -> None:
        emit = self._stream_emit
        if emit is not None:
            self._events.put(lambda: emit(event))

    def _run(self) -> None:
        while True:
            self._events.get()()
