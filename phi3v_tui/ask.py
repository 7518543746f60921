"""One question, answered on stdout: what `phi3v-tui ask` does."""

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.parts import describe_frames
from phi3v_tui.conversation.patterns import Source
from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    FinishReason,
    Loaded,
    LoadProgress,
    TextDelta,
)
from phi3v_tui.errors import ModelError, OutputError
from phi3v_tui.interface.picture_files import ANOTHER_FRAME, read_picture
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.interface.progress import describe_progress
from phi3v_tui.settings import Settings
from phi3v_tui.web_pictures import fetch_picture

_LOG_EVERY_SECONDS = 30.0
_CUT_OFF = {
    FinishReason.LENGTH: "The answer was cut off; --max-new-tokens allows longer ones.",
    FinishReason.CONTEXT: "The answer was cut off: the context is full. --context asks for more.",
}


def message(question: str, images: Iterable[Source], allow_private_urls: bool = False) -> Message:
    """Put a question and its pictures together; says on stderr what a picture leaves out.

    Args:
        question: What is asked.
        images: Files, and addresses on the web.
        allow_private_urls: Whether addresses of one's own network may be among them.

    Raises:
        AttachmentError: A file is missing or no picture, or cannot be fetched.
    """
    pictures = tuple(
        read_picture(source)
        if isinstance(source, Path)
        else fetch_picture(source, allow_private_urls)
        for source in images
    )
    for words in filter(None, map(describe_frames, pictures)):
        _tell(f"{words} {ANOTHER_FRAME}")
    return Message(Role.USER, question, pictures)


def answer(engine: Engine, settings: Settings, asked: Message, as_json: bool) -> None:
    """Load the model and print its answer: as it comes, or as one JSON object at the end.

    Notices and progress go to stderr.

    Raises:
        Phi3VTuiError: The model cannot be loaded, or cannot answer.
    """
    if sys.stderr.isatty():
        loaded = collect.load(engine, _show_progress)
        print("\x1b[K", end="", file=sys.stderr, flush=True)
    else:
        loaded = collect.load(engine, _log_progress())
    if loaded.notice:
        _tell(loaded.notice)
    request = Request(_messages(settings, asked), settings.sampling, settings.num_crops)
    text, finished = _stream(engine, request, quiet=as_json)
    if as_json:
        _print(f"{_as_json(loaded, asked, text, finished)}\n", quiet=False)
    if words := _CUT_OFF.get(finished.reason):
        _tell(words)


def _messages(settings: Settings, asked: Message) -> tuple[Message, ...]:
    if settings.system_prompt:
        return (Message(Role.SYSTEM, settings.system_prompt), asked)
    return (asked,)


def _stream(engine: Engine, request: Request, quiet: bool) -> tuple[str, Finished]:
    """Wait for the answer, printing it as it comes unless `quiet`."""
    pieces: list[str] = []
    for event in collect.events(engine, request):
        match event:
            case TextDelta():
                pieces.append(event.text)
                _print(event.text, quiet)
            case Failed():
                raise event.error
            case Finished():
                _print("\n", quiet)
                return "".join(pieces), event
    raise ModelError("The answer ended without a result.", "Try again.")


def _print(text: str, quiet: bool) -> None:
    if quiet:
        return
    try:
        # A terminal would obey what a model may have learned to say; a file gets it as it is.
        print(drawable(text) if sys.stdout.isatty() else encodable(text), end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        title = f"The answer cannot be written: {error.strerror}."
        raise OutputError(title, "Make room there, or write it elsewhere.") from error


def _tell(notice: str) -> None:
    with contextlib.suppress(OSError):  # a log that is full is no reason not to answer
        print(drawable(notice), file=sys.stderr, flush=True)


def _show_progress(progress: LoadProgress) -> None:
    # \x1b[K clears what a longer line left behind; one that wraps could not be cleared.
    words = describe_progress(progress)[: shutil.get_terminal_size().columns - 1]
    print(f"\r{words}\x1b[K\r", end="", file=sys.stderr, flush=True)


def _log_progress(clock: Callable[[], float] = time.monotonic) -> Callable[[LoadProgress], None]:
    """Progress for a log: a line now and then of what takes long, and none of what does not."""
    last = clock()

    def show(progress: LoadProgress) -> None:
        nonlocal last
        now = clock()
        if now - last >= _LOG_EVERY_SECONDS:
            last = now
            _tell(describe_progress(progress))

    return show


def _as_json(loaded: Loaded, asked: Message, text: str, finished: Finished) -> str:
    return json.dumps(
        {
            "model": loaded.model,
            "device": loaded.device,
            "question": asked.text,
            "images": [picture.origin for picture in asked.attachments],
            "answer": text,
            "finish_reason": finished.reason,
            "usage": asdict(finished.usage),
            "timings": asdict(finished.timings),
        },
        ensure_ascii=False,
    )
