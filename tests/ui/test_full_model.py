"""The full model: offered, downloaded beside the chat, and put in place of the small one."""

import threading

import pytest
from textual.widgets import Static

from phi3v_tui.engine.models import ModelChoice
from phi3v_tui.errors import ModelError
from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.screens import chat
from phi3v_tui.ui.screens.chat import ChatScreen
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.widgets import full_model_line
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel
from tests.ui.scripted_models import FULL, ScriptedModels
from tests.ui.steps import answers, ask, composer, drawn, notes, submit, wait_until

NAME = "Phi-3.5-vision-instruct-vision"
NO_NETWORK = ModelError("The hub cannot be reached.", "Try again. What came is kept.")


@pytest.fixture
def full_model() -> ScriptedFullModel:
    return ScriptedFullModel()


@pytest.fixture
def models(full_model) -> ScriptedModels:
    return ScriptedModels(full_model=full_model)


@pytest.fixture
def app(make_app, models) -> Phi3VApp:
    return make_app(models=models)


def line(app: Phi3VApp) -> str:
    """What the line of the download says; nothing where it is hidden."""
    return drawn(app.chat.full_model) if app.chat.full_model.display else ""


def status(app: Phi3VApp) -> str:
    return drawn(app.chat.query_one("#status-left", Static))


def is_asking(app: Phi3VApp) -> bool:
    return isinstance(app.screen, DownloadOfferScreen)


async def choose(pilot, app: Phi3VApp, keys: str) -> None:
    await wait_until(pilot, lambda: is_asking(app))
    await pilot.press(*keys.split())
    await wait_until(pilot, lambda: not is_asking(app))


def runs(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


YES, NEVER = "shift+tab enter", "tab enter"


async def test_the_question_says_how_much_and_where_to(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: is_asking(app))
        words = " ".join(drawn(text) for text in app.screen.query(Static))
        for part in ("Phi-3.5-vision-instruct", "8.3 GB", "/big/disk/hub", "120.0 GB", "It fits:"):
            assert part in words
        for button in app.screen.query("Button"):
            assert app.screen.region.contains_region(button.region)


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        ("enter", ["offer"]),
        ("escape", ["offer"]),
        (NEVER, ["offer", "never"]),
        (YES, ["offer", "download"]),
        ("left enter", ["offer", "download"]),
        ("right enter", ["offer", "never"]),
        ("y n q x escape", ["offer"]),
    ],
)
async def test_answers(app, full_model, keys, heard):
    async with app.run_test() as pilot:
        await choose(pilot, app, keys)
        assert full_model.heard == heard
        assert bool(line(app)) is ("download" in heard)
        assert composer(app).has_focus


async def test_nothing_to_offer(make_app):
    full_model = ScriptedFullModel(offer=None)
    app = make_app(models=ScriptedModels(full_model=full_model))
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: full_model.heard and not runs("offer"))
        assert not is_asking(app)
        assert line(app) == ""


async def test_who_types_is_not_interrupted(make_app, models, monkeypatch):
    monkeypatch.setattr(full_model_line, "_LOOK_EVERY_SECONDS", 0.01)
    looks = []
    may_ask = ChatScreen._may_ask

    def look(chat: ChatScreen) -> bool:
        looks.append(may_ask(chat))
        return looks[-1]

    monkeypatch.setattr(ChatScreen, "_may_ask", look)
    engine = ScriptedEngine(loaded=False)
    app = make_app(engine=engine, models=models)
    async with app.run_test() as pilot:
        await pilot.press("h", "i")
        engine.finish_loading()
        await wait_until(pilot, lambda: len(looks) > 3)
        assert looks == [False] * len(looks)
        assert not is_asking(app)
        await pilot.press("backspace", "backspace")
        await wait_until(pilot, lambda: is_asking(app))


