"""What all pictures share: nothing in them is of today or of this machine."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, TextArea

from phi3v_tui.ui.generation import Generation
from tests.ui.looks.scene import Look, State, settle
from tests.ui.steps import wait_until

Shows = Callable[[State, Look], bool]
_DRAWING = ("count", "decode", "draw", "list", "look", "read", "show")
_ASSETS = Path(__file__).parents[3] / "assets"


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Generation, "tokens_per_second", lambda self: 31.4)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder with some pictures in `~/Pictures`, which is the working folder."""
    folder = tmp_path / "Pictures"
    (folder / "Holidays").mkdir(parents=True)
    for name in ("after.png", "before.png", "chart.png"):
        shutil.copy(_ASSETS / name, folder)
    (folder / "notes.txt").write_text("No picture.\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)


@pytest.fixture
def shows(snap_compare, make_app, settings) -> Shows:
    """Reach a state, and compare it with the picture of it that was kept."""

    def compare(state: State, look: Look) -> bool:
        async def reach(pilot) -> None:
            await settle(pilot)
            await state.reach(pilot)
            await _come_to_rest(pilot)

        app = make_app(
            engine=state.engine(),
            models=state.models(),
            settings=replace(settings, theme=look.theme, **state.settings),
        )
        return snap_compare(app, terminal_size=look.size, run_before=reach)

    return compare


async def _come_to_rest(pilot: Pilot) -> None:
    """Hold cursors, and let what is being drawn be drawn."""
    for screen in pilot.app.screen_stack:
        for field in screen.query("Input, TextArea").results(Input | TextArea):
            field.cursor_blink = False
    workers = pilot.app.workers
    await wait_until(pilot, lambda: not [w for w in workers if w.group in _DRAWING])
    pictures = [p for p in pilot.app.screen.query(".canvas > *") if _is_displayed(p)]
    await wait_until(pilot, lambda: all(picture.size.width > 1 for picture in pictures))


def _is_displayed(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self)
