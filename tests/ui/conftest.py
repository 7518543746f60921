"""What the interface's tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.settings import Settings
from phi3v_tui.ui.app import Phi3VApp
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_models import ScriptedModels

MakeApp = Callable[..., Phi3VApp]


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", theme="phi3v-dark")


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("TMUX", raising=False)


@pytest.fixture
def make_app(engine: ScriptedEngine, settings: Settings) -> MakeApp:
    def make(pictures: list[Path] | None = None, resume: bool = False, **changes) -> Phi3VApp:
        arguments = {
            "engine": engine,
            "settings": settings,
            "models": ScriptedModels(),
            "image_mode": ImageMode.HALFCELL,
        }
        return Phi3VApp(pictures=pictures, resume=resume, **{**arguments, **changes})

    return make


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A picture file with a space in its name: 640 x 480, a red circle and a blue square."""
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 120, 300, 360), fill="red")
    draw.rectangle((380, 180, 540, 340), fill="blue")
    path = tmp_path / "my shapes.png"
    image.save(path)
    return path


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A picture file, 900 x 700, three bars."""
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    for index, (height, colour) in enumerate([(300, "teal"), (520, "salmon"), (180, "olive")]):
        draw.rectangle((100 + index * 250, 620 - height, 260 + index * 250, 620), fill=colour)
    path = tmp_path / "chart.png"
    image.save(path)
    return path
