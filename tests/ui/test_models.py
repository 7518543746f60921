"""The list of models, and the change from one to another."""

from dataclasses import replace

import pytest
from textual.widgets import Static

from phi3v_tui.engine.models import ModelChoice
from phi3v_tui.errors import ModelError
from phi3v_tui.memory import Plan
from phi3v_tui.shapes import PUBLISHED, Quantization
from phi3v_tui.ui.app import Phi3VApp
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.screens.models import ModelList, ModelsScreen, Weights
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.scripted_models import ALL, FULL, OLDER, ROOM, TUNED, ScriptedModels
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    composer,
    drawn,
    finish_answer,
    notes,
    notices,
    submit,
    talk,
    wait_until,
)

TOO_BIG = ModelError("The model does not fit.", "Choose --quantize int4.")
TO_TUNED = "down down down right right enter"


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels()


@pytest.fixture
def app(make_app, models) -> Phi3VApp:
    return make_app(models=models)


def rows(app: Phi3VApp) -> list[str]:
    options = app.screen.query_one(ModelList)
    return [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]


def words(app: Phi3VApp, selector: str) -> str:
    return drawn(app.screen.query_one(selector, Static))


def keys(app: Phi3VApp) -> str:
    return words(app, ".modal-keys")


def status(app: Phi3VApp) -> str:
    return drawn(app.chat.query_one("#status-left", Static))


async def open_list(pilot, app: Phi3VApp) -> None:
    await wait_until(pilot, lambda: app.chat.status.model)
    await pilot.press("f9")
    await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen) and rows(app))


async def change(pilot, app: Phi3VApp, models: ScriptedModels, pressed: str) -> ScriptedEngine:
    """Press keys in the list; gives the engine that is asked for then."""
    count = len(models.made)
    await open_list(pilot, app)
    await pilot.press(*pressed.split())
    await wait_until(pilot, lambda: len(models.made) > count)
    assert app.screen is app.chat
    return models.made[-1]


