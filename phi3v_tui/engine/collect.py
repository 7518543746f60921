"""Engine events as a plain iterator, for programs that wait: `ask` and measurements."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    Loaded,
    LoadProgress,
    StreamEvent,
    TextDelta,
)
from phi3v_tui.errors import ModelError

_CLOSE_SECONDS = 1.0
_Event = TypeVar("_Event")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        text: What the model said.
        finished: How it ended, with counts and times.
    """

    text: str
    finished: Finished


def load(engine: Engine, report: Callable[[LoadProgress], None] | None = None) -> Loaded:
    """Load a model and wait for it.

    Args:
        engine: Not loaded yet.
        report: Told of the progress.

    Raises:
        Phi3VTuiError: It could not be loaded.
    """
    for event in _events(engine.load):
        match event:
            case Loaded():
                return event
            case Failed():
                raise event.error
            case LoadProgress() if report is not None:
                report(event)
    raise ModelError("Loading ended without a result.", "Try again.")


def events(engine: Engine, request: Request) -> Iterator[StreamEvent]:
    """Yield the events of an answer as they come; the last is Finished or Failed."""

    def start(emit: Callable[[StreamEvent], None]) -> None:
        engine.stream(request, emit)

    return _events(start)


def answer(engine: Engine, request: Request) -> Answer:
    """Wait for a whole answer.

    Raises:
        Phi3VTuiError: It could not be generated.
    """
    pieces: list[str] = []
    for event in events(engine, request):
        match event:
            case TextDelta():
                pieces.append(event.text)
            case Finished():
                return Answer("".join(pieces), event)
            case Failed():
                raise event.error
    raise ModelError("The answer ended without a result.", "Try again.")


def close_soon(engine: Engine) -> None:
    """Close an engine, but wait no longer than a moment for one that is deep in its work."""
    closing = threading.Thread(target=engine.close, name="close", daemon=True)
    closing.start()
    closing.join(_CLOSE_SECONDS)


def _events(start: Callable[[Callable[[_Event], None]], None]) -> Iterator[_Event]:
    arrived: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    start(arrived.put)
    while True:
        event = arrived.get()
        yield event
        if isinstance(event, Loaded | Finished | Failed):
            return
