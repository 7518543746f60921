"""The engine that runs a model in this process, on one thread of its own.

Only that thread imports torch and transformers, and not before `load`: until then the interface
has painted and takes keys.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from phi3v_tui import memory
from phi3v_tui.engine import failures
from phi3v_tui.engine.answer import CANCELLED, generate
from phi3v_tui.engine.base import Engine, Limits, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    Loaded,
    LoadEvent,
    LoadProgress,
    StreamEvent,
    TextDelta,
    Unloaded,
)
from phi3v_tui.engine.held import give_memory_back
from phi3v_tui.engine.importing import chat_model
from phi3v_tui.engine.pace import Pace
from phi3v_tui.errors import ModelError, Phi3VTuiError

if TYPE_CHECKING:
    from phi3v_tui.phi3v.chat import ChatModel

_log = logging.getLogger(__name__)

JobQueue = queue.SimpleQueue[Callable[[], None] | None]
"""Work for the engine's thread; None ends it."""


@dataclass(slots=True)
class _Answer:
    """An answer asked for: waiting or under way."""

    request: Request
    emit: Callable[[StreamEvent], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    has_begun: bool = False


class _Closed(Exception):
    """Nobody waits for the model any more."""


class LocalEngine:
    """Runs phi3_v checkpoints; see the `Engine` protocol.

    Args:
        model: "auto" (published weights where they are on this machine and fit, else the bundled
            model), "demo" (the bundled model), a folder, or a hub id.
        device: "auto", "cpu", "cuda:N" or "mps".
        quantize: "auto", "none", "int8" or "int4".
        context: Tokens of prompt and answer together; None takes what the memory allows.
        num_crops: Most crops a picture is cut into; None takes the checkpoint's own.
        cuda_graphs: On an NVIDIA GPU, capture decode steps and launch each before the last token
            is read. It has not run on a GPU yet.
        idle_unload: Minutes without a request after which the model's memory is given back, until
            the next one; 0 keeps it.
        instead_of: The engine before: it is closed before this one takes memory.
        jobs: Where the engine's thread waits for work; its `get` decides when time is over.
    """

    def __init__(
        self,
        model: str = "auto",
        device: str = "auto",
        quantize: str = "auto",
        context: int | None = None,
        num_crops: int | None = None,
        cuda_graphs: bool = False,
        idle_unload: float = 0,
        instead_of: Engine | None = None,
        jobs: JobQueue | None = None,
    ) -> None:
        self._asked = (model, device, quantize, context, num_crops, cuda_graphs)
        self._limits: Limits | None = None
        self._chat: ChatModel | None = None
        self._idle_unload = idle_unload
        self._instead_of = instead_of
        self._is_resting = False
        self._emit_load: Callable[[LoadEvent], None] = lambda event: None
        self._jobs: JobQueue = queue.SimpleQueue() if jobs is None else jobs
        self._answers: list[_Answer] = []
        # Held while emit is called: no event may come once close() has returned.
        self._emitting = threading.RLock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def load(self, emit: Callable[[LoadEvent], None]) -> None:
        """Start loading the model."""
        self._emit_load = emit
        self._start(self._load)

    def limits(self) -> Limits | None:
        """What fits; None until loading has ended well."""
        return self._limits

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        """Start generating an answer, once loading and the answers before it have ended."""
        answer = _Answer(request, emit)
        self._answers.append(answer)
        self._start(lambda: self._answer(answer))

    def count(self, request: Request) -> int | None:
        """Tokens of the prompt of `request`; None while no model is loaded, or if that fails."""
        chat = self._chat
        if chat is None:
            return None
        try:
            return chat.count(request.messages, request.num_crops, request.continue_last)
        except Phi3VTuiError:
            raise
        except BaseException as error:  # noqa: BLE001 - a damaged tokenizer panics
            # Whoever asks for an answer is told.
            _log.warning("A prompt could not be counted", exc_info=error)
            return None

    def cancel(self) -> None:
        """Stop the generation under way, and those waiting, within one token."""
        for answer in list(self._answers):
            answer.cancelled.set()

    def close(self) -> None:
        """Stop, and give memory back; when it returns, both have happened."""
        with self._emitting:
            self._closed = True
        self.cancel()
        self._jobs.put(None)
        # An event may be what an engine is closed by: its thread cannot wait for itself.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _start(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        with self._emitting:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            job()
        self._drop_model()

    def _next_job(self) -> Callable[[], None] | None:
        """What to do next; until there is something, the model makes ready for it, then rests."""
        if self._chat is None:
            return self._jobs.get()
        try:
            self._chat.generator.warm_up(wanted=self._jobs.empty)
        except Exception as error:  # noqa: BLE001 - the thread boundary
            _log.exception("Could not make ready ahead", exc_info=error)
        try:
            # No timer: the one thread that has the model waits, so nothing can come between.
            return self._jobs.get(timeout=60 * self._idle_unload or None)
        except queue.Empty:
            self._rest()
            return self._jobs.get()

    def _rest(self) -> None:
        """Give the model's memory back until it is asked again."""
        self._drop_model()
        self._is_resting = True
        self._emit(self._emit_load, Unloaded(self._idle_unload))

    def _drop_model(self) -> None:
        self._chat = None
        give_memory_back()

    def _emit(self, emit: Callable[[Any], None], event: LoadEvent | StreamEvent) -> None:
        with self._emitting:
            if not self._closed:
                emit(event)

    def _load(self) -> None:
        self._close_the_one_before()
        self._drop_model()
        try:
            loaded = self._make_ready()
        except _Closed:
            return
        except BaseException as error:  # noqa: BLE001 - the thread boundary
            failed = self._failed(error, "The model could not be loaded")
            give_memory_back()
            self._emit(self._emit_load, failed)
            return
        self._emit(self._emit_load, loaded)

    def _make_ready(self) -> Loaded:
        pace = Pace()

        def report(stage: str, done: int = 0, total: int | None = None) -> None:
            self._emit(self._emit_load, pace.progress(stage, done, total))
            if self._closed:
                raise _Closed

        started = time.monotonic()
        report("Starting torch")
        chat = self._load_chat(report)
        self._chat, self._is_resting = chat, False
        self._limits = Limits(chat.generator.context_length, chat.crop_size, chat.num_crops)
        seconds = time.monotonic() - started
        found = chat.checkpoint
        place = str(chat.device)
        return Loaded(
            found.name, place, seconds, chat.notice, found.source, found.folder, chat.plan
        )

    def _close_the_one_before(self) -> None:
        """Also where this engine itself is closed already: nobody else will do it."""
        before, self._instead_of = self._instead_of, None
        if before is not None:
            self._emit(self._emit_load, LoadProgress("Closing the model before"))
            before.close()

    def _wake(self) -> None:
        """Load the model again; if that fails, the next request tries again."""
        try:
            loaded = self._make_ready()
        except Exception:
            self._emit(self._emit_load, Unloaded(self._idle_unload))
            raise
        # What it says of itself has been said already.
        self._emit(self._emit_load, replace(loaded, notice=""))

    def _load_chat(self, report: Callable[[str, int, int | None], None]) -> "ChatModel":
        return chat_model().load(*self._asked, report)

    def _answer(self, answer: _Answer) -> None:
        try:
            self._emit(answer.emit, self._generate(answer))
        except _Closed:
            return
        except BaseException as error:  # noqa: BLE001 - the thread boundary
            what = "The answer broke off" if answer.has_begun else "No answer could be generated"
            self._emit(answer.emit, self._failed(error, what))
        finally:
            self._answers.remove(answer)

    def _failed(self, error: BaseException, what: str) -> Failed:
        """Turn a failure into an event; one for want of memory leaves as much as there can be."""
        explained = failures.explained(error, what)
        # The sentence is kept for as long as it is shown; what it came through is not.
        failures.let_go(error)
        if not isinstance(error, memory.OutOfMemory) and not memory.is_full(error):
            return Failed(explained)
        give_memory_back()
        if self._chat is not None:
            explained = self._chat.out_of_memory(what)
            give_memory_back()
        return Failed(explained)

    def _generate(self, answer: _Answer) -> Finished:
        if self._is_resting and not answer.cancelled.is_set():
            self._wake()
        if answer.cancelled.is_set() or self._closed:
            return CANCELLED
        if self._chat is None:
            raise ModelError("No model is loaded.", "Choose another one with --model.")

        def emit(event: StreamEvent) -> None:
            answer.has_begun = answer.has_begun or isinstance(event, TextDelta)
            self._emit(answer.emit, event)

        return generate(self._chat, answer.request, answer.cancelled.is_set, emit)