class TestList:
    async def test_what_each_takes(self, app):
        async with app.run_test(size=(80, 24)) as pilot:
            await open_list(pilot, app)
            demo, full, older, tuned, damaged = rows(app)
            assert demo.startswith("● Demo model")
            assert "6.0 MB" in demo
            assert "none 34.2 MB fits" in demo
            assert "8.3 GB, not here" in full
            assert "3.1 GB of 8.3 GB" in older
            assert "int8" in tuned
            assert "fits" in tuned
            assert "damaged" in damaged
            assert "not known" in damaged
            assert not any("●" in row for row in (full, older, tuned, damaged))
            assert "cuda:0 (a card): 8.0 GB free" in words(app, "#models-room")
            for part in app.screen.query("Static, ModelList"):
                assert app.screen.region.contains_region(part.region)

    async def test_weights_change_what_it_takes(self, app):
        async with app.run_test(size=(80, 24)) as pilot:
            await open_list(pilot, app)
            await pilot.press("down")
            assert "int8 7.1 GB fits" in rows(app)[1]
            offered = [drawn(weights) for weights in app.screen.query(Weights)]
            assert [item.split() for item in offered] == [
                ["auto", "7.1", "GB"],
                ["none", "10.7", "GB", "✗"],
                ["int8", "7.1", "GB"],
                ["int4", "5.5", "GB"],
            ]
            await pilot.press("right")
            assert "none 10.7 GB too big" in rows(app)[1]
            assert "does not fit" in words(app, "#models-about")
            await pilot.press("left", "left")
            assert "int4 5.5 GB fits" in rows(app)[1]
            assert "int4 weights" in words(app, "#models-about")
            assert 'quantize = "int4"' in words(app, "#models-about")
            await pilot.press("down", "up")
            assert "int4 5.5 GB fits" in rows(app)[1]

    async def test_the_mouse_chooses_before_it_takes(self, app, models):
        async with app.run_test(size=(120, 40)) as pilot:
            await open_list(pilot, app)
            await pilot.click(ModelList, offset=(5, 3))
            await wait_until(pilot, lambda: "/models/tuned" in words(app, "#models-about"))
            await pilot.click(app.screen.query(Weights).last())
            assert "int4" in rows(app)[3]
            await pilot.click(ModelList, offset=(5, 3))
            await wait_until(pilot, lambda: models.made)
            assert models.choices == [ModelChoice(TUNED.name, "int4")]

    async def test_a_damaged_one_says_what_is_wrong(self, app, models):
        async with app.run_test() as pilot:
            await open_list(pilot, app)
            await pilot.press("end", "enter")
            await wait_until(pilot, lambda: "cannot be used. It has no [weights]" in keys(app))
            assert "It has no [weights]" in words(app, "#models-about")
            assert not models.made

    async def test_the_one_in_use_is_not_loaded_again_but_held_otherwise(self, app, models):
        async with app.run_test() as pilot:
            await open_list(pilot, app)
            await pilot.press("enter")
            await wait_until(pilot, lambda: "in use already" in keys(app))
            await pilot.press("escape")
            await change(pilot, app, models, "left enter")
            assert models.choices == [ModelChoice("demo", "int4")]

    async def test_who_takes_what_does_not_fit_is_asked_once_more(self, app, models):
        async with app.run_test() as pilot:
            await open_list(pilot, app)
            await pilot.press("down", "down", "down", "right", "enter")
            await wait_until(pilot, lambda: "does not fit now" in keys(app))
            assert not models.made
            await pilot.press("enter")
            await wait_until(pilot, lambda: models.choices == [ModelChoice(TUNED.name, "none")])

    async def test_why_nothing_can_be_listed(self, app, models):
        models.error = ModelError("There is no GPU [7].", "Choose another --device.")
        async with app.run_test() as pilot:
            await pilot.press("f9")
            await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))
            await wait_until(pilot, lambda: "no GPU [7]" in words(app, "#models-room"))
            await pilot.press("right", "enter", "escape")
            await wait_until(pilot, lambda: app.screen is app.chat)

    @pytest.mark.parametrize("size", [(40, 16), (80, 24), (200, 60)])
    async def test_every_size_shows_names_and_memory(self, app, size):
        async with app.run_test(size=size) as pilot:
            await open_list(pilot, app)
            shown = drawn_words(app)
            assert "Phi-3.5-vision-instruct" in shown
            assert "int8 7.1 GB fits" in shown

    async def test_a_long_list_scrolls_and_keeps_its_columns_and_the_keys_in_sight(self, make_app):
        many = tuple(replace(TUNED, name=f"/models/{n:02}-tuned") for n in range(20))
        app = make_app(models=ScriptedModels((*ALL, *many)))
        async with app.run_test(size=(80, 24)) as pilot:
            await open_list(pilot, app)
            await pilot.press("end", "right")
            options = app.screen.query_one(ModelList)
            assert options.virtual_size.height == len(rows(app)) == 25
            assert "19-tuned" in drawn_words(app)
            assert "none 10.7 GB too big" in drawn_words(app)
            keys_line = app.screen.query_one(".modal-keys")
            assert app.screen.region.contains_region(keys_line.region)
            assert keys_line.size.height == 1


def drawn_words(app: Phi3VApp) -> str:
    """The words of the list as they are on the screen, narrow lines joined."""
    options = app.screen.query_one(ModelList)
    strips = [options.render_line(y) for y in range(options.size.height)]
    return " ".join(" ".join(strip.text for strip in strips).split())


