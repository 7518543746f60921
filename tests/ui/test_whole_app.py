"""The app with nothing stood in for: keys, the bundled model, the history on the disk.

The words of the answers are the checkpoint's own, and it may be trained again; so only what is
plainly in a picture is looked for in them.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import StreamEvent, TextDelta
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.local_models import LocalModels
from phi3v_tui.phi3v import weights
from phi3v_tui.settings import Settings
from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.screens.models import ModelList, ModelsScreen
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.steps import (
    answers,
    attach,
    attached,
    drawn,
    notes,
    notices,
    prompts,
    submit,
    wait_until,
)

MODEL_SECONDS = 120
"""To load, or to answer, where other work keeps the machine busy."""


class HeldEngine(LocalEngine):
    """The real engine, which stops after a few pieces of an answer until it is let go on."""

    def __init__(self) -> None:
        super().__init__("demo", device="cpu")
        self.go_on = threading.Event()

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        pieces = 0

        def held(event: StreamEvent) -> None:
            nonlocal pieces
            emit(event)
            pieces += isinstance(event, TextDelta)
            if pieces == 3:
                self.go_on.wait(MODEL_SECONDS)

        super().stream(request, held)


@pytest.fixture
def start(make_app) -> Iterator[Callable[..., Phi3VApp]]:
    """Makes an app as the command line does, with an engine that is closed in the end."""
    engines: list[LocalEngine] = []

    def make(engine: LocalEngine | None = None, **arguments) -> Phi3VApp:
        engines.append(engine or LocalEngine("demo", device="cpu"))
        return make_app(engine=engines[-1], **arguments)

    yield make
    for engine in engines:
        engine.close()


def _draw(path: Path, shape: str, colour: str) -> Path:
    image = Image.new("RGB", (320, 320), "white")
    draw = getattr(ImageDraw.Draw(image), shape)
    draw((80, 80, 240, 240), fill=colour)
    image.save(path)
    return path


async def _ask(pilot, app: Phi3VApp, text: str) -> str:
    """Ask, and wait for the whole answer; gives its text in small letters."""
    count = len(answers(app))
    await submit(pilot, app, text)
    await wait_until(
        pilot,
        lambda: len(answers(app)) > count and not app.chat.is_answering,
        MODEL_SECONDS,
    )
    return app.chat.conversation.path()[-1].message.text.lower()


def _said(app: Phi3VApp) -> list[str]:
    return [turn.message.text for turn in app.chat.conversation.path()]


@pytest.mark.parametrize("colour", ["red", "blue"])
async def test_answer_is_about_the_picture(start, tmp_path, colour):
    app = start(pictures=[_draw(tmp_path / "drawn.png", "ellipse", colour)])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app))
        assert colour in await _ask(pilot, app, "What colour is the circle?")


async def test_conversation_about_two_pictures_is_saved_and_found_again(start, tmp_path):
    circle = _draw(tmp_path / "red circle.png", "ellipse", "red")
    square = _draw(tmp_path / "blue square.png", "rectangle", "blue")
    app = start()
    async with app.run_test(size=(120, 40)) as pilot:
        await attach(pilot, app, circle)
        assert "red" in await _ask(pilot, app, "What colour is the circle?")
        await attach(pilot, app, square)
        assert await _ask(pilot, app, "What is the difference between the two pictures?")
        assert await _ask(pilot, app, "What can you do?")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Saved" in notices(app))
        said, shown = _said(app), answers(app)
    (transcript,) = Path.cwd().glob("*.md")
    assert all(line in transcript.read_text() for line in said[1].splitlines())
    saved = sorted(path.read_bytes() for path in Path.cwd().rglob("*.png"))
    assert saved == sorted([circle.read_bytes(), square.read_bytes()])

    app = start(resume=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until(pilot, lambda: len(answers(app)) == 3)
        assert _said(app) == said
        assert "1 red circle.png" in prompts(app)[0]
        assert "2 blue square.png" in prompts(app)[1]
        assert [_body(answer)[0] for answer in answers(app)] == [_body(text)[0] for text in shown]
        preview = app.chat.query_one("#preview", ImagePreview)
        assert preview.attachment.data == square.read_bytes()
        assert await _ask(pilot, app, "What colour is the circle in the first picture?")
        assert "tokens" in drawn(preview)
        assert len(_said(app)) == 8


def _body(answer: str) -> list[str]:
    """An answer as drawn, without the name of who speaks."""
    return answer.splitlines()[1:]


async def test_the_conversation_goes_on_with_another_model(start, tmp_path, settings):
    folder = shutil.copytree(weights.BUNDLED, tmp_path / "a copy")
    made: list[LocalEngine] = []

    def engine_for(settings: Settings, instead_of: LocalEngine | None) -> LocalEngine:
        made.append(LocalEngine(settings.model, "cpu", settings.quantize, instead_of=instead_of))
        return made[-1]

    first = LocalEngine("demo", device="cpu")
    models = LocalModels(settings, engine_for)
    app = start(first, models=models, pictures=[_draw(tmp_path / "drawn.png", "ellipse", "red")])
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        answer = await _ask(pilot, app, "What colour is the circle?")
        await submit(pilot, app, f"/model {folder}")
        await wait_until(pilot, lambda: app.chat.status.model == "a copy · cpu", MODEL_SECONDS)
        assert any("a copy answers from here on" in note for note in notes(app))
        assert await _ask(pilot, app, "What is in this picture?")
        assert app.chat.conversation.path()[-1].model == "a copy"
        await pilot.press("f9")
        await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        options = app.screen.query_one(ModelList)
        await wait_until(pilot, lambda: options.option_count == 4)
        assert str(options.get_option_at_index(3).prompt).startswith("● a copy")
        await pilot.press("up", "up", "up", "enter")
        await wait_until(pilot, lambda: app.chat.status.model == "Demo model · cpu", MODEL_SECONDS)
        await pilot.press("ctrl+n")
        await attach(pilot, app, tmp_path / "drawn.png")
        assert await _ask(pilot, app, "What colour is the circle?") == answer
    for engine in made:
        engine.close()


async def test_stopped_answer_is_found_again_as_far_as_it_came(start, tmp_path):
    engine = HeldEngine()
    app = start(engine, pictures=[_draw(tmp_path / "drawn.png", "ellipse", "red")])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app))
        await submit(pilot, app, "Describe this picture.")
        await wait_until(
            pilot, lambda: app.chat.is_answering and app.chat.answering.current.text, MODEL_SECONDS
        )
        await pilot.press("escape")
        engine.go_on.set()
        await wait_until(pilot, lambda: "stopped" in answers(app)[0])
        _, partial = _said(app)
        assert partial

    app = start(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert _said(app) == ["Describe this picture.", partial]
        assert "stopped" in answers(app)[0]
        await wait_until(pilot, lambda: app.chat.status.model, MODEL_SECONDS)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(_said(app)[-1]) > len(partial), MODEL_SECONDS)
        await wait_until(pilot, lambda: not app.chat.is_answering, MODEL_SECONDS)
        assert _said(app)[-1].startswith(partial)
        assert "stopped" not in answers(app)[0]
