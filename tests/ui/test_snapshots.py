"""How the main states look. After a wanted change: pytest tests/ui --snapshot-update, then look."""

from dataclasses import replace
from pathlib import Path

import pytest

from phi3v_tui.errors import ContextFullError
from phi3v_tui.ui.generation import Generation
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.help import HelpScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.screens.models import ModelList, ModelsScreen
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import answers, attach, composer, drawn, meter_shows, notes, submit, wait_until

NARROW = (80, 24)
WIDE = (140, 45)

ANSWER = """A **red circle** lies to the left of a blue square.

1. The circle is *larger*.
2. The square has sharp corners.

| shape | colour |
|---|---|
| circle | red |
| square | blue |

```python
print("code")
```
"""


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr(Generation, "tokens_per_second", lambda self: 31.4)


@pytest.fixture
def dark(make_app):
    return make_app(engine=ScriptedEngine(notice="This is a small model of coloured shapes."))


@pytest.fixture
def light(make_app, settings):
    return make_app(
        engine=ScriptedEngine(notice="This is a small model of coloured shapes."),
        settings=replace(settings, theme="phi3v-light"),
    )


async def _settle(pilot) -> None:
    app = pilot.app
    await wait_until(pilot, lambda: app.chat.is_mounted and app.chat.query("#status-left"))
    composer(app).cursor_blink = False
    await wait_until(pilot, lambda: "Scripted" in app.chat.status.model)


async def _picture_drawn(pilot, preview: ImagePreview) -> None:
    canvas = preview.query_one(".canvas")
    await wait_until(pilot, lambda: canvas.children and canvas.children[0].size.width > 1)


async def _ask(pilot, path: Path) -> ScriptedEngine:
    await _settle(pilot)
    app = pilot.app
    await attach(pilot, app, path)
    await submit(pilot, app, "What do you see?\nBe brief.")
    engine = app.chat.engine
    await wait_until(pilot, lambda: engine.requests)
    return engine


async def _converse(pilot, path: Path) -> None:
    engine = await _ask(pilot, path)
    app = pilot.app
    engine.say(*ANSWER.splitlines(keepends=True))
    engine.finish()
    await wait_until(pilot, lambda: not app.chat.is_answering)
    await _picture_drawn(pilot, app.chat.query_one("#preview", ImagePreview))
    await meter_shows(pilot, app, "context 147 of")


def test_greeting_narrow_dark(snap_compare, dark):
    assert snap_compare(dark, terminal_size=NARROW, run_before=_settle)


def test_conversation_wide_dark(snap_compare, dark, shapes):
    async def converse(pilot) -> None:
        await _converse(pilot, shapes)

    assert snap_compare(dark, terminal_size=WIDE, run_before=converse)


def test_conversation_wide_light(snap_compare, light, shapes):
    async def converse(pilot) -> None:
        await _converse(pilot, shapes)

    assert snap_compare(light, terminal_size=WIDE, run_before=converse)


def test_streaming_with_a_picture_for_next_time_narrow_light(snap_compare, light, shapes, chart):
    async def stream(pilot) -> None:
        engine = await _ask(pilot, shapes)
        engine.prefill(1200, 1200)
        engine.say("A **red circle** lies\n\n", "to the **left** of")
        await wait_until(pilot, lambda: "left** of▍" in answers(pilot.app)[0])
        await attach(pilot, pilot.app, chart)
        composer(pilot.app).text = "And what about this one?"
        await meter_shows(pilot, pilot.app, "~1.2k+~2.5k")

    assert snap_compare(light, terminal_size=NARROW, run_before=stream)


def test_failure_narrow_dark(snap_compare, dark, shapes):
    async def fail(pilot) -> None:
        engine = await _ask(pilot, shapes)
        engine.fail(ContextFullError("The prompt takes 9,000 tokens; 8,192 fit.", "Shorten it."))
        await wait_until(pilot, lambda: notes(pilot.app))
        await meter_shows(pilot, pilot.app, "+ 106 of")

    assert snap_compare(dark, terminal_size=NARROW, run_before=fail)


