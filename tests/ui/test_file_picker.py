"""Choosing a picture file."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image
from textual import events
from textual.widgets import Input, OptionList

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.interface.plain_text import byte_size
from phi3v_tui.store.recent import MOST_FOLDERS, RecentFolders
from phi3v_tui.ui import folder
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.folder import MOST_HITS, Kind, entry, list_folder, matching
from phi3v_tui.ui.screens import file_picker
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.help import HelpScreen
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
    await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen))
    picker = app.screen
    await wait_until(pilot, lambda: picker.names.entries and "Reading" not in _remarks(picker))
    return picker


def _remarks(picker: FilePickerScreen) -> str:
    return str(picker.query_one("#picker").border_subtitle)


def _names(picker: FilePickerScreen) -> list[str]:
    return [entry.name for entry in picker.names.entries]


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
        assert _remarks(picker) == "2 marked"
        assert "✓ [b]sea[.png" in str(picker.query_one(OptionList).get_option_at_index(0).prompt)
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg", "[b]sea[.png"])


async def test_enter_attaches_the_marked_files_only_and_the_picker_says_what_it_does(
    make_app, album
):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        picker = await _open_picker(pilot, app)
        keys = picker.query_one("#picker-keys")
        await wait_until(pilot, lambda: "Enter attaches · " in drawn(keys))
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("tab", *["backspace"] * 4)
        await wait_until(pilot, lambda: "Enter attaches the marked one · " in drawn(keys))
        await _filter(pilot, picker, "holi", ["Holiday"])
        await wait_until(pilot, lambda: "Enter opens it · " in drawn(keys))
        await pilot.press(*["backspace"] * 4, *"sea")
        await wait_until(pilot, lambda: _names(picker) == ["[b]sea[.png"])
        await wait_until(pilot, lambda: "Enter attaches the marked one · " in drawn(keys))
        assert keys.size.height == 2
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])


async def test_a_typed_path_is_attached_with_the_marked_files(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("tab")
        picker.query_one(Input).value = "Holiday/beach.png"
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg", "beach.png"])


async def test_mark_is_taken_off_and_folders_take_none(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("tab", "tab")
        assert _remarks(picker) == ""
        await pilot.press(*["backspace"] * 4)
        await _filter(pilot, picker, "holi", ["Holiday"])
        await pilot.press("tab")
        assert _remarks(picker) == ""
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
        await wait_until(pilot, lambda: app.chat.status.model)
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


async def test_a_path_is_followed_while_it_is_typed(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press(*"Hol", "slash", "b")
        await wait_until(pilot, lambda: "There is no folder Hol/" in drawn(picker._preview))
        picker._filter.value = ""
        await wait_until(pilot, lambda: "wood.jpg" in _names(picker))
        picker._filter.value = f"{album}/Holiday/bea"
        await wait_until(pilot, lambda: _names(picker) == ["beach.png"])
        assert (picker.folder, picker._filter.value) == (album / "Holiday", "bea")
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["beach.png"])


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
        assert len(picker.names.entries) == MOST_HITS
        assert _remarks(picker) == "51 more: type to narrow down"


def test_hidden_entries_show_only_for_a_leading_dot(album):
    entries = list_folder(album)
    assert ".hidden.png" not in [entry.name for entry in matching(entries, "hid").entries]
    assert [entry.name for entry in matching(entries, ".hid").entries] == [".hidden.png"]


def test_every_word_must_be_in_the_name(album):
    entries = list_folder(album)
    assert [entry.name for entry in matching(entries, "jpg wo").entries] == ["wood.jpg"]
    assert [entry.name for entry in matching(entries, "png wo").entries] == []


def test_link_in_a_circle_is_listed_as_a_file(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    kinds = {entry.name: entry.kind for entry in list_folder(tmp_path)}
    assert kinds["circle"] is Kind.OTHER


def test_names_that_begin_so_come_first_then_words_then_parts_then_scattered_letters():
    names = ["rain.png", "train.png", "old rain.png", "rosa in spain.png", "sun.png"]
    entries = [entry(name, Kind.PICTURE) for name in sorted(names)]
    found = [item.name for item in matching(entries, "rain").entries]
    assert found == ["rain.png", "old rain.png", "train.png", "rosa in spain.png"]


def test_scattered_letters_that_lie_closer_together_come_first():
    entries = [entry(name, Kind.PICTURE) for name in ("bxxxxxt.png", "boat.png", "tb.png")]
    assert [item.name for item in matching(entries, "bt").entries] == ["boat.png", "bxxxxxt.png"]


def test_hits_are_counted_beyond_those_that_are_listed():
    entries = [entry(f"{number:05}.png", Kind.PICTURE) for number in range(20_000)]
    hits = matching(entries, "png")
    assert (len(hits.entries), hits.count) == (MOST_HITS, 20_000)


async def test_hidden_files_are_shown_and_hidden_by_a_key(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        assert ".hidden.png" not in _names(picker)
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: ".hidden.png" in _names(picker))
        assert "hidden files too" in _remarks(picker)
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: ".hidden.png" not in _names(picker))


async def test_newest_first_keeps_what_was_typed_and_chosen(make_app, album):
    for seconds, name in enumerate(["stone", "[b]sea[.png", "wood.jpg", "notes.txt"]):
        os.utime(album / name, (seconds, seconds))
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        assert picker.names.chosen.name == "[b]sea[.png"
        await pilot.press("down")
        assert picker.names.chosen.name == "wood.jpg"
        await pilot.press("ctrl+s")
        newest = ["..", "Holiday", "wood.jpg", "[b]sea[.png", "notes.txt", "stone"]
        await wait_until(pilot, lambda: "newest" in _remarks(picker))
        await wait_until(pilot, lambda: _names(picker) == newest)
        assert picker.names.chosen.name == "wood.jpg"
        await pilot.press("o")
        await wait_until(pilot, lambda: ".." not in _names(picker))
        os.utime(album / "wood.jpg", (99, 99))
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: _remarks(picker) == "")
        assert picker.query_one("#filter").value == "o"


async def test_folders_used_last_are_offered_and_opened(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press(*"./Holiday/beach.png", "enter")
        await wait_until(pilot, lambda: attached(app) == ["beach.png"])
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: _names(picker) == [str(album / "Holiday")])
        await pilot.press("enter")
        await wait_until(pilot, lambda: _names(picker) == ["..", "beach.png"])


async def test_no_folder_was_used_yet(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: "No folder was used yet" in drawn(picker))
        await pilot.press("backspace")
        await wait_until(pilot, lambda: "wood.jpg" in _names(picker))


async def test_pictures_are_told_by_their_content(make_app, album):
    (album / "wrong.png").write_text("no picture")
    os.mkfifo(album / "pipe.png")
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)

        def kinds() -> dict[str, Kind]:
            return {item.name: item.kind for item in picker.names.entries}

        await wait_until(pilot, lambda: kinds()["stone"] is Kind.PICTURE)
        assert kinds()["wrong.png"] is kinds()["notes.txt"] is kinds()["pipe.png"] is Kind.OTHER
        assert kinds()["wood.jpg"] is Kind.PICTURE


class SlowScan:
    """A folder on a network that has gone to sleep after the first entries."""

    def __init__(self, entries, awake: threading.Event) -> None:
        self._entries = entries
        self._awake = awake

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __iter__(self):
        for number, item in enumerate(self._entries):
            if number == 2:
                self._awake.wait(30)
            yield item


async def test_slow_folder_shows_what_has_come_and_can_be_left(make_app, album, monkeypatch):
    awake, scan = threading.Event(), os.scandir
    monkeypatch.setattr(folder, "_TELL_EVERY_SECONDS", 0)
    app = make_app()
    async with app.run_test() as pilot:
        entries = sorted(scan(album), key=lambda item: item.name)
        monkeypatch.setattr(os, "scandir", lambda path: SlowScan(entries, awake))
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen))
        picker = app.screen
        await wait_until(pilot, lambda: picker.names.entries)
        assert len(_names(picker)) < 1 + len(entries)
        assert "Reading" in _remarks(picker)
        await pilot.press(*"holi")
        assert picker.query_one("#filter").value == "holi"
        awake.set()
        await wait_until(pilot, lambda: _remarks(picker) == "")
        assert _names(picker) == ["Holiday"]
        awake.clear()
        await pilot.press("ctrl+s")
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        awake.set()


async def test_choice_in_a_slow_folder_is_a_picture_and_stays_where_somebody_moved_it(
    make_app, album, monkeypatch
):
    awake, scan = threading.Event(), os.scandir
    monkeypatch.setattr(folder, "_TELL_EVERY_SECONDS", -1)
    app = make_app()
    async with app.run_test() as pilot:
        first = ["Holiday", "notes.txt", "wood.jpg", "[b]sea[.png", ".hidden.png", "stone"]
        entries = sorted(scan(album), key=lambda item: first.index(item.name))
        monkeypatch.setattr(os, "scandir", lambda path: SlowScan(entries, awake))
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, FilePickerScreen))
        picker = app.screen
        await wait_until(pilot, lambda: _names(picker) == ["..", "Holiday", "notes.txt"])
        awake.set()
        await wait_until(pilot, lambda: _remarks(picker) == "")
        assert picker.names.chosen.name == "[b]sea[.png"
        await pilot.press("down")
        awake.clear()
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: _names(picker) == ["..", "Holiday", "notes.txt"])
        awake.set()
        await wait_until(pilot, lambda: _remarks(picker) == "newest first")
        assert picker.names.chosen.name == "wood.jpg"


def test_recent_folders_survive_nonsense_in_their_file(tmp_path):
    path = tmp_path / "recent.json"
    for text in ("", "{", '{"a": 1}', "[1, null]", "\udce4"):
        path.write_text(text, "utf-8", "surrogateescape")
        assert RecentFolders(path).folders() == []
    RecentFolders(path).remember(Path("/a"))
    RecentFolders(path).remember(Path("/b"))
    RecentFolders(path).remember(Path("/a"))
    assert RecentFolders(path).folders() == [Path("/a"), Path("/b")]
    for number in range(MOST_FOLDERS):
        RecentFolders(path).remember(Path(f"/{number}"))
    assert len(RecentFolders(path).folders()) == MOST_FOLDERS


def test_recent_folders_that_cannot_be_written_bother_nobody(tmp_path):
    (tmp_path / "file").touch()
    RecentFolders(tmp_path / "file" / "recent.json").remember(Path("/a"))


async def test_costs_follow_the_crops_that_were_chosen(make_app, tmp_path):
    Image.new("RGB", (640, 480), "red").save(tmp_path / "work" / "a.png")
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        await pilot.press("f2")
        picker = await _open_picker(pilot, app)
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: "640×480 · 313 tokens" in drawn(preview))  # noqa: RUF001
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await pilot.press("f2")
        picker = await _open_picker(pilot, app)
        preview = picker.query_one(ImagePreview)
        await wait_until(pilot, lambda: "640×480 · 757 tokens" in drawn(preview))  # noqa: RUF001


async def test_help_that_lies_above_it_stays_while_a_picture_is_attached(
    make_app, album, monkeypatch
):
    may_read = threading.Event()

    async def read_pictures(paths):
        await in_thread(may_read.wait, 60)
        return [Attachment.from_path(path) for path in paths], []

    monkeypatch.setattr(file_picker, "read_pictures", read_pictures)
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await _filter(pilot, picker, "wood", ["wood.jpg"])
        await pilot.press("enter", "f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        may_read.set()
        await pilot.pause(0.3)
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])
        assert app.screen is app.chat


async def test_the_name_of_a_folder_is_no_markup(make_app, album):
    (album / "[" / "b]").mkdir(parents=True)
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        picker._filter.value = "[/b]/"
        await wait_until(pilot, lambda: picker.folder == album / "[" / "b]")
        await wait_until(pilot, lambda: _names(picker) == [".."])


async def test_a_person_that_is_not_known_is_no_folder(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        await pilot.press(*"~no-such-person", "slash", "enter")
        await wait_until(pilot, lambda: "There is no" in drawn(picker._preview))


@pytest.mark.parametrize("form", ["'{}'", "file://{}", "{}"])
async def test_a_file_that_is_dropped_on_it_is_found(make_app, album, form):
    app = make_app()
    async with app.run_test() as pilot:
        picker = await _open_picker(pilot, app)
        picker._filter.post_message(events.Paste(form.format(album / "Holiday" / "beach.png")))
        await wait_until(pilot, lambda: _names(picker) == ["beach.png"])
        assert picker.folder == album / "Holiday"
