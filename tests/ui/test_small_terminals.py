"""Forty columns and ten rows are enough: choices, and what takes them back, are in sight."""

import re
import threading

import pytest
from rich.cells import cell_len
from textual.widgets import Input, OptionList

from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.screens.context_full import ContextFullScreen
from phi3v_tui.ui.screens.conversation_form import ConversationFormScreen
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.help import HelpScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.screens.models import ModelList, ModelsScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen
from phi3v_tui.ui.widgets import downloads
from phi3v_tui.ui.widgets.attachment_bar import AttachmentChip
from phi3v_tui.ui.widgets.search_bar import SearchBar
from tests.ui.scripted_engine import LIMITS, ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import (
    TIMEOUT_SECONDS,
    attach,
    attached,
    drawn,
    screen_text,
    submit,
    talk,
    wait_until,
)

SMALL = (40, 10)


def _shows(app, *words: str):
    """Whether all of some words are on the screen, and no line is longer than it."""

    def look() -> bool:
        lines = screen_text(app).splitlines()
        assert {cell_len(line) for line in lines} == {app.size.width}
        return all(word in "\n".join(lines) for word in words)

    return look


async def _open(pilot, key: str, screen) -> None:
    await pilot.press(key)
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def test_the_ways_out_of_a_full_context_are_in_sight(make_app):
    engine = ScriptedEngine(limits=Limits(24, LIMITS.crop_size, LIMITS.num_crops))
    app = make_app(engine=engine)
    async with app.run_test(size=SMALL) as pilot:
        await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
        for question in ("What is in this picture?", "What is in the other picture?"):
            await talk(pilot, app, engine, question, "A harbour with cranes.")
        await submit(pilot, app, "Describe every bar in full. " * 3)
        await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))
        ways = ("Go on without", "Ask this in a new", "Take the prompt back", "─ Enter chooses ─")
        await wait_until(pilot, _shows(app, *ways))


async def test_the_answers_to_an_offer_are_in_sight(make_app):
    app = make_app(models=ScriptedModels(full_model=ScriptedFullModel()))
    async with app.run_test(size=SMALL) as pilot:
        await wait_until(pilot, lambda: isinstance(app.screen, DownloadOfferScreen))
        await wait_until(pilot, _shows(app, "Yes, download it", "Not now", "Never ask again"))


async def test_the_form_begins_with_the_name_of_its_first_field_and_scrolls_to_the_last(make_app):
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await _open(pilot, "f4", ConversationFormScreen)
        await wait_until(pilot, _shows(app, "System prompt", "temperature", "Ctrl+S keeps"))
        await pilot.press(*["tab"] * 4)
        await wait_until(pilot, _shows(app, "max_new_tokens ▌ 1024"))


async def test_a_model_takes_two_lines_that_are_whole(make_app):
    app = make_app()
    async with app.run_test(size=(40, 15)) as pilot:
        await _open(pilot, "f9", ModelsScreen)
        options = app.screen.query_one(ModelList)
        await wait_until(pilot, lambda: options.option_count)
        await pilot.press("down", "right")
        shown = ("none 10.7 GB too big · not here", "auto 7.1 GB", "int4 5.5 GB", "Esc closes")
        await wait_until(pilot, _shows(app, *shown))
        rows = [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]
        assert not [row for row in rows if "…" in row]
        assert "int8 7.1 GB fits · in part" in rows[2]


async def test_a_conversation_is_told_by_its_day_and_its_title(make_app, engine):
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await talk(pilot, app, engine, "About harbours?", "Ships, cranes.")
        await _open(pilot, "ctrl+l", SessionsScreen)
        await wait_until(pilot, lambda: app.screen.query_one(OptionList).option_count)
        await wait_until(pilot, _shows(app, "last written  title", "Enter opens"))
        assert re.search(r"\d{4}-\d\d-\d\d +About harbours\?", screen_text(app))
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, _shows(app, "last written     messages  title", ":"))
        assert re.search(r"\d\d:\d\d +2  About harbours\?", screen_text(app))


