"""What is saved, and how it comes back."""

from pathlib import Path

import pytest

from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.errors import ContextFullError
from phi3v_tui.store.history import History
from phi3v_tui.ui.prompt_history import PromptHistory
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.welcome import Welcome
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    composer,
    drawn,
    meter_shows,
    notes,
    notices,
    prompts,
    submit,
    talk,
    wait_until,
)


def _stored(settings):
    history = History(settings.history_path)
    conversation = history.latest()
    history.close()
    return conversation.path() if conversation else ()


async def test_prompt_is_stored_before_anything_is_generated(make_app, engine, settings, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine)
        prompt, reply = _stored(settings)
        assert prompt.message.text == "What is this?"
        assert prompt.message.attachments[0].data == shapes.read_bytes()
        assert reply.message.text == ""


async def test_partial_answer_is_stored_while_it_streams(make_app, engine, settings):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half an")
        await wait_until(pilot, lambda: _stored(settings)[-1].message.text == "Half an")
        assert _stored(settings)[-1].state is TurnState.INTERRUPTED


async def test_quitting_keeps_what_has_come(make_app, engine, settings):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine)
        engine.say("Half", " an")
        await pilot.press("ctrl+q")
    reply = _stored(settings)[-1]
    assert reply.message.text == "Half an"
    assert reply.state is TurnState.CANCELLED


async def test_resume_shows_the_last_conversation_and_goes_on(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "What is this?", "A **circle**.")
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        assert "1 my shapes.png" in prompts(app)[0]
        assert "A circle." in answers(app)[0]
        assert not app.chat.query_one(Welcome).display
        assert app.chat.query_one("#preview", ImagePreview).attachment.name == "my shapes.png"
        await ask(pilot, app, engine, "Which colour?")
        assert [m.text for m in engine.requests[-1].messages] == [
            "What is this?",
            "A **circle**.",
            "Which colour?",
        ]


async def test_resume_returns_a_prompt_to_which_nothing_came(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await ask(pilot, app, engine, "A long question")
        engine.fail(ContextFullError("Too long.", "Shorten it."))
        await wait_until(pilot, lambda: notes(app))
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: composer(app).text == "A long question")
        assert attached(app) == ["my shapes.png"]
        assert prompts(app) == []


async def _refuse(pilot, app, engine, text):
    await ask(pilot, app, engine, text)
    engine.fail(ContextFullError("Too long.", "Shorten it."))
    await wait_until(pilot, lambda: composer(app).text == text)


async def test_a_refused_prompt_that_was_deleted_stays_away(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await _refuse(pilot, app, engine, "A long question")
        composer(app).clear()
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        await meter_shows(pilot, app, "context")
        assert composer(app).text == ""


async def test_a_refused_prompt_does_not_mix_into_another_draft(make_app, engine, settings):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await _refuse(pilot, app, engine, "A long question")
        composer(app).text = "something else"
        refused = app.chat.conversation
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not answers(app))
        await app.chat.opening.leave_for(refused)
        assert len(answers(app)) == 1
        assert composer(app).text == "something else"


@pytest.mark.parametrize("resume", [True, False])
async def test_what_was_not_sent_comes_back(make_app, engine, shapes, chart, resume):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await ask(pilot, app, engine, "Go on")
        await attach(pilot, app, shapes)
        await submit(pilot, app, "waiting")
        await wait_until(pilot, lambda: app.chat.asking.waiting)
        await attach(pilot, app, chart)
        composer(app).text = "half a quest"
    app = make_app(resume=resume)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: composer(app).text == "waiting\n\nhalf a quest")
        assert attached(app) == ["my shapes.png", "chart.png"]
        assert app.chat.attachment_bar.attachments[0].data == shapes.read_bytes()
        await submit(pilot, app, composer(app).text)
        await wait_until(pilot, lambda: engine.requests[-1].messages[-1].text.endswith("quest"))
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: len(prompts(app)) == (3 if resume else 1))
        assert (composer(app).text, attached(app)) == ("", [])


@pytest.mark.parametrize(
    ("typed", "kept"), [("Hello", "a draft"), ("Hello again", "a draft\n\nHello again")]
)
async def test_another_version_is_kept_if_it_is_another(make_app, engine, typed, kept):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        composer(app).text = "a draft"
        app.chat.asking.edit(app.chat.conversation.path()[0])
        composer(app).text = typed
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: composer(app).text == kept)


async def test_resume_with_nothing_stored_begins_anew(make_app):
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: "no earlier conversation" in notices(app))
        assert app.chat.query_one(Welcome).display


async def test_notice_of_the_model_follows_a_resumed_conversation(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
    engine._notice = "A small model."
    app = make_app(resume=True)
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: answers(app))
        await wait_until(pilot, lambda: notes(app) == ["A small model."])


async def test_disk_that_cannot_be_written_is_told_once_and_the_chat_goes_on(
    make_app, engine, settings
):
    settings.data_dir.parent.mkdir(exist_ok=True)
    settings.data_dir.write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await talk(pilot, app, engine, "And?", "Bye.")
        assert notices(app).count("Not saved") == 1
        assert "Bye." in answers(app)[-1]
        assert "Not saved" in drawn(app.chat.status)
        settings.data_dir.unlink()
        await talk(pilot, app, engine, "Now?", "Yes.")
        assert "Not saved" not in drawn(app.chat.status)
    assert [turn.message.text for turn in _stored(settings)][::2] == ["Hello", "And?", "Now?"]


