"""Sixels: to measure, and in order with what lies above them."""

import re

import pytest
from textual._compositor import CompositorUpdate

from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui import cell_size
from tests.ui.steps import attach, notices, wait_until

_SIXELS = re.compile(r'\x1bP[\d;]*q"1;1;(\d+);(\d+)')


@pytest.fixture
def cell():
    """A terminal of cells that are 8 by 16 pixels."""
    cell_size.remember((8, 16))
    yield (8, 16)
    cell_size.remember(None)


class Screen:
    """What the app would draw on a terminal."""

    def __init__(self, app, monkeypatch) -> None:
        self.drawn: list[str] = []

        def draw(_, update) -> None:
            if isinstance(update, CompositorUpdate):
                self.drawn.append(update.render_segments(app.console))

        monkeypatch.setattr(app, "_display", draw)

    def sixels(self) -> list[tuple[int, int]]:
        """Sizes of the pictures drawn so far, in pixels."""
        return [(int(w), int(h)) for w, h in _SIXELS.findall("".join(self.drawn))]


async def test_they_fill_their_cells_to_the_pixel(make_app, shapes, cell, monkeypatch):
    app = make_app(image_mode=ImageMode.SIXEL)
    async with app.run_test(size=(140, 45)) as pilot:
        screen = Screen(app, monkeypatch)
        await attach(pilot, app, shapes)
        await wait_until(pilot, screen.sixels)
        picture = app.chat.query("#preview .canvas > *").first()
        size = (picture.size.width * cell[0], picture.size.height * cell[1])
        assert screen.sixels()[-1] == size
        assert size[0] / size[1] == pytest.approx(640 / 480, rel=0.05)


async def test_larger_letters_are_followed(make_app, shapes, chart, cell, monkeypatch):
    app = make_app(image_mode=ImageMode.SIXEL)
    async with app.run_test(size=(140, 45)) as pilot:
        screen = Screen(app, monkeypatch)
        await attach(pilot, app, shapes)
        await wait_until(pilot, screen.sixels)
        cell_size.remember((12, 30))
        count = len(screen.sixels())
        await attach(pilot, app, chart)
        await wait_until(pilot, lambda: len(screen.sixels()) > count)
        picture = app.chat.query("#preview .canvas > *").first()
        assert screen.sixels()[-1] == (picture.size.width * 12, picture.size.height * 30)


async def test_what_lies_above_is_drawn_above_and_leaves_no_hole(
    make_app, shapes, cell, monkeypatch
):
    app = make_app(image_mode=ImageMode.SIXEL)
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        screen = Screen(app, monkeypatch)
        await attach(pilot, app, shapes)
        await wait_until(pilot, screen.sixels)
        app.notify("Words above\n" * 9, timeout=60)
        await wait_until(pilot, lambda: "Words above" in "".join(screen.drawn))
        screen.drawn.clear()
        await wait_until(pilot, lambda: "Words above" in "".join(screen.drawn))
        assert screen.sixels() == []  # it would cover them
        app.clear_notifications()
        await wait_until(pilot, lambda: not notices(app) and screen.sixels())
