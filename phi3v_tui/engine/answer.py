"""One answer of a loaded model, told as events."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import (
    Finished,
    FinishReason,
    PrefillProgress,
    StreamEvent,
    TextDelta,
    Timings,
    Usage,
)
from phi3v_tui.engine.held import memory_held

if TYPE_CHECKING:
    from phi3v_tui.phi3v.chat import ChatModel
    from phi3v_tui.phi3v.generation import Generation

CANCELLED = Finished(FinishReason.CANCELLED, Usage(0, 0, 0, 0), Timings(0, 0), ())
"""The end of an answer that was cancelled before it began."""

_SWITCH_NOTE = "Past the short context, positions are encoded anew: reading all of it again."


def generate(
    chat: "ChatModel",
    request: Request,
    is_cancelled: Callable[[], bool],
    emit: Callable[[StreamEvent], None],
) -> Finished:
    """Generate an answer to its end.

    Args:
        chat: The model.
        request: What is asked.
        is_cancelled: Asked before every step.
        emit: Told of the progress and of the text.

    Returns:
        The last event, which is not emitted.

    Raises:
        Phi3VTuiError: The prompt cannot be read; see `ChatModel.begin`.
    """
    started = time.monotonic()
    generation = _begin(chat, request)
    generation.cancelled = is_cancelled
    generation.on_prefill = lambda *counts: emit(_progress(*counts))
    times, ids = _stream(chat, generation, emit)
    return _finished(generation, _timings(started, times), ids, memory_held(chat.device))


def _begin(chat: "ChatModel", request: Request) -> "Generation":
    sampling = request.sampling
    return chat.begin(
        request.messages,
        request.num_crops,
        request.continue_last,
        sampling.max_new_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
    )


def _stream(
    chat: "ChatModel", generation: "Generation", emit: Callable[[StreamEvent], None]
) -> tuple[list[float], list[int]]:
    """Generate to the end, emitting text as it comes.

    Returns:
        When each token came, and its id.
    """
    times: list[float] = []
    ids: list[int] = []
    text = chat.text_stream(generation.prompt)
    for token_id in chat.generator.generate(generation):
        times.append(time.monotonic())
        ids.append(token_id)
        _emit_text(text.push(token_id), emit)
    if str(generation.ending) == FinishReason.STOP:
        _emit_text(text.flush(), emit)
    else:
        del ids[len(ids) - text.held :]  # half a character; the rest may still be asked for
    return times, ids


def _emit_text(text: str, emit: Callable[[StreamEvent], None]) -> None:
    if text:
        emit(TextDelta(text))


def _progress(done: int, total: int, reused: int, switched: bool) -> PrefillProgress:
    return PrefillProgress(done, total, reused, _SWITCH_NOTE if switched else "")


def _timings(started: float, times: list[float]) -> Timings:
    if not times:
        return Timings(prefill=time.monotonic() - started, decode=0)
    return Timings(prefill=times[0] - started, decode=times[-1] - times[0])


def _finished(
    generation: "Generation", timings: Timings, ids: list[int], held: int | None
) -> Finished:
    prompt_tokens = len(generation.prompt.ids)
    usage = Usage(prompt_tokens, generation.reused, len(ids), generation.crops_encoded)
    whole = (*generation.prompt.begun_ids, *ids)
    return Finished(FinishReason(str(generation.ending)), usage, timings, whole, held)
