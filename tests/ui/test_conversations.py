"""The list of conversations, finding words, prompts at hand, and what one conversation chooses."""

from contextlib import closing
from dataclasses import replace

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.store.history import History
from phi3v_tui.ui.screens.choice import ChoiceScreen
from phi3v_tui.ui.screens.conversation_form import ConversationFormScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    composer,
    drawn,
    finish_answer,
    prompts,
    submit,
    talk,
    wait_until,
)


def _listed(app) -> list[str]:
    options = app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]


def _keys(app) -> str:
    return drawn(app.screen.query_one(".modal-keys", Static))


async def _open_list(pilot, app, count: int) -> None:
    await pilot.press("ctrl+l")
    await wait_until(pilot, lambda: isinstance(app.screen, SessionsScreen))
    await wait_until(pilot, lambda: len(_listed(app)) == count)


async def _two(pilot, app, engine) -> None:
    await talk(pilot, app, engine, "About harbours?", "Ships, cranes.")
    await pilot.press("ctrl+n")
    await wait_until(pilot, lambda: not answers(app))
    await talk(pilot, app, engine, "About gardens?", "Roses.")


async def test_a_conversation_is_opened_from_the_list(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await _two(pilot, app, engine)
        await _open_list(pilot, app, 2)
        assert "● " in _listed(app)[0]
        assert "About gardens?" in _listed(app)[0]
        assert "About harbours?" in _listed(app)[1]
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: "Ships" in answers(app)[0])
        assert "About harbours?" in prompts(app)[0]


async def _rename(pilot, app, old: str, new: str) -> None:
    """Give the conversation that is chosen in the list another name."""
    await pilot.press("f2")
    await wait_until(pilot, lambda: app.screen.query_one(Input).value == old)
    app.screen.query_one(Input).value = new
    await pilot.press("enter")