class TestChange:
    async def test_the_conversation_goes_on_with_the_other(self, app, engine, models, shapes):
        async with app.run_test(size=(120, 40)) as pilot:
            await talk(pilot, app, engine, "Hello", "The first one.")
            await attach(pilot, app, shapes)
            composer(app).text = "And what"
            other = await change(pilot, app, models, TO_TUNED)
            assert models.choices == [ModelChoice(TUNED.name, "int8")]
            assert engine.closed
            other.progress("Reading weights", 3_000_000_000, 8_000_000_000)
            await wait_until(pilot, lambda: "Reading weights 3.0 of 8.0 GB" in status(app))
            assert "Scripted-vision" not in status(app)
            other.finish_loading()
            await wait_until(pilot, lambda: "tuned-vision" in status(app))
            assert any("tuned-vision answers from here on" in note for note in notes(app))
            *_, notice = app._notifications
            assert f'model = "{TUNED.name}" and quantize = "int8"' in notice.message
            assert 'model = "/models/tuned" and quantize = "int8"' in notices(app)
            assert composer(app).text == "And what"
            assert attached(app) == ["my shapes.png"]
            await ask(pilot, app, other, "And what is this?")
            said = other.requests[0].messages
            assert [m.text for m in said] == ["Hello", "The first one.", "And what is this?"]
            assert len(said[-1].attachments) == 1
            await finish_answer(pilot, app, other, "A circle.")
            assert answers(app)[0].startswith("Scripted-vision")
            assert answers(app)[1].startswith("tuned-vision")
            await wait_until(pilot, lambda: models.remembered[-1:] == [TUNED.name])

    async def test_costs_and_context_are_those_of_the_other(self, app, engine, models, shapes):
        async with app.run_test(size=(120, 40)) as pilot:
            await talk(pilot, app, engine, "Hello", "The first one.")
            await attach(pilot, app, shapes)
            right = app.chat.query_one("#status-right", Static)
            cost = drawn(app.chat.attachment_bar)
            assert "8,192" in drawn(right)
            other = await change(pilot, app, models, TO_TUNED)
            await wait_until(pilot, lambda: "context" not in drawn(right))
            assert "tokens" not in drawn(app.chat.attachment_bar)
            other.finish_loading()
            await wait_until(pilot, lambda: "of 4,096" in drawn(right))
            assert "tokens" in drawn(app.chat.attachment_bar)
            assert drawn(app.chat.attachment_bar) != cost

    async def test_crops_that_were_chosen_stay(self, app, models, shapes):
        async with app.run_test(size=(120, 40)) as pilot:
            await attach(pilot, app, shapes)
            await wait_until(pilot, lambda: app.chat.status.model)
            await submit(pilot, app, "/crops 9")
            await wait_until(pilot, lambda: app.chat.settings.num_crops == 9)
            (await change(pilot, app, models, TO_TUNED)).finish_loading()
            await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
            assert app.chat.attachment_bar.limits.num_crops == 9

    async def test_a_prompt_can_be_sent_while_it_loads(self, app, models):
        async with app.run_test() as pilot:
            other = await change(pilot, app, models, TO_TUNED)
            await submit(pilot, app, "Hello")
            await submit(pilot, app, "And then?")
            await wait_until(pilot, lambda: "Waiting for the model" in answers(app)[0])
            assert [draft.text for draft in app.chat.asking.waiting] == ["And then?"]
            other.finish_loading()
            await wait_until(pilot, lambda: answers(app)[0].startswith("tuned-vision"))
            await finish_answer(pilot, app, other, "One.")
            await wait_until(pilot, lambda: len(other.requests) == 2)

    async def test_not_while_an_answer_streams(self, app, engine, models):
        async with app.run_test() as pilot:
            await ask(pilot, app, engine)
            engine.say("It is")
            await open_list(pilot, app)
            await pilot.press(*TO_TUNED.split())
            await wait_until(pilot, lambda: "An answer is under way" in keys(app))
            assert not models.made
            await pilot.press("escape")
            await finish_answer(pilot, app, engine, " a circle.")
            await change(pilot, app, models, TO_TUNED)

    async def test_one_that_cannot_be_loaded_gives_way_to_the_one_before(self, app, engine, models):
        async with app.run_test() as pilot:
            await talk(pilot, app, engine, "Hello", "The first one.")
            other = await change(pilot, app, models, TO_TUNED)
            await submit(pilot, app, "And what")
            await submit(pilot, app, "is this?")
            await wait_until(pilot, lambda: app.chat.asking.waiting)
            other.fail_loading(TOO_BIG)
            await wait_until(pilot, lambda: len(models.made) == 2)
            assert models.choices[-1] == ModelChoice("demo", "auto")
            assert any(
                "The model does not fit. Choose --quantize int4. The model before is loaded again."
                in note
                for note in notes(app)
            )
            assert composer(app).text == "And what\n\nis this?"
            models.made[-1].finish_loading()
            await wait_until(pilot, lambda: "demo-vision" in status(app))
            assert other.closed
            await ask(pilot, app, models.made[-1], "And now?")

    async def test_what_a_model_says_of_itself_is_said_once(self, make_app, models):
        engine = ScriptedEngine(notice="A small model.")
        app = make_app(engine=engine, models=models)
        models.notice = "A large model."
        async with app.run_test() as pilot:
            await wait_until(pilot, lambda: app.chat.status.model)  # the greeting has said it
            await talk(pilot, app, engine, "Hello", "The first one.")
            (await change(pilot, app, models, TO_TUNED)).finish_loading()
            await wait_until(pilot, lambda: "A large model." in notes(app))
            models.notice = "A small model."
            other = await change(pilot, app, models, "up up up enter")
            other.finish_loading()
            await wait_until(pilot, lambda: "demo-vision answers from here on." in notes(app))
            assert "A small model." not in notes(app)

    async def test_where_neither_can_be_loaded_it_says_so(self, app, models):
        async with app.run_test() as pilot:
            (await change(pilot, app, models, TO_TUNED)).fail_loading(TOO_BIG)
            await wait_until(pilot, lambda: len(models.made) == 2)
            models.made[1].fail_loading(TOO_BIG)
            await wait_until(pilot, lambda: "No model" in status(app))
            assert len(models.made) == 2
            await pilot.press("f9")
            await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen) and rows(app))
            await pilot.press("enter")
            await wait_until(pilot, lambda: len(models.made) == 3)

    async def test_another_can_be_taken_while_one_loads(self, make_app, engine, models):
        slow = ScriptedEngine(loaded=False)
        app = make_app(engine=slow, models=models)
        async with app.run_test() as pilot:
            await pilot.press("f9")
            await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen) and rows(app))
            await pilot.press(*TO_TUNED.split())
            await wait_until(pilot, lambda: models.made)
            slow.progress("Too late", 1, 2)
            slow.finish_loading()
            models.made[0].progress("Reading weights")
            await wait_until(pilot, lambda: "Reading weights" in status(app))
            assert "Scripted-vision" not in status(app)
            models.made[0].finish_loading()
            await wait_until(pilot, lambda: "tuned-vision" in status(app))

    async def test_what_the_one_in_use_takes_counts_as_free(self, app, models, engine):
        """Until it has given its memory back by itself."""
        plan = Plan(Quantization.NONE, 4096, 4096, 10**9, 10**8, ROOM)
        async with app.run_test() as pilot:
            await wait_until(pilot, lambda: app.chat.switching.loaded)
            app.chat.switching.loaded = replace(app.chat.switching.loaded, plan=plan)
            engine.unload(10)
            await wait_until(pilot, lambda: app.chat.switching.loaded.plan is None)


