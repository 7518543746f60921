"""Choosing a picture file."""

from pathlib import Path

import pytest
from PIL import Image
from textual.widgets import OptionList

from phi3v_tui.ui.folder import MOST_HITS, Kind, list_folder, matching
from phi3v_tui.ui.plain_text import byte_size
from phi3v_tui.ui.screens import file_picker
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.steps import attached, drawn, wait_until


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Folders, pictures (one without a suffix, one whose name looks like markup), other files."""
    folder = tmp_path / "work"
    (folder / "Holiday").mkdir()
    Image.new("RGB", (30, 20), "red").save(folder / "Holiday" / "beach.png")
    Image.new("RGB", (40, 20), "blue").save(folder / "[b]sea[.png")
    Image.new("RGB", (20, 40), "green").save(folder / "wood.jpg")
    Image.new("RGB", (20, 20), "grey").save(folder / "stone", format="PNG")
    Image.new("RGB", (20, 20), "grey").save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


async def _open_picker(pilot, app) -> FilePickerScreen:
    await pilot.press("ctrl+o")
    await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen) and app.screen._shown)
    return app.screen


def _names(picker: FilePickerScreen) -> list[str]:
    return [entry.name for entry in picker._shown]


async def _filter(pilot, picker: FilePickerScreen, text: str, expected: list[str]) -> None:
    await pilot.press(*text)
    await wait_until(pilot, lambda: _names(picker) == expected)


async def test_lists_folders_then_pictures_then_others(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        names = ["..", "Holiday", "[b]sea[.png", "wood.jpg", "notes.txt", "stone"]
        assert _names(picker) == names


async def test_type_to_filter_and_attach(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "WOO", ["wood.jpg"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])
        assert app.screen is app.chat


async def test_enter_straight_after_typing_takes_what_was_typed(make_app, album, monkeypatch):
    monkeypatch.setattr(file_picker, "_FILTER_AFTER_SECONDS", 3600)
    app = make_app()
    async with app.run_test() as pilot:
        await _open_picker(pilot, app)
        await pilot.press(*"wood", "enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])


async def test_moved_choice_is_the_one_attached(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        await _open_picker(pilot, app)
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])


async def test_keys_straight_after_typing_mean_what_was_typed(make_app, album, monkeypatch):
    monkeypatch.setattr(file_picker, "_FILTER_AFTER_SECONDS", 3600)
    app = make_app()
    async with app.run_test() as pilot:
        await _open_picker(pilot, app)
        await pilot.press(*"wood", "tab", *["backspace"] * 4, *"stone", "tab", "enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg", "stone"])


async def test_folder_is_opened_and_left_again_and_remembered(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "holi", ["Holiday"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: _names(picker) == ["..", "beach.png"])
        await pilot.press("backspace")
        await wait_until(pilot, lambda: "wood.jpg" in _names(picker))
        await _filter(pilot, picker, "holi", ["Holiday"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: _names(picker) == ["..", "beach.png"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["beach.png"])
        picker = await _open_picker(pilot, app)
        assert _names(picker) == ["..", "beach.png"]


async def test_several_marked_files_are_attached_in_the_order_of_marking(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("tab", *["backspace"] * 4, *"sea")
        await wait_until(pilot, lambda: _names(picker) == ["[b]sea[.png"])
        await pilot.press("tab")
        assert picker.query_one("#picker").border_subtitle == "2 marked: Enter attaches"
        assert "✓ [b]sea[.png" in str(picker.query_one(OptionList).get_option_at_index(0).prompt)
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg", "[b]sea[.png"])


async def test_mark_is_taken_off_and_folders_take_none(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("tab", "tab")
        assert picker.query_one("#picker").border_subtitle == ""
        await pilot.press(*["backspace"] * 4)
        await _filter(pilot, picker, "holi", ["Holiday"])
        await pilot.press("tab")
        assert picker.query_one("#picker").border_subtitle == ""
        await pilot.press("enter")
        await wait_until(pilot, lambda: _names(picker) == ["..", "beach.png"])


async def test_marked_file_that_is_no_picture_keeps_the_picker_open(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "notes", ["notes.txt"])
        await pilot.press("tab", "enter")
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: "not a picture" in drawn(preview))
        assert app.screen is picker
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        assert attached(app) == []


async def test_picture_without_suffix_is_known_by_its_content(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "stone", ["stone"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["stone"])


async def test_file_that_is_no_picture_is_explained_and_the_picker_stays(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "notes", ["notes.txt"])
        await pilot.press("enter")
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: "not a picture" in drawn(preview))
        assert app.screen is picker
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        assert attached(app) == []


async def test_preview_shows_pixels_bytes_and_cost(make_app, album):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        picker = await _open_picker(pilot, app)
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: preview.attachment)
        assert preview.attachment.name == "[b]sea[.png"
        await pilot.press("down")
        await wait_until(pilot, lambda: preview.attachment.name == "wood.jpg")
        size = (album / "wood.jpg").stat().st_size
        words = f"20×40 · 2,377 tokens · {byte_size(size)}"  # noqa: RUF001
        await wait_until(pilot, lambda: words in drawn(preview))


async def test_typed_path_goes_there(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press(*"./Holiday", "enter")
        await wait_until(pilot, lambda: _names(picker) == ["..", "beach.png"])
        assert picker.folder == album / "Holiday"


async def test_folder_that_is_gone_is_explained(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        (album / "Holiday" / "beach.png").unlink()
        (album / "Holiday").rmdir()
        await _filter(pilot, picker, "holi", ["Holiday"])
        await pilot.press("enter")
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: "There is no file" in drawn(preview))


async def test_no_more_than_200_are_listed_and_the_rest_is_told(make_app, tmp_path):
    for number in range(250):
        (tmp_path / "work" / f"{number:03}.png").touch()
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        assert len(picker._shown) == MOST_HITS
        assert picker.query_one("#picker").border_subtitle == "51 more: type to narrow down"


def test_hidden_entries_show_only_for_a_leading_dot(album):
    entries = list_folder(album)
    assert ".hidden.png" not in [entry.name for entry in matching(entries, "hid")]
    assert [entry.name for entry in matching(entries, ".hid")] == [".hidden.png"]


def test_every_word_must_be_in_the_name(album):
    entries = list_folder(album)
    assert [entry.name for entry in matching(entries, "jpg wo")] == ["wood.jpg"]
    assert [entry.name for entry in matching(entries, "png wo")] == []


def test_link_in_a_circle_is_listed_as_a_file(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    kinds = {entry.name: entry.kind for entry in list_folder(tmp_path)}
    assert kinds["circle"] is Kind.OTHER
