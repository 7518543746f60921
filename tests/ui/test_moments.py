"""What the app says and does by the moment: hints, slow lines, SSH, no colours."""

from dataclasses import replace

import pytest
from textual.color import Color

from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import notices, submit, wait_until


@pytest.mark.parametrize(("is_slow", "every"), [(False, 0.1), (True, 0.2)])
async def test_a_slow_line_is_drawn_on_half_as_often(make_app, settings, is_slow, every):
    app = make_app(settings=replace(settings, slow_link=is_slow))
    intervals = []
    begin = app.chat.set_interval

    def noted(seconds, *rest, **more):
        intervals.append(seconds)
        return begin(seconds, *rest, **more)

    app.chat.set_interval = noted
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        assert every in intervals


async def test_the_word_over_ssh_comes_once(make_app, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    told = []
    for _ in range(2):
        app = make_app(engine=ScriptedEngine())
        async with app.run_test() as pilot:
            await wait_until(pilot, lambda app=app: app.chat.status.model)
            told.append("If the line drops" in notices(app))
    assert told == [True, False]


async def test_without_colours_everything_can_still_be_read(make_app, engine, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test() as pilot:
        await submit(pilot, app, "Hi")
        await wait_until(pilot, lambda: engine.requests)
        engine.say("**Bold** and `code`.")
        engine.finish()
        await wait_until(pilot, lambda: not app.chat.is_answering)
        (grey,) = app._filters[:1]
        strips = app.screen._compositor.render_strips()
        segments = [
            part for strip in strips for part in strip.apply_filter(grey, Color.parse("black"))
        ]
        colours = {part.style.color.triplet for part in segments if part.style and part.style.color}
        assert colours
        assert all(red == green == blue for red, green, blue in colours)
