"""From engine events, which come on the engine's thread, to messages on the UI thread."""

import time
from collections import deque
from dataclasses import dataclass

from textual.message import Message as UiMessage
from textual.message_pump import MessagePump

from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    LoadEvent,
    PrefillProgress,
    StreamEvent,
    TextDelta,
)

FLUSHES_PER_SECOND, SLOW_FLUSHES_PER_SECOND = 10, 5
"""How often new text is shown. Each flush lays out again and is sent over the line."""


@dataclass
class LoadReported(UiMessage):
    """Something came of loading a model.

    Attributes:
        engine: Whose model it is; another one may have taken its place since.
        event: What it reported.
    """

    engine: Engine
    event: LoadEvent


@dataclass
class PromptRead(UiMessage):
    """Part of the prompt was read."""

    generation: "Generation"
    progress: PrefillProgress

    def can_replace(self, message: UiMessage) -> bool:
        """Only the latest progress matters."""
        return isinstance(message, PromptRead)


@dataclass
class AnswerFinished(UiMessage):
    """An answer ended, complete or stopped."""

    generation: "Generation"
    finished: Finished


@dataclass
class AnswerFailed(UiMessage):
    """An answer could not be generated, or not to its end."""

    generation: "Generation"
    failure: Failed


def load(engine: Engine, target: MessagePump) -> None:
    """Start loading the model; what comes of it reaches `target` as messages."""
    engine.load(lambda event: post(target, LoadReported(engine, event)))


class Generation:
    """One answer under way.

    The engine's thread appends pieces of text; the UI thread takes them when it redraws, so that
    neither waits for the other.
    """

    def __init__(self, target: MessagePump) -> None:
        """Report to `target`."""
        self._target = target
        self._pieces: deque[str] = deque()
        self._first_piece: float | None = None
        self._piece_count = 0

    def start(self, engine: Engine, request: Request) -> None:
        """Ask `engine` for the answer to `request`."""
        engine.stream(request, self._emit)

    def take_text(self) -> str:
        """Take the text that has come since the last call."""
        return "".join(self._pieces.popleft() for _ in range(len(self._pieces)))

    @property
    def pieces(self) -> int:
        """Pieces of text so far: about the tokens, exact only once finished."""
        return self._piece_count

    def tokens_per_second(self) -> float | None:
        """Pieces of text per second so far; about the tokens."""
        if self._first_piece is None or self._piece_count < 2:
            return None
        elapsed = time.monotonic() - self._first_piece
        return (self._piece_count - 1) / elapsed if elapsed > 0 else None

    def _emit(self, event: StreamEvent) -> None:
        match event:
            case TextDelta():
                self._append(event.text)
            case PrefillProgress():
                post(self._target, PromptRead(self, event))
            case Finished():
                post(self._target, AnswerFinished(self, event))
            case Failed():
                post(self._target, AnswerFailed(self, event))

    def _append(self, piece: str) -> None:
        if self._first_piece is None:
            self._first_piece = time.monotonic()
        self._piece_count += 1
        self._pieces.append(piece)


def post(target: MessagePump, message: UiMessage) -> None:
    """Post a message from a thread that may outlive the app."""
    try:
        target.post_message(message)
    except RuntimeError:
        return  # The event loop has closed: the app is gone, and so is whom to tell.
