"""The real program with real keys on a pseudo-terminal; nothing is stood in for."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.support.terminal import Terminal, app_environ

SIZES = [(80, 24), (140, 45)]
ENDLESS_TOKENS = 50_000
"""More than a checkpoint of random weights says before a test has stopped it."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder of the test's own."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts the program on the bundled checkpoint, or on another one."""
    with ExitStack() as running:

        def begin(
            *arguments: str,
            size: tuple[int, int] = SIZES[0],
            model: Path | str = "demo",
            **options: Any,
        ) -> Terminal:
            environ = app_environ(home) | {"PHI3V_TUI_MAX_NEW_TOKENS": str(ENDLESS_TOKENS)}
            terminal = Terminal(app_command(model, *arguments), *size, environ, home, **options)
            return running.enter_context(terminal)

        yield begin


def app_command(model: Path | str, *arguments: str) -> list[str]:
    """The program as people start it."""
    return [sys.executable, "-m", "phi3v_tui", "--model", str(model), "--device", "cpu", *arguments]


@pytest.fixture
def circle(home: Path) -> Path:
    """A red circle on white."""
    return draw(home / "circle.png", "ellipse", "red")


@pytest.fixture
def square(home: Path) -> Path:
    """A blue square on white, in a file with a space in its name."""
    return draw(home / "my square.png", "rectangle", "blue")


def draw(path: Path, shape: str, colour: str) -> Path:
    """Draw one shape."""
    image = Image.new("RGB", (320, 320), "white")
    getattr(ImageDraw.Draw(image), shape)((80, 80, 240, 240), fill=colour)
    image.save(path)
    return path


def ask(terminal: Terminal, text: str) -> str:
    """Ask, and wait for the whole answer; gives the screen below the question."""
    terminal.type(text)
    terminal.press("enter")
    return below(terminal.wait_for(lambda screen: " tokens in " in below(screen, text)), text)


def below(screen: str, text: str) -> str:
    """What the screen shows below the last place of a text; nothing where it is not shown."""
    return screen.rpartition(text)[2] if text in screen else ""


def stored_replies(home: Path) -> list[tuple[str, str]]:
    """(text, state) of each reply in the history, read beside the program that writes it."""
    path = home / "data" / "phi3v-tui" / "history.sqlite3"
    if not path.exists():
        return []
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
        # The program may be about to make the tables.
        suppress(sqlite3.OperationalError),
    ):
        return connection.execute(
            "SELECT text, state FROM turns WHERE role = 'assistant' ORDER BY position"
        ).fetchall()
    return []


@pytest.fixture(scope="session")
def endless(tiny_checkpoint_35: Path) -> Path:
    """A checkpoint of random weights, whose answers go on until the context is full."""
    return tiny_checkpoint_35
