"""The engine, as a conversation that waits uses it."""

import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    Loaded,
    LoadEvent,
    LoadProgress,
    StreamEvent,
    Unloaded,
)
from phi3v_tui.errors import Phi3VTuiError

_AWAKE_SECONDS = 0.2
_Event = TypeVar("_Event")


class Interrupted(Exception):
    """The person pressed Ctrl+C while the model was loading."""


class Model:
    """Loads in the background, and answers one prompt after the other.

    Attributes:
        engine: The model.
        loaded: What answers, once it is ready.
        error: Why there is no model.
    """

    def __init__(self, engine: Engine) -> None:
        """Load nothing yet."""
        self.engine = engine
        self._events: queue.SimpleQueue[LoadEvent | StreamEvent | Interrupted] = queue.SimpleQueue()
        self.loaded: Loaded | None = None
        self.error: Phi3VTuiError | None = None

    @property
    def is_loading(self) -> bool:
        """Whether loading has not ended, well or badly."""
        return self.loaded is None and self.error is None

    @property
    def speaker(self) -> str:
        """Who answers, for people."""
        return self.loaded.model if self.loaded else "Assistant"

    def load(self) -> None:
        """Begin loading."""
        self.engine.load(self._events.put)

    def use(self, engine: Engine) -> None:
        """Load another model, which answers from now on; it closes the one before."""
        self.engine = engine
        self._events = queue.SimpleQueue()
        self.loaded = self.error = None
        self.load()

    def news(self) -> Iterator[LoadEvent]:
        """What has come of loading since the last call, without waiting."""
        while self.is_loading and not self._events.empty():
            yield self._heard(self._events.get())

    def wait(self) -> Iterator[LoadEvent]:
        """What comes of loading, until it has ended.

        Raises:
            Interrupted: Ctrl+C was pressed; loading goes on.
        """
        with _on_interrupt(lambda: self._events.put(Interrupted())):
            while self.is_loading:
                yield self._heard(_next(self._events))

    def answer(self, request: Request) -> Iterator[StreamEvent]:
        """The events of an answer; Ctrl+C stops it, and it ends as one that was cancelled."""
        with _on_interrupt(self.engine.cancel):
            # Not the queue of loading: what came late of that is no part of this answer.
            arrived: queue.SimpleQueue[StreamEvent] = queue.SimpleQueue()
            self.engine.stream(request, arrived.put)
            while True:
                event = _next(arrived)
                yield event
                if isinstance(event, Finished | Failed):
                    return

    def cancel(self) -> None:
        """Stop what is under way."""
        self.engine.cancel()

    def context_length(self) -> int | None:
        """Tokens of prompt and answer together; None while loading."""
        limits = self.engine.limits()
        return limits.context_length if limits else None

    def _heard(self, event: LoadEvent | StreamEvent | Interrupted) -> LoadEvent:
        match event:
            case Interrupted():
                raise event
            case Loaded():
                self.loaded = event
            case Failed():
                self.error = event.error
        assert isinstance(event, LoadProgress | Loaded | Unloaded | Failed)
        return event


def _next(events: "queue.SimpleQueue[_Event]") -> _Event:
    """Wait for an event; awake now and then, for a signal that comes just before a wait."""
    while True:
        with suppress(queue.Empty):
            return events.get(timeout=_AWAKE_SECONDS)


@contextmanager
def _on_interrupt(act: Callable[[], Any]) -> Iterator[None]:
    """Do something on Ctrl+C instead of breaking off in the midst of anything.

    The second time it breaks off: who presses it again does not want to wait.
    """
    presses = 0

    def handle(_: int, __: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            raise KeyboardInterrupt
        act()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