def test_file_picker_wide_dark(snap_compare, dark, shapes, chart, monkeypatch):
    monkeypatch.setenv("HOME", str(shapes.parent))
    monkeypatch.chdir(shapes.parent)

    async def pick(pilot) -> None:
        await _settle(pilot)
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, FilePickerScreen))
        pilot.app.screen.query_one("#filter").cursor_blink = False
        await _picture_drawn(pilot, pilot.app.screen.query_one(ImagePreview))

    app = dark
    app.chat._folder = shapes.parent
    assert snap_compare(app, terminal_size=WIDE, run_before=pick)


def _completing():
    async def complete(pilot) -> None:
        await _settle(pilot)
        await pilot.press(*"Compare @")
        await wait_until(pilot, lambda: composer(pilot.app).completion.is_open)
        await pilot.press("down")
        await meter_shows(pilot, pilot.app, "0 + 2 of")

    return complete


def test_completion_narrow_dark(snap_compare, dark, shapes, chart, monkeypatch):
    monkeypatch.chdir(shapes.parent)
    assert snap_compare(dark, terminal_size=NARROW, run_before=_completing())


def test_completion_wide_light(snap_compare, light, shapes, chart, monkeypatch):
    monkeypatch.chdir(shapes.parent)
    assert snap_compare(light, terminal_size=WIDE, run_before=_completing())


def _viewing(path: Path, *keys: str):
    async def view(pilot) -> None:
        await _settle(pilot)
        await attach(pilot, pilot.app, path)
        await pilot.press("f3")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ImageViewerScreen))
        viewer = pilot.app.screen
        await _picture_drawn(pilot, viewer)
        if "m" in keys:
            await pilot.press("m")
            await wait_until(pilot, lambda: "overview" in drawn(viewer))
        await pilot.press(*(key for key in keys if key != "m"))
        await wait_until(pilot, lambda: not [w for w in pilot.app.workers if w.group == "draw"])

    return view


def test_viewer_zoomed_narrow_dark(snap_compare, dark, chart):
    view = _viewing(chart, "plus", "plus", "right")
    assert snap_compare(dark, terminal_size=NARROW, run_before=view)


def test_viewer_as_the_model_gets_it_wide_light(snap_compare, light, chart):
    assert snap_compare(light, terminal_size=WIDE, run_before=_viewing(chart, "m"))


def test_help_narrow_light(snap_compare, light):
    async def help_(pilot) -> None:
        await _settle(pilot)
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))

    assert snap_compare(light, terminal_size=NARROW, run_before=help_)


def test_offer_of_the_full_model_narrow_dark(snap_compare, make_app):
    async def offered(pilot) -> None:
        await _settle(pilot)
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DownloadOfferScreen))

    app = make_app(models=ScriptedModels(full_model=ScriptedFullModel()))
    assert snap_compare(app, terminal_size=NARROW, run_before=offered)


def test_download_of_the_full_model_narrow_light(snap_compare, make_app, settings):
    full_model = ScriptedFullModel()

    async def downloading(pilot) -> None:
        await _settle(pilot)
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DownloadOfferScreen))
        await pilot.press("left", "enter")
        full_model.progress(1_240_000_000)
        await wait_until(pilot, lambda: "1.2 of" in str(pilot.app.chat.full_model.render()))

    models = ScriptedModels(full_model=full_model)
    app = make_app(models=models, settings=replace(settings, theme="phi3v-light"))
    assert snap_compare(app, terminal_size=NARROW, run_before=downloading)


def _models(*keys: str):
    async def list_models(pilot) -> None:
        await _settle(pilot)
        await pilot.press("f9")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen))
        options = pilot.app.screen.query_one(ModelList)
        await wait_until(pilot, lambda: options.option_count)
        await pilot.press(*keys)

    return list_models


def test_models_narrow_dark(snap_compare, dark):
    assert snap_compare(dark, terminal_size=NARROW, run_before=_models("down", "right"))


def test_models_wide_light(snap_compare, light):
    keys = _models("down", "down", "down", "left")
    assert snap_compare(light, terminal_size=WIDE, run_before=keys)
