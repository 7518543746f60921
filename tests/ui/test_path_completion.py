"""Completing a path after an @."""

from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.ui.at_path import AtPath, at_path
from tests.ui.steps import attached, composer, wait_until


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "My Pics").mkdir()
    Image.new("RGB", (30, 20), "red").save(folder / "My Pics" / "beach.png")
    Image.new("RGB", (30, 20), "red").save(folder / "wood.jpg")
    Image.new("RGB", (30, 20), "red").save(folder / "stone", format="PNG")
    (folder / "notes.txt").write_text("no picture")
    return folder


def _offered(app) -> list[str]:
    completion = composer(app).completion
    return [item.name for item in completion.entries] if completion.is_open else []


async def test_folders_and_pictures_are_offered_by_content(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("@")
        await wait_until(pilot, lambda: _offered(app) == ["My Pics", "wood.jpg", "stone"])
        list_ = composer(app).completion
        await wait_until(pilot, lambda: list_.region.bottom == composer(app).region.y)


async def test_picture_is_attached_and_its_name_stays_readable(make_app, engine, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"See @woo")
        await wait_until(pilot, lambda: _offered(app) == ["wood.jpg"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["wood.jpg"])
        assert composer(app).text == "See wood.jpg "
        assert engine.requests == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: engine.requests)


async def test_folder_is_entered_also_with_a_space_in_its_name(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"@my")
        await wait_until(pilot, lambda: _offered(app) == ["My Pics"])
        await pilot.press("tab")
        await wait_until(pilot, lambda: _offered(app) == ["beach.png"])
        assert composer(app).text == '@"My Pics/'
        await pilot.press("enter")
        await wait_until(pilot, lambda: attached(app) == ["beach.png"])
        assert composer(app).text == ""


async def test_arrows_choose(make_app, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("@")
        await wait_until(pilot, lambda: _offered(app))
        await pilot.press("down", "down", "up", "down", "enter")
        await wait_until(pilot, lambda: attached(app) == ["stone"])


async def test_esc_closes_and_enter_then_sends(make_app, engine, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"ask @wo")
        await wait_until(pilot, lambda: _offered(app))
        await pilot.press("escape")
        assert _offered(app) == []
        await pilot.press("o")
        await pilot.pause()
        assert _offered(app) == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: engine.requests)
        assert engine.requests[0].messages[-1].text == "ask @woo"
        assert attached(app) == []


async def test_where_nothing_fits_enter_sends(make_app, engine, album):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"@qqq", "enter")
        await wait_until(pilot, lambda: engine.requests)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("@", AtPath(0, "", "")),
        ("see @a/b/c.p", AtPath(4, "a/b/", "c.p")),
        ('see @"My Pics/be ach', AtPath(4, "My Pics/", "be ach")),
        ("@~/x", AtPath(0, "~/", "x")),
        ("ann@example.org", None),
        ("@a b", None),
        ("no", None),
    ],
)
def test_the_path_before_the_cursor(line, found):
    assert at_path(line) == found
