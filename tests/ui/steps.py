"""Steps that many tests take."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from phi3v_tui.engine.events import FinishReason
from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.widgets.attachment_bar import AttachmentBar
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.message_view import AnswerView, NoteView, PromptView
from tests.ui.scripted_engine import ScriptedEngine

TIMEOUT_SECONDS = 10


async def wait_until(
    pilot: Pilot, condition: Callable[[], object], seconds: float = TIMEOUT_SECONDS
) -> None:
    """Let the app work until a condition holds; fail if it never does."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.005)
    await pilot.pause()


def composer(app: Phi3VApp) -> Composer:
    return app.chat.query_one(Composer)


def attached(app: Phi3VApp) -> list[str]:
    """The names of the pictures that will go with the next prompt."""
    return [attachment.name for attachment in app.chat.query_one(AttachmentBar).attachments]


async def submit(pilot: Pilot, app: Phi3VApp, text: str) -> None:
    """Put text into the composer and press Enter."""
    composer(app).text = text
    composer(app).move_cursor(composer(app).document.end)
    composer(app).focus()
    await pilot.press("enter")


async def ask(
    pilot: Pilot, app: Phi3VApp, engine: ScriptedEngine, text: str = "What is this?"
) -> None:
    """Submit a prompt, and wait until the engine is asked."""
    count = len(engine.requests)
    await submit(pilot, app, text)
    await wait_until(pilot, lambda: len(engine.requests) == count + 1)


async def begin_loading(
    pilot: Pilot, app: Phi3VApp, engine: ScriptedEngine, doing: str, *figures: int
) -> None:
    """Wait until the engine is to load, and let it say what it does."""
    await wait_until(pilot, lambda: engine.is_asked_to_load)
    engine.progress(doing, *figures)
    await wait_until(pilot, lambda: app.chat.answering.loading)


async def finish_answer(
    pilot: Pilot,
    app: Phi3VApp,
    engine: ScriptedEngine,
    *pieces: str,
    reason: FinishReason = FinishReason.STOP,
) -> None:
    """Let the engine say the rest of an answer and finish it."""
    engine.say(*pieces)
    engine.finish(reason)
    await wait_until(pilot, lambda: not app.chat.is_answering)


async def talk(pilot: Pilot, app: Phi3VApp, engine: ScriptedEngine, text: str, answer: str) -> None:
    """Ask, and let the engine answer."""
    await ask(pilot, app, engine, text)
    await finish_answer(pilot, app, engine, answer)


async def paste(pilot: Pilot, app: Phi3VApp, text: str) -> None:
    """Paste as a terminal with bracketed paste does."""
    composer(app).post_message(events.Paste(text))
    await pilot.pause()


async def attach(pilot: Pilot, app: Phi3VApp, path: Path) -> None:
    """Paste a picture's path and wait for the chip."""
    count = len(attached(app))
    await paste(pilot, app, f"'{path}'")
    await wait_until(pilot, lambda: len(attached(app)) == count + 1)


def prompts(app: Phi3VApp) -> list[str]:
    """The prompts in the log, as they are drawn."""
    return [drawn(view) for view in app.chat.query(PromptView)]


def answers(app: Phi3VApp) -> list[str]:
    """The answers in the log, as they are drawn."""
    return [drawn(view) for view in app.chat.query(AnswerView)]


def notes(app: Phi3VApp) -> list[str]:
    """The app's own sentences in the log, as they are drawn."""
    return [drawn(view) for view in app.chat.query(NoteView)]


def notices(app: Phi3VApp) -> str:
    """What the toasts say."""
    return "\n".join(f"{notice.title} {notice.message}" for notice in app._notifications)


def figures(app: Phi3VApp) -> str:
    """The right half of the status line."""
    return drawn(app.chat.status.query_one("#status-right"))


async def meter_shows(pilot: Pilot, app: Phi3VApp, words: str) -> None:
    """Wait until the context meter shows something, and say what it shows if it never does."""
    try:
        await wait_until(pilot, lambda: words in figures(app))
    except TimeoutError as error:
        raise AssertionError(f"{words!r} is not in {figures(app)!r}") from error


def drawn(widget) -> str:
    """The text of a widget and those in it that are displayed."""
    if not widget.display:
        return ""
    children = "\n".join(filter(None, (drawn(child) for child in widget.children)))
    own = "" if widget.children else str(widget.render())
    return "\n".join(filter(None, (own, children)))


def screen_text(app: Phi3VApp) -> str:
    """What the terminal shows, a line for each row."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip) for strip in strips)