async def test_words_of_any_message_find_a_conversation(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await _two(pilot, app, engine)
        await _open_list(pilot, app, 2)
        await pilot.press(*"CRANES")
        await wait_until(pilot, lambda: len(_listed(app)) == 1)
        assert "About harbours?" in _listed(app)[0]
        await pilot.press("x")
        await wait_until(pilot, lambda: "No conversation has these words" in _keys(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)


async def test_a_conversation_is_renamed_and_its_name_can_be_taken_off(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await _two(pilot, app, engine)
        await _open_list(pilot, app, 2)
        await pilot.press("down")
        await _rename(pilot, app, "About harbours?", "[b]Sea[/x]")
        await wait_until(pilot, lambda: "[b]Sea[/x]" in _listed(app)[1])
        await pilot.press("down")
        await _rename(pilot, app, "[b]Sea[/x]", "")
        await wait_until(pilot, lambda: "About harbours?" in _listed(app)[1])


async def test_the_open_conversation_keeps_the_name_it_is_given(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await _open_list(pilot, app, 1)
        await _rename(pilot, app, "Hello", "Greeting")
        await wait_until(pilot, lambda: "Greeting" in _listed(app)[0])
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await talk(pilot, app, engine, "And?", "Bye.")
        await _open_list(pilot, app, 1)
        assert "Greeting" in _listed(app)[0]


async def test_a_conversation_is_deleted_when_the_key_is_pressed_twice(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await _two(pilot, app, engine)
        await _open_list(pilot, app, 2)
        await pilot.press("delete")
        await wait_until(pilot, lambda: "This one is open" in _keys(app))
        await pilot.press("down", "delete")
        await wait_until(pilot, lambda: "Delete again" in _keys(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: "Enter opens" in _keys(app))
        assert len(_listed(app)) == 2
        await pilot.press("delete", "delete")
        await wait_until(pilot, lambda: len(_listed(app)) == 1)
        assert "About gardens?" in _listed(app)[0]


async def _fork_at_the_prompt(pilot, app, engine) -> None:
    await pilot.press("ctrl+up")
    await wait_until(pilot, lambda: app.chat.transcript.chosen)
    await pilot.press("ctrl+up", "f")


async def _attach_from_the_viewer(pilot, app, engine) -> None:
    await pilot.press("f3")
    await wait_until(pilot, lambda: isinstance(app.screen, ImageViewerScreen))
    await pilot.press("a")
    await wait_until(pilot, lambda: app.screen is app.chat)
    await pilot.press("ctrl+n")


async def _leave_another_version_that_waits(pilot, app, engine) -> None:
    await ask(pilot, app, engine, "And now?")
    app.chat.asking.edit(app.chat.conversation.path()[0])
    await submit(pilot, app, "What is it really?")
    await wait_until(pilot, lambda: app.chat.asking.waiting)
    await pilot.press("ctrl+n")


@pytest.mark.parametrize(
    "way", [_fork_at_the_prompt, _attach_from_the_viewer, _leave_another_version_that_waits]
)
async def test_a_picture_that_is_attached_again_outlives_its_conversation(
    make_app, engine, settings, shapes, way
):
    async with (app := make_app()).run_test() as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "What is this?", "A circle.")
    async with (app := make_app(resume=True)).run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        await way(pilot, app, engine)
        await wait_until(pilot, lambda: attached(app) and not answers(app))
        await _open_list(pilot, app, 1)
        await pilot.press("delete", "delete")
        await wait_until(pilot, lambda: not _listed(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await talk(pilot, app, engine, "Is it red?", "It is.")
    with closing(History(settings.history_path)) as history:
        (picture,) = history.latest().path()[0].message.attachments
        assert picture.data == shapes.read_bytes()


# Prompts at hand.


async def test_a_prompt_at_hand_is_put_where_the_next_one_is_typed(make_app, engine, settings):
    app = make_app(settings=replace(settings, prompts={"Bill": "List it.", "Describe": "Say it."}))
    async with app.run_test() as pilot:
        await pilot.press("f8")
        await wait_until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        names = [line.split("  ")[0] for line in _listed(app)]
        assert names[:3] == ["Bill", "Describe", "Exact text"]
        assert names.count("Describe") == 1
        await pilot.press("enter")
        await wait_until(pilot, lambda: composer(app).text == "List it.")
        await pilot.press("f8")
        await wait_until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        assert composer(app).text == "List it."


# What one conversation chooses.


async def _open_form(pilot, app) -> None:
    await pilot.press("f4")
    await wait_until(pilot, lambda: isinstance(app.screen, ConversationFormScreen))


async def test_system_prompt_and_sampling_hold_for_the_conversation(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await _open_form(pilot, app)
        app.screen.query_one(TextArea).text = "Be brief."
        app.screen.query_one("#temperature", Input).value = "0.7"
        app.screen.query_one("#seed", Input).value = "42"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: app.screen is app.chat)
        title = str(composer(app).border_title)
        assert title == "temperature 0.7 · seed 42 · own system prompt"
        await talk(pilot, app, engine, "Hello", "Hi.")
        assert engine.requests[-1].sampling == SamplingParams(0.7, 1.0, 42, 1024)
        assert engine.requests[-1].messages[0].text == "Be brief."
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not composer(app).border_title)
    app = make_app(resume=True)
    async with app.run_test(size=(100, 40)) as pilot:
        await wait_until(pilot, lambda: "temperature 0.7" in str(composer(app).border_title))
        await _open_form(pilot, app)
        await pilot.press("ctrl+r", "ctrl+s")
        await wait_until(pilot, lambda: app.screen is app.chat)
        assert not composer(app).border_title
        await talk(pilot, app, engine, "And?", "Bye.")
        assert engine.requests[-1].sampling == SamplingParams()


async def test_what_is_typed_or_pressed_is_kept_with_the_conversation(make_app, engine, shapes):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        for text in ("/system Be brief.", "/set temperature 0.7", "/crops 9"):
            await submit(pilot, app, text)
            await wait_until(pilot, lambda: composer(app).text == "")
        await pilot.press("f2")
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits.num_crops == 16)
        await pilot.press("f2")
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits.num_crops == 1)
    app = make_app(engine=(later := ScriptedEngine()), resume=True)
    async with app.run_test(size=(100, 40)) as pilot:
        words = "temperature 0.7 · num_crops 1 · own system prompt"
        await wait_until(pilot, lambda: composer(app).border_title == words)
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        assert app.chat.attachment_bar.limits.num_crops == 1
        await ask(pilot, app, later, "And?")
        request = later.requests[-1]
        assert (request.sampling.temperature, request.num_crops) == (0.7, 1)
        assert request.messages[0].text == "Be brief."
        await finish_answer(pilot, app, later, "So.")
        await pilot.press("ctrl+n")  # what was chosen there holds there
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits.num_crops == 16)
        assert composer(app).border_title == ""


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("temperature", "3", "temperature cannot be 3"),
        ("temperature", "nan", "temperature cannot be nan"),
        ("top_p", "0", "top_p cannot be 0"),
        ("seed", "-1", "seed cannot be -1"),
        ("seed", "x", "seed cannot be 'x'"),
        ("max_new_tokens", "1.5", "max_new_tokens cannot be '1.5'"),
    ],
)
async def test_what_makes_no_sense_is_a_sentence_in_the_form(make_app, field, value, words):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await _open_form(pilot, app)
        app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("ctrl+s")
        error = app.screen.query_one(".form-error")
        await wait_until(pilot, lambda: words in drawn(error))
        assert error.region.height
        assert error.region in app.screen.query_one(".modal").content_region
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        assert app.chat.conversation.sampling is None


async def test_what_is_set_by_a_command_holds_over_what_the_form_said(make_app, engine):
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await _open_form(pilot, app)
        app.screen.query_one("#temperature", Input).value = "0.7"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await submit(pilot, app, "/set temperature 0.2")
        await wait_until(pilot, lambda: not composer(app).border_title)
        await talk(pilot, app, engine, "Hello", "Hi.")
        assert engine.requests[-1].sampling.temperature == 0.2


# Prompts sent before.


async def test_the_arrow_keys_bring_back_what_was_sent_also_in_earlier_conversations(
    make_app, engine
):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "One?", "1")
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Two?\nAnd more.", "2")
        composer(app).text = "draft"
        await pilot.press("up")
        assert composer(app).text == "Two?\nAnd more."
        await pilot.press("up")
        assert composer(app).text == "Two?\nAnd more."
        await pilot.press("up")
        assert composer(app).text == "One?"
        await pilot.press("up")
        assert composer(app).text == "One?"
        await pilot.press("down")
        assert composer(app).text == "Two?\nAnd more."
        await pilot.press("down", "down")
        assert composer(app).text == "draft"