async def test_a_download_beside_the_chat(app, engine, full_model, models):
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, app, YES)
        full_model.progress(1_240_000_000)
        await wait_until(pilot, lambda: "1.2 of 8.3 GB" in line(app))
        assert line(app) == (
            "Full model: Downloading 1.2 of 8.3 GB (14 %) · 45.6 MB/s · 3 min left"
        )
        await submit(pilot, app, "Hello")
        engine.say("Still the small one.")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert "Scripted-vision" in status(app)

        full_model.arrive()
        await wait_until(pilot, lambda: models.made)
        (full,) = models.made
        assert models.choices == [ModelChoice(FULL, "auto")]
        assert line(app) == ""
        full.progress("Reading weights", 3_000_000_000, 8_000_000_000)
        await wait_until(pilot, lambda: "Reading weights 3.0 of 8.0 GB" in status(app))
        full.finish_loading()
        await wait_until(pilot, lambda: NAME in status(app))
        (notice,) = app._notifications
        assert "taken by itself" in notice.message
        assert "config.toml" not in notice.message
        assert engine.closed
        assert app.chat.status.tokens_per_second is None
        assert any(f"{NAME} answers from here on" in note for note in notes(app))

        await submit(pilot, app, "And now?")
        await wait_until(pilot, lambda: full.requests)
        said = [message.text for message in full.requests[0].messages]
        assert said == ["Hello", "Still the small one.", "And now?"]
        full.say("The full one.")
        full.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        assert answers(app)[-1].startswith(NAME)
        assert len(engine.requests) == 1


async def test_an_answer_under_way_is_not_cut_off(app, engine, full_model, models, monkeypatch):
    monkeypatch.setattr(chat, "_LOOK_EVERY_SECONDS", 0.01)
    async with app.run_test() as pilot:
        await choose(pilot, app, YES)
        await ask(pilot, app, engine, "Hello")
        engine.say("It is ")
        full_model.arrive()
        await wait_until(pilot, lambda: line(app) == "")
        assert "Scripted-vision" in status(app)
        assert not models.made
        engine.say("a circle.")
        engine.finish()
        await wait_until(pilot, lambda: models.made)
        models.made[0].finish_loading()
        await wait_until(pilot, lambda: NAME in status(app))
        assert any("It is a circle." in answer for answer in answers(app))


async def test_a_download_that_fails_can_be_tried_again(app, full_model):
    async with app.run_test() as pilot:
        await choose(pilot, app, YES)
        full_model.fail(NO_NETWORK)
        await wait_until(pilot, lambda: any("cannot be reached" in note for note in notes(app)))
        assert any("Ctrl+P starts the download again." in note for note in notes(app))
        assert line(app) == ""
        assert "Scripted-vision" in status(app)
        (again,) = (c for c in app.get_system_commands(app.chat) if c.title.startswith("Download"))
        again.callback()
        full_model.progress(10**9)
        await wait_until(pilot, lambda: "1.0 of 8.3 GB" in line(app))
        assert full_model.heard == ["offer", "download", "download"]


async def test_a_download_can_be_stopped(app, full_model):
    async with app.run_test() as pilot:
        await choose(pilot, app, YES)
        titles = [command.title for command in app.get_system_commands(app.chat)]
        assert "Stop the download" in titles
        assert "Download the full model" not in titles
        app.chat.full_model.stop()
        await wait_until(pilot, lambda: line(app) == "")
        assert full_model.heard == ["offer", "download", "stop"]
        titles = [command.title for command in app.get_system_commands(app.chat)]
        assert "Download the full model" in titles


async def test_a_model_that_cannot_be_loaded_gives_way_to_the_small_one(app, full_model, models):
    async with app.run_test() as pilot:
        await choose(pilot, app, YES)
        full_model.arrive()
        await wait_until(pilot, lambda: models.made)
        models.made[0].fail_loading(ModelError("The memory is full.", "Close programs."))
        await wait_until(pilot, lambda: any("memory is full" in note for note in notes(app)))
        assert models.choices[-1] == ModelChoice("demo", "auto")
        small = models.made[-1]
        small.finish_loading()
        await ask(pilot, app, small, "Hello")


async def test_it_is_offered_once(app, engine, full_model):
    async with app.run_test() as pilot:
        await choose(pilot, app, "enter")
        engine.unload(10)
        engine.finish_loading()
        await submit(pilot, app, "Hello")
        await wait_until(pilot, lambda: engine.requests)
        assert full_model.heard == ["offer"]


async def test_not_now_leaves_it_in_the_palette(app):
    async with app.run_test() as pilot:
        await choose(pilot, app, "enter")
        titles = [command.title for command in app.get_system_commands(app.chat)]
        assert "Download the full model" in titles


async def test_without_one_there_is_no_trace(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: "Scripted-vision" in status(app))
        assert line(app) == ""
        titles = [command.title for command in app.get_system_commands(app.chat)]
        assert not any("ownload" in title for title in titles)
