"""How the chat looks."""

import threading

import pytest

from phi3v_tui.errors import ContextFullError
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.widgets import downloads
from phi3v_tui.ui.widgets.search_bar import SearchBar
from tests.ui.looks.scene import LOOKS, NARROW_CONTRAST, State, draft_takes, picture
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import (
    answers,
    ask,
    attach,
    composer,
    drawn,
    finish_answer,
    meter_shows,
    notes,
    submit,
    talk,
    wait_until,
)

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
ADDRESS = "https://example.org/harbour/2024/cranes-at-night.png"


async def _ask_about_picture(pilot) -> ScriptedEngine:
    app = pilot.app
    await attach(pilot, app, picture("before.png"))
    await ask(pilot, app, app.chat.engine, "What do you see?\nBe brief.")
    return app.chat.engine


async def _answered(pilot) -> None:
    app = pilot.app
    engine = await _ask_about_picture(pilot)
    await finish_answer(pilot, app, engine, *ANSWER.splitlines(keepends=True))
    await meter_shows(pilot, app, "147")


async def _begin_answer(pilot) -> None:
    engine = pilot.app.chat.engine
    engine.prefill(1200, 1200)
    engine.say("A **red circle** lies\n\n", "to the **left** of")
    await wait_until(pilot, lambda: "left** of▍" in answers(pilot.app)[0])


async def _streaming_with_draft(pilot) -> None:
    await _ask_about_picture(pilot)
    await _begin_answer(pilot)
    await attach(pilot, pilot.app, picture("chart.png"))
    composer(pilot.app).text = "And what about this one?"
    await draft_takes(pilot, 1931)


async def _failed(pilot) -> None:
    engine = await _ask_about_picture(pilot)
    engine.fail(ContextFullError("The prompt takes 9,000 tokens; 8,192 fit.", "Shorten it."))
    await wait_until(pilot, lambda: notes(pilot.app))
    await meter_shows(pilot, pilot.app, "106")


async def _talked(pilot) -> None:
    app, engine = pilot.app, pilot.app.chat.engine
    await talk(
        pilot, app, engine, "How do I read a picture in Python?", "With *Pillow*:\n\n" + CODE
    )
    await talk(pilot, app, engine, "Is the red circle the larger one?", "Yes, the **red** one.")


CODE = """```python
from PIL import Image
image = Image.open("red.png")
```"""


async def _chosen(pilot) -> None:
    await _talked(pilot)
    await pilot.press("ctrl+up", "up", "up")
    await wait_until(pilot, lambda: "K copies code" in str(composer(pilot.app).border_subtitle))


async def _branched(pilot) -> None:
    app, engine = pilot.app, pilot.app.chat.engine
    await talk(pilot, app, engine, "What is this?", "A circle.")
    for number, other in enumerate(("A disc, seen from above.", "Perhaps a ball."), 2):
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda count=number: len(engine.requests) == count)
        await finish_answer(pilot, app, engine, other)
    await pilot.press("ctrl+up", "left")
    await wait_until(pilot, lambda: "‹2/3›" in answers(app)[0])
    await wait_until(pilot, lambda: "versions" in str(composer(app).border_subtitle))


async def _waiting(pilot) -> None:
    await ask(pilot, pilot.app, pilot.app.chat.engine, "What do you know?")
    await _begin_answer(pilot)
    await submit(pilot, pilot.app, "Which of the two is the larger one?")
    await submit(pilot, pilot.app, "And say in one long sentence where it lies, " + "please " * 20)


async def _searching(pilot) -> None:
    await _talked(pilot)
    await pilot.press("ctrl+f", *"red")
    bar = pilot.app.chat.query_one(SearchBar)
    await wait_until(pilot, lambda: "3 of 3" in drawn(bar))
    await pilot.press("up")
    await wait_until(pilot, lambda: "2 of 3" in drawn(bar))


async def _loading(pilot) -> None:
    app, engine = pilot.app, pilot.app.chat.engine
    await submit(pilot, app, "What is this?")
    engine.progress("Reading the weights", 3_100_000_000, 8_293_242_880)
    await wait_until(pilot, lambda: "3.1 of" in app.chat.status.activity)


async def _downloading(pilot) -> None:
    app = pilot.app
    await wait_until(pilot, lambda: isinstance(app.screen, DownloadOfferScreen))
    await pilot.press("left", "enter")
    await wait_until(pilot, lambda: app.screen is app.chat)
    app.chat.full_model._model.progress(1_240_000_000)
    await wait_until(pilot, lambda: "1.2 of" in str(app.chat.full_model.render()))


@pytest.fixture(autouse=True)
def _pictures_never_arrive(monkeypatch):
    def fetch_picture(url, allow_private, progress, is_given_up):
        progress(410_000, 1_300_000)
        threading.Event().wait()

    monkeypatch.setattr(downloads, "fetch_picture", fetch_picture)


async def _fetching(pilot) -> None:
    await submit(pilot, pilot.app, f"/attach {ADDRESS}")
    await wait_until(pilot, lambda: "of 1.3 MB" in drawn(pilot.app.chat.downloads))


STATES = {
    "greeting": State(),
    "answer": State(_answered),
    "draft-while-streaming": State(_streaming_with_draft),
    "error": State(_failed),
    "chosen-message": State(_chosen),
    "branches": State(_branched),
    "waiting-prompts": State(_waiting),
    "search": State(_searching),
    "loading": State(_loading, engine=lambda: ScriptedEngine(loaded=False)),
    "download": State(_downloading, models=lambda: ScriptedModels(full_model=ScriptedFullModel())),
    "fetching": State(_fetching),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_chat(shows, state, look):
    assert shows(STATES[state], LOOKS[look])


@pytest.mark.parametrize("state", ["chosen-message", "error", "search"])
def test_chat_in_high_contrast(shows, state):
    assert shows(STATES[state], NARROW_CONTRAST)
