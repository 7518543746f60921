"""States of the app to take pictures of, and ways to reach them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import Screen

from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import composer, wait_until

Reach = Callable[[Pilot], Awaitable[None]]


@dataclass(frozen=True)
class Look:
    """How large the terminal is, and its colours."""

    size: tuple[int, int]
    theme: str


NARROW_DARK = Look((80, 24), "phi3v-dark")
NARROW_CONTRAST = Look((80, 24), "phi3v-contrast")
WIDE_LIGHT = Look((140, 45), "phi3v-light")

LOOKS = {"narrow-dark": NARROW_DARK, "wide-light": WIDE_LIGHT}


async def _stay(pilot: Pilot) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class State:
    """A moment to look at.

    Attributes:
        reach: What leads there, once the app has settled.
        engine: Makes what answers.
        models: Makes what is listed.
        settings: What differs from the usual ones.
    """

    reach: Reach = _stay
    engine: Callable[[], ScriptedEngine] = lambda: ScriptedEngine(notice=NOTICE)
    models: Callable[[], ScriptedModels] = ScriptedModels
    settings: Mapping[str, object] = field(default_factory=dict)


NOTICE = "This is a small model of coloured shapes."


async def settle(pilot: Pilot) -> None:
    """Wait for the first paint and, where it loads at once, for the model."""
    app = pilot.app
    await wait_until(pilot, lambda: app.chat.is_mounted and app.chat.query("#status-left"))
    composer(app).cursor_blink = False
    await wait_until(pilot, lambda: app.chat.status.model or app.chat.engine.is_asked_to_load)


async def press_for(pilot: Pilot, key: str, screen: type[Screen]) -> None:
    """Press a key, and wait for the screen that it opens."""
    await pilot.press(key)
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def picture_drawn(pilot: Pilot, preview: ImagePreview | Screen) -> None:
    """Wait until a picture has its cells."""
    canvas = preview.query_one(".canvas")
    await wait_until(pilot, lambda: canvas.children and canvas.children[0].size.width > 1)


async def draft_takes(pilot: Pilot, tokens: int) -> None:
    """Wait until the meter has seen all of the draft: word of it reaches the meter in its time."""
    status = pilot.app.chat.status
    await wait_until(pilot, lambda: status.draft and status.draft.number == tokens)


def picture(name: str) -> Path:
    """One of the pictures in the working folder."""
    return Path.cwd() / name
