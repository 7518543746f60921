"""What the mouse does: clicks, the wheel, dragging."""

import re

from textual import events
from textual.content import Content

from phi3v_tui.ui.clickable import actions, clickable
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.help import HelpScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.screens.models import ModelsScreen
from tests.ui.steps import (
    answers,
    ask,
    attach,
    attached,
    composer,
    drawn,
    finish_answer,
    screen_text,
    submit,
    talk,
    wait_until,
)


async def click(pilot, text: str) -> None:
    """Click on the last place where the screen shows a text."""
    await wait_until(pilot, lambda: text in screen_text(pilot.app))
    lines = screen_text(pilot.app).splitlines()
    row = max(row for row, line in enumerate(lines) if text in line)
    await pilot.click(offset=(lines[row].rindex(text), row))


async def drag(pilot, text: str) -> None:
    """Select a text that the screen shows."""
    await wait_until(pilot, lambda: text in screen_text(pilot.app))
    lines = screen_text(pilot.app).splitlines()
    row = max(row for row, line in enumerate(lines) if text in line)
    column = lines[row].rindex(text)
    await pilot.mouse_down(offset=(column, row))
    await pilot.hover(offset=(column + len(text) - 1, row))
    await pilot.mouse_up(offset=(column + len(text) - 1, row))


def _chosen(app) -> str:
    entry = app.chat.transcript.chosen
    return entry.turn.message.text if entry else ""


async def test_a_click_on_a_message_chooses_it_and_another_one_leaves_it(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "A question", "An answer")
        await click(pilot, "A question")
        await wait_until(pilot, lambda: _chosen(app) == "A question")
        await click(pilot, "An answer")
        await wait_until(pilot, lambda: _chosen(app) == "An answer")
        await click(pilot, "An answer")
        await wait_until(pilot, lambda: not _chosen(app) and composer(app).has_focus)


async def test_dragging_selects_words_and_chooses_nothing(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "A question", "A fine answer")
        await drag(pilot, "fine")
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: app.clipboard == "fine")
        assert not _chosen(app)


async def test_what_is_typed_or_pasted_with_a_message_chosen_goes_into_the_prompt(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "A question", "An answer")
        await click(pilot, "An answer")
        await wait_until(pilot, lambda: _chosen(app))
        await pilot.press(*"What next?")
        assert composer(app).text == "What next?"
        await wait_until(pilot, lambda: not _chosen(app))


async def test_what_the_line_below_the_prompt_names_can_be_clicked(make_app, engine):
    app = make_app()
    async with app.run_test(size=(90, 24)) as pilot:
        await click(pilot, "Ctrl+O attaches")
        await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen))
        await pilot.press("escape")
        await ask(pilot, app, engine, "A question")
        engine.say("An ans")
        await wait_until(pilot, lambda: "An ans" in answers(app)[0])
        await click(pilot, "Esc stops")
        await wait_until(pilot, lambda: "stopped" in answers(app)[0])
        await click(pilot, "Ctrl+R answers again")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        await finish_answer(pilot, app, engine, "Another answer")
        await click(pilot, "A question")
        await click(pilot, "E edits")
        await wait_until(pilot, lambda: composer(app).text == "A question")
        await click(pilot, "Enter sends")
        await wait_until(pilot, lambda: len(engine.requests) == 3)


async def test_versions_can_be_clicked(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "A question", "One")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(engine.requests) == 2)
        await finish_answer(pilot, app, engine, "Two")
        await click(pilot, "‹2/2›")
        await wait_until(pilot, lambda: "One" in answers(app)[0])
        lines = screen_text(app).splitlines()
        row = next(row for row, line in enumerate(lines) if "‹1/2›" in line)
        await pilot.click(offset=(lines[row].index("›"), row))
        await wait_until(pilot, lambda: "Two" in answers(app)[0])


async def test_the_last_line_can_be_clicked(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await click(pilot, "F1 help")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await click(pilot, "Esc closes")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await click(pilot, "context 8,192")
        await wait_until(pilot, lambda: "In the last line" in screen_text(app))
        await pilot.press("escape")
        await click(pilot, "Scripted-vision · cpu")
        await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))