class TestTyped:
    @pytest.mark.parametrize(
        ("typed", "choice"),
        [
            ("/model tuned", ModelChoice(TUNED.name, "auto")),
            ("/model 4 int4", ModelChoice(TUNED.name, "int4")),
            ("/model /models/tuned none", ModelChoice(TUNED.name, "none")),
            ("/model demo int8", ModelChoice("demo", "int8")),
        ],
    )
    async def test_a_name_or_number_changes(self, app, models, typed, choice):
        async with app.run_test() as pilot:
            await wait_until(pilot, lambda: app.chat.status.model)
            await submit(pilot, app, typed)
            await wait_until(pilot, lambda: models.choices == [choice])
            assert composer(app).text == ""

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("/model llama", '"llama" is no model of the list.'),
            ("/model vision", '"vision" is the name of several models.'),
            ("/model demo", "It is in use already."),
            ("/model old", "It cannot be used. It has no [weights]."),
            ("/model 9", '"9" is no model of the list.'),
        ],
    )
    async def test_a_mistake_stays_where_it_was_typed(self, app, models, typed, said):
        async with app.run_test() as pilot:
            await wait_until(pilot, lambda: app.chat.status.model)
            await submit(pilot, app, typed)
            await wait_until(pilot, lambda: said in notices(app))
            assert composer(app).text == typed
            assert not models.made

    async def test_not_while_an_answer_streams(self, app, engine, models):
        async with app.run_test() as pilot:
            await ask(pilot, app, engine)
            await submit(pilot, app, "/model tuned")
            await wait_until(pilot, lambda: "An answer is under way" in notices(app))
            assert not models.made

    async def test_alone_it_opens_the_list(self, app):
        async with app.run_test() as pilot:
            await submit(pilot, app, "/model")
            await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen) and rows(app))


