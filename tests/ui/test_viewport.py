"""Zooming and panning, in numbers."""

import pytest

from phi3v_tui.ui.viewport import MOST_ZOOM, Viewport


@pytest.fixture
def window():
    """A picture of 400 x 200 pixels in 80 columns and 40 rows: half a cell takes 5 pixels."""
    return Viewport.fit(400, 200, 80, 40)


def test_the_whole_picture_fits_first(window):
    assert window.is_whole
    assert window.box == (0, 0, 400, 200)
    assert window.cells == (80, 20)


def test_closer_shows_the_middle_and_fills_the_window(window):
    closer = window.zoomed(2)
    assert closer.box == (100, 0, 300, 200)
    assert closer.cells == (80, 40)
    assert closer.zoomed(2).box == (150, 50, 250, 150)


def test_never_farther_than_all_and_never_closer_than_the_limit(window):
    assert window.zoomed(0.5) == window
    assert window.zoomed(1e9).zoom == MOST_ZOOM


def test_panning_stops_at_the_borders_and_comes_back_at_once(window):
    closer = window.zoomed(4)
    right = closer
    for _ in range(50):
        right = right.panned(0.25, 0.25)
    assert right.box == (300, 100, 400, 200)
    assert right.panned(-0.25, 0).box == (275, 100, 375, 200)
    assert window.panned(1, 1).is_whole


def test_a_resized_window_keeps_its_middle(window):
    closer = window.zoomed(4).panned(1, 0)
    middle = (closer.box[0] + closer.box[2]) / 2
    smaller = closer.resized(40, 12)
    assert (smaller.box[0] + smaller.box[2]) / 2 == pytest.approx(middle, abs=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_there_is_always_something_to_see(size):
    window = Viewport.fit(*size, 80, 24)
    for step in (window, window.zoomed(7), window.zoomed(1e9), window.zoomed(9).panned(1, -1)):
        left, top, right, bottom = step.box
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert min(step.cells) >= 1
        assert step.cells[0] <= 80
        assert step.cells[1] <= 24


def test_cells_of_another_shape_keep_that_of_the_picture():
    window = Viewport.fit(300, 300, 100, 30, tall=1.5)
    assert window.cells == (45, 30)
    assert window.zoomed(2).box == (0, 75, 300, 225)
    assert window.zoomed(2).cells == (90, 30)
