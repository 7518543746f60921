"""Pictures from the web and from the other end of SSH, as the person meets them."""

import threading
from dataclasses import replace

import pytest

from phi3v_tui.ui.widgets.downloads import Downloads
from tests.ui.steps import attached, composer, drawn, notices, paste, submit, wait_until


@pytest.fixture
def open_app(make_app, settings):
    return make_app(settings=replace(settings, allow_private_urls=True))


async def test_attach_fetches_an_address(open_app, server, shapes):
    url = server.serve("/shapes.png", shapes.read_bytes())
    async with open_app.run_test() as pilot:
        await submit(pilot, open_app, f"/attach {url}")
        await wait_until(pilot, lambda: attached(open_app) == ["shapes.png"])
        assert composer(open_app).text == ""
        assert not open_app.chat.query_one(Downloads).children


async def test_progress_is_shown_and_a_prompt_waits_for_the_picture(
    open_app, engine, server, shapes
):
    gate = threading.Event()
    url = server.trickle("/shapes.png", shapes.read_bytes(), gate)
    async with open_app.run_test() as pilot:
        await submit(pilot, open_app, f"/attach {url}")
        downloads = open_app.chat.query_one(Downloads)
        await wait_until(pilot, lambda: "kB of" in drawn(downloads) or " B of" in drawn(downloads))
        await submit(pilot, open_app, "What is this?")
        assert engine.requests == []
        gate.set()
        await wait_until(pilot, lambda: engine.requests)
        assert [a.name for a in engine.requests[0].messages[0].attachments] == ["shapes.png"]


async def test_esc_cancels_and_the_command_comes_back(open_app, server, shapes):
    gate = threading.Event()
    url = server.trickle("/shapes.png", shapes.read_bytes(), gate)
    async with open_app.run_test() as pilot:
        await submit(pilot, open_app, f"/attach {url}")
        downloads = open_app.chat.query_one(Downloads)
        await wait_until(pilot, lambda: "B of" in drawn(downloads))
        await pilot.press("escape")
        await wait_until(pilot, lambda: not downloads.children)
        assert "cancelled" in notices(open_app)
        assert composer(open_app).text == f"/attach {url}"
        assert attached(open_app) == []
    gate.set()


async def test_private_address_is_refused_in_one_sentence(make_app, server, shapes):
    app = make_app()
    url = server.serve("/shapes.png", shapes.read_bytes())
    async with app.run_test() as pilot:
        await submit(pilot, app, f"/attach {url}")
        await wait_until(pilot, lambda: "not a public address" in notices(app))
        assert server.asked == []


async def test_path_of_ones_own_computer_comes_with_the_command_that_brings_it(
    make_app, monkeypatch
):
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.1 22")
    app = make_app()
    async with app.run_test() as pilot:
        await paste(pilot, app, "'/Users/ann/My Pic.png'")
        await wait_until(pilot, lambda: "is on your computer, not on" in notices(app))
        assert "scp '/Users/ann/My Pic.png'" in notices(app)
        assert "attach ~/My Pic.png" in notices(app)


async def test_addresses_paths_and_patterns_in_one_line_attach_in_their_order(
    open_app, server, shapes, chart
):
    url = server.serve("/web.png", shapes.read_bytes())
    async with open_app.run_test() as pilot:
        await submit(pilot, open_app, f"/attach {url} '{shapes}' {chart.parent}/ch*.png {url}")
        names = ["web.png", "my shapes.png", "chart.png", "web.png"]
        await wait_until(pilot, lambda: attached(open_app) == names)
        assert composer(open_app).text == ""


async def test_of_several_only_those_that_failed_come_back(open_app, server, shapes, tmp_path):
    url = server.serve("/none.png", b"", status=404)
    missing = tmp_path / "my missing.png"
    async with open_app.run_test() as pilot:
        await submit(pilot, open_app, f"/attach '{missing}' '{shapes}' {url}")
        await wait_until(pilot, lambda: attached(open_app) == ["my shapes.png"])
        await wait_until(pilot, lambda: composer(open_app).text == f"/attach '{missing}' {url}")
        assert "There is no file" in notices(open_app)
        assert "answered 404" in notices(open_app)