class TestDownload:
    async def _offered(self, pilot, app: Phi3VApp, pressed: str) -> str:
        await open_list(pilot, app)
        await pilot.press(*pressed.split())
        await wait_until(pilot, lambda: isinstance(app.screen, DownloadOfferScreen))
        return " ".join(drawn(text) for text in app.screen.query(Static))

    async def test_what_is_not_here_is_downloaded_and_used(self, app, engine, models):
        async with app.run_test(size=(80, 24)) as pilot:
            said = await self._offered(pilot, app, "down left enter")
            for part in ("8.3 GB", "Phi-3.5-vision-instruct", "/big/disk/hub", "int4 weights"):
                assert part in said
            assert "Never" not in drawn(app.screen)
            await pilot.press("enter")
            await wait_until(pilot, lambda: models.full_model.heard == ["download"])
            assert models.full_model.name == FULL
            models.full_model.progress(1_240_000_000)
            await wait_until(pilot, lambda: "1.2 of 8.3 GB" in drawn(app.chat.full_model))
            await talk(pilot, app, engine, "Hello", "Still the small one.")
            models.full_model.arrive()
            await wait_until(pilot, lambda: models.choices == [ModelChoice(FULL, "int4")])
            models.made[0].finish_loading()
            await wait_until(pilot, lambda: "Phi-3.5-vision-instruct-vision" in status(app))

    async def test_what_is_here_in_part_goes_on(self, app, models):
        async with app.run_test(size=(80, 24)) as pilot:
            said = await self._offered(pilot, app, "down down enter")
            assert "Download 5.2 GB of Phi-3-vision-128k-instruct" in said
            await pilot.press("enter")
            await wait_until(pilot, lambda: models.full_model.name == OLDER)

    async def test_escape_leaves_it(self, app, models):
        async with app.run_test() as pilot:
            await self._offered(pilot, app, "down enter")
            await pilot.press("escape")
            await wait_until(pilot, lambda: app.screen is app.chat)
            assert models.full_model.heard == []

    async def test_one_at_a_time(self, app, models):
        async with app.run_test() as pilot:
            await self._offered(pilot, app, "down enter")
            await pilot.press("enter")
            await wait_until(pilot, lambda: models.full_model.heard == ["download"])
            await submit(pilot, app, "/model 128k")
            await wait_until(pilot, lambda: f"{FULL} is on its way" in notices(app))

    async def test_a_full_disk_is_said_before(self, make_app):
        app = make_app(models=ScriptedModels(free=10**9))
        async with app.run_test() as pilot:
            await open_list(pilot, app)
            await pilot.press("down", "enter")
            await wait_until(pilot, lambda: "8.3 GB are missing" in keys(app))
            assert "Make room" in keys(app)


def test_sizes_are_those_of_the_full_model():
    """The numbers that these tests look for."""
    assert PUBLISHED.weights(Quantization.INT8, 2) == pytest.approx(4.65e9, rel=0.01)
