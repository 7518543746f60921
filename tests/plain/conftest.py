"""A conversation line by line with an engine that answers by itself."""

import io
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import StreamEvent
from phi3v_tui.plain.console import Console
from phi3v_tui.plain.model import Model
from phi3v_tui.plain.session import PlainSession
from phi3v_tui.settings import Settings
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_models import ScriptedModels


class PromptEngine(ScriptedEngine):
    """Does what a test has put down for each request; afterwards it answers with their number."""

    def __init__(self, *scripts: Callable[["PromptEngine"], None], loaded: bool = True) -> None:
        super().__init__(loaded, notice="A small one.")
        self._scripts = list(scripts)

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        super().stream(request, emit)
        if self._scripts:
            self._scripts.pop(0)(self)
        else:
            self.say(f"Answer {len(self.requests)}.")
            self.finish()

    def interrupt(self) -> None:
        """Press Ctrl+C once what was said before has come, and an answer is waited for."""
        self._events.put(_press_ctrl_c)


def _press_ctrl_c() -> None:
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)


class Lines:
    """Lines of input; what is callable among them happens once it would be read."""

    def __init__(self, *lines: str | Callable[[], None]) -> None:
        self._lines = iter(lines)

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        for line in self._lines:
            if isinstance(line, str):
                return f"{line}\n"
            line()
        return ""


class Held:
    """What a conversation left behind."""

    def __init__(self, session: PlainSession, out: io.StringIO, states: io.StringIO) -> None:
        self.session = session
        self.out = out.getvalue()
        self.states = states.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def hold(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Hold a conversation of these lines to its end; `changes` are of the settings."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def hold(
        *lines: str | Callable[[], None],
        engine: PromptEngine | None = None,
        models: ScriptedModels | None = None,
        pictures: list[Path] | None = None,
        resume: bool = False,
        **changes: object,
    ) -> Held:
        out, states = io.StringIO(), io.StringIO()
        console = Console(Lines(*lines), out, states)
        session = PlainSession(
            console,
            Model(engine or PromptEngine()),
            replace(settings, **changes),
            models or ScriptedModels(),
        )
        session.start(pictures or [], resume)
        session.hold()
        session.keep_before_leaving()
        return Held(session, out, states)

    return hold


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my shapes.png"
    Image.new("RGB", (64, 48), "red").save(path)
    return path