async def test_the_picker_keeps_rows_for_names_and_says_why_a_file_is_no_picture(
    make_app, tmp_path
):
    for number in range(4):
        (tmp_path / "work" / f"notes-{number}.txt").write_text("No picture.")
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await _open(pilot, "ctrl+o", FilePickerScreen)
        await wait_until(pilot, _shows(app, "../", "notes-0.txt", "Enter opens it"))
        await pilot.press("down")
        await wait_until(pilot, _shows(app, "notes-0.txt", "is not a picture", "Enter attaches"))


async def test_the_keys_are_listed_above_what_they_do(make_app):
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await _open(pilot, "f1", HelpScreen)
        await wait_until(pilot, _shows(app, "  Send; while an answer comes, once"))
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, _shows(app, "Send; while an answer comes, once it has ended"))


async def test_the_words_looked_for_are_in_sight(make_app, engine):
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await talk(pilot, app, engine, "What?", "A harbour with cranes, a harbour.")
        await pilot.press("ctrl+f", *"harbour")
        await wait_until(pilot, _shows(app, "▌ harbour", "2 of 2"))
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, _shows(app, "2 of 2 · ↑ before · ↓ after · Esc closes"))
        assert app.chat.query_one(SearchBar).query_one(Input).value == "harbour"


async def test_a_long_name_leaves_room_for_the_cross_that_takes_the_picture_away(
    make_app, shapes, tmp_path
):
    long = tmp_path / f"{'harbour-' * 9}.png"
    shapes.rename(long)
    app = make_app()
    async with app.run_test(size=(40, 15)) as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        await attach(pilot, app, long)
        await wait_until(pilot, _shows(app, " 1 harbour-harbour", "…  640×480 ✕"))  # noqa: RUF001
        chip = app.chat.query_one(AttachmentChip)
        assert chip.region.height == 1
        await pilot.click(chip, offset=(chip.size.width - 2, 0))
        await wait_until(pilot, lambda: attached(app) == [])


async def test_a_long_address_leaves_room_for_the_cross_that_gives_it_up(make_app, monkeypatch):
    gate = threading.Event()

    def fetch_picture(url, allow_private, progress, is_given_up):
        progress(410_000, 1_300_000)
        assert gate.wait(TIMEOUT_SECONDS)
        raise AttachmentError("The test is over.", "")

    monkeypatch.setattr(downloads, "fetch_picture", fetch_picture)
    app = make_app()
    async with app.run_test(size=(40, 15)) as pilot:
        await submit(pilot, app, "/attach https://example.org/harbour/2024/cranes.png")
        await wait_until(pilot, _shows(app, "⇣ https://example.org", "… ✕"))
        await pilot.resize_terminal(100, 24)
        await wait_until(pilot, _shows(app, "cranes.png  410.0 kB of 1.3 MB ✕"))
        gate.set()


@pytest.mark.parametrize("size", [SMALL, (80, 24)])
async def test_the_viewer_uses_the_room_that_there_is_after_a_change_of_size(
    make_app, shapes, size
):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        await attach(pilot, app, shapes)
        await _open(pilot, "f3", ImageViewerScreen)
        canvas = app.screen.query_one(".canvas")
        await wait_until(pilot, lambda: canvas.children)
        await pilot.resize_terminal(*size)

        def fills() -> bool:
            picture = canvas.children[0].outer_size if canvas.children else canvas.size
            return canvas.size.height < 30 and picture.height == canvas.size.height

        await wait_until(pilot, fills)
        await wait_until(pilot, lambda: "640×480" in drawn(app.screen))  # noqa: RUF001


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (300, 80)])
async def test_text_of_any_script_breaks_no_line(make_app, engine, shapes, tmp_path, size):
    words = "שלום مرحبا 日本語のテキスト 👩‍👩‍👧 👍🏽 e\u0301a\u0308"
    picture = tmp_path / f"{words}.png"
    shapes.rename(picture)
    app = make_app([picture])
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, lambda: attached(app))
        await talk(pilot, app, engine, words, f"# {words}\n\n- {words}\n\n`{words}`")
        await wait_until(pilot, _shows(app, "日本", "שלום", "مرحبا"))
        await _open(pilot, "ctrl+l", SessionsScreen)
        await wait_until(pilot, lambda: app.screen.query_one(OptionList).option_count)
        await wait_until(pilot, _shows(app, "שלום"))