async def test_a_waiting_prompt_comes_back_by_a_click(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await ask(pilot, app, engine, "A question")
        await submit(pilot, app, "And then?")
        await click(pilot, "waits And then?")
        await wait_until(pilot, lambda: composer(app).text == "And then?")


async def test_the_picture_of_the_pane_opens_in_the_viewer_and_is_dragged(make_app, chart):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await attach(pilot, app, chart)
        await pilot.click("#preview .canvas")
        await wait_until(pilot, lambda: isinstance(app.screen, ImageViewerScreen))
        viewer = app.screen
        await wait_until(pilot, lambda: "tokens" in drawn(viewer))
        await pilot.click("#viewer-keys", offset=(_offset(viewer, "+"), 0))
        await wait_until(pilot, lambda: "1.5" in drawn(viewer))
        before = viewer._viewport.box
        moved = {"x": 70, "y": 20, "delta_x": 10, "delta_y": 0, "button": 1}
        viewer.post_message(events.MouseMove(viewer, **moved, shift=False, meta=False, ctrl=False))
        await wait_until(pilot, lambda: viewer._viewport.box[0] < before[0])
        assert viewer._viewport.box[1] == before[1]
        await pilot.click("#viewer-keys", offset=(_offset(viewer, "0 zoom"), 0))
        await wait_until(pilot, lambda: "1.5" not in drawn(viewer))


def _offset(viewer, words: str) -> int:
    return str(viewer.query_one("#viewer-keys").render()).index(words)


async def test_clicks_in_the_picker_preview_open_mark_and_attach(make_app, shapes, chart):
    app = make_app()
    app.chat._folder = shapes.parent
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, "Ctrl+O")
        await click(pilot, "my shapes.png")
        await wait_until(pilot, lambda: " 640" in screen_text(app))
        await click(pilot, "Tab marks")
        await wait_until(pilot, lambda: "✓ my shapes.png" in screen_text(app))
        await click(pilot, "work/")
        await click(pilot, "work/")
        await wait_until(pilot, lambda: "my shapes.png" not in screen_text(app))
        await click(pilot, "Backspace goes up")
        await wait_until(pilot, lambda: "chart.png" in screen_text(app))
        await click(pilot, "Tab marks")
        await wait_until(pilot, lambda: "2 marked" in screen_text(app))
        await click(pilot, "Enter attaches the 2 marked")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png", "chart.png"])


async def test_a_click_takes_a_name_after_an_at(make_app, chart, monkeypatch):
    monkeypatch.chdir(chart.parent)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"@cha")
        await click(pilot, "chart.png")
        await wait_until(pilot, lambda: attached(app) == ["chart.png"])
        assert composer(app).has_focus


async def test_matches_are_gone_through_by_clicks(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        for number in (1, 2):
            await talk(pilot, app, engine, f"Question {number}", "Yes")
        await pilot.press("ctrl+f", *"question")
        await wait_until(pilot, lambda: "2 of 2" in screen_text(app))
        await click(pilot, "↑ before")
        await wait_until(pilot, lambda: "1 of 2" in screen_text(app))
        await click(pilot, "↓ after")
        await wait_until(pilot, lambda: "2 of 2" in screen_text(app))


def test_each_key_of_a_part_acts():
    class Keys:
        from textual.binding import Binding

        BINDINGS = [Binding("plus", "zoom(1)"), Binding("minus", "zoom(-1)"), Binding("a", "take")]

    content = clickable("+ - zoom · a takes it · else", actions(Keys.BINDINGS, "screen"))
    assert content.plain == "+ - zoom · a takes it · else"
    assert _clicks(content) == {
        "+": "screen.zoom(1)",
        "-": "screen.zoom(-1)",
        "a takes it": "screen.take",
    }


def _clicks(content: Content) -> dict[str, str]:
    found = {}
    for span in content.spans:
        if click := re.search(r"'@click': (['\"])(.*?)\1", repr(span.style.meta)):
            found[content.plain[span.start : span.end]] = click[2]
    return found