async def test_conversation_that_is_not_saved_is_left_only_after_a_warning(
    make_app, engine, settings
):
    settings.data_dir.write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: "Ctrl+N again loses it" in notices(app))
        assert "Hi." in answers(app)[0]
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not answers(app))
        await talk(pilot, app, engine, "Hello", "Hi.")
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: "Ctrl+Q again loses it" in notices(app))
        assert app.return_code is None
        await pilot.press("ctrl+q")
    assert app.return_code == 0


async def test_transcript_is_saved_beside_its_pictures_and_the_place_told(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await attach(pilot, app, shapes)
        await talk(pilot, app, engine, "What is this?", "A **circle**.")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Saved" in notices(app))
        (written,) = Path.cwd().glob("*.md")
        assert f"{written.name}, in {Path.cwd()}" in notices(app)
        assert "A **circle**." in written.read_text()
        pictures = [p for p in Path.cwd().rglob("*.png") if p.read_bytes() == shapes.read_bytes()]
        assert len(pictures) == 1


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("ctrl+s", "nothing to save"), ("ctrl+r", "no prompt"), ("ctrl+g", "no answer to copy")],
)
async def test_commands_without_a_conversation_say_so(make_app, key, sentence):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(key)
        await wait_until(pilot, lambda: sentence in notices(app))
        assert list(Path.cwd().iterdir()) == []


async def test_transcript_goes_home_where_the_folder_takes_none(
    make_app, engine, monkeypatch, tmp_path
):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        (tmp_path / "file").touch()
        (tmp_path / "home").mkdir()
        monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "file")
        monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Saved" in notices(app))
        (written,) = (tmp_path / "home").glob("*.md")
        assert f"{written.name}, in ~" in notices(app)
        assert "Hi." in written.read_text()


async def test_transcript_in_a_folder_that_cannot_be_written_is_a_sentence(
    make_app, engine, monkeypatch, tmp_path
):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Hello", "Hi.")
        blocked = tmp_path / "file"
        blocked.touch()
        monkeypatch.setattr(Path, "cwd", lambda: blocked)
        monkeypatch.setattr(Path, "home", lambda: blocked)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Not saved" in notices(app))
        assert "Hi." in answers(app)[0]


async def test_another_prompt_edited_amid_an_edit_keeps_what_was_typed(make_app, engine, shapes):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "first", "1")
        await talk(pilot, app, engine, "second", "2")
        composer(app).text = "a draft"
        first, _, second, _ = app.chat.conversation.path()
        app.chat.asking.edit(second)
        composer(app).text = "second, rewritten"
        await attach(pilot, app, shapes)
        app.chat.asking.edit(first)
        assert composer(app).text == "first"
        assert app.chat.asking.give_up_editing()
        assert (composer(app).text, attached(app)) == ("a draft", ["my shapes.png"])
        assert app.chat.composer.past.step(-1, "a draft") == "second, rewritten"


def test_a_prompt_of_before_that_was_changed_is_found_so():
    past = PromptHistory()
    past.fill(["second", "first"])
    assert past.step(-1, "draft") == "second"
    assert past.step(-1, "second, changed") == "first"
    assert past.step(1, "first") == "second, changed"
    assert past.step(1, "second, changed") == "draft"
    past.add("sent")
    assert past.step(-1, "") == "sent"
    assert past.step(-1, "sent") == "second"


async def test_a_draft_is_kept_while_a_prompt_of_before_is_shown(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "sent before", "1")
        composer(app).text = "my draft"
        await pilot.press("up")
        await wait_until(pilot, lambda: composer(app).text == "sent before")
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: composer(app).text == "my draft")


async def test_a_second_app_leaves_the_draft_of_the_first_alone(make_app):
    first, second = make_app(), make_app()
    async with second.run_test() as pilot:
        await meter_shows(pilot, second, "context")
        async with first.run_test():
            composer(first).text = "precious"
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: composer(app).text == "precious")


async def test_pictures_that_come_back_are_shown(make_app, shapes):
    async with make_app([shapes]).run_test() as pilot:
        await wait_until(pilot, lambda: attached(pilot.app))
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png"])
        preview = app.chat.query_one("#preview", ImagePreview)
        await wait_until(pilot, lambda: preview.attachment is not None)


async def test_a_picture_of_another_version_is_shown_numbered_and_kept(
    make_app, engine, shapes, chart
):
    app = make_app([shapes])
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app))
        await talk(pilot, app, engine, "first", "1")
        await talk(pilot, app, engine, "second", "2")
        app.chat.asking.edit(app.chat.conversation.path()[2])
        await attach(pilot, app, chart)
        assert app.chat.attachment_bar.first_number == 2
        await pilot.pause()
        assert app.chat.query_one("#preview", ImagePreview).attachment.name == "chart.png"
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])
        assert composer(app).text == ""
