"""Pictures at the size of the screen."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.pictures import fit_cells, image_widget, shrink
from phi3v_tui.ui.widgets import picture_canvas
from phi3v_tui.ui.widgets.picture_canvas import PictureCanvas
from tests.ui.steps import wait_until


@pytest.mark.parametrize(
    ("size", "room", "cells"),
    [
        ((640, 480), (40, 100), (40, 15)),
        ((640, 480), (200, 15), (40, 15)),
        ((480, 640), (200, 20), (30, 20)),
        ((10_000, 10), (40, 20), (40, 1)),
        ((10, 10_000), (40, 20), (1, 20)),
    ],
)
def test_picture_fits_and_keeps_its_shape(size, room, cells):
    assert fit_cells(*size, *room) == cells


def test_cells_of_another_shape_keep_that_of_the_picture():
    assert fit_cells(300, 300, 100, 30, 1.5) == (45, 30)


def test_picture_is_shrunk_to_two_pixels_a_cell(shapes):
    image = shrink(Attachment.from_path(shapes), (40, 15), ImageMode.HALFCELL)
    assert image.size == (40, 30)
    assert image.getpixel((11, 15)) == (255, 0, 0)
    assert image.getpixel((28, 16)) == (0, 0, 255)
    assert image.getpixel((39, 29)) == (255, 255, 255)


def test_textual_image_is_imported_without_asking_the_terminal():
    """Its questions go to stdout; their answers would end up in the composer."""
    code = """
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    from phi3v_tui.ui.pictures import image_widget
    from phi3v_tui.interface.terminal import ImageMode
    image_widget(ImageMode.HALFCELL)
    print("imported", flush=True)
    os._exit(0)
said = b""
while True:
    try:
        piece = os.read(terminal, 1000)
    except OSError:
        break
    if not piece:
        break
    said += piece
print(said)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == repr(b"imported\r\n")


async def test_what_draws_pictures_is_imported_beside_the_interface(make_app, shapes, monkeypatch):
    asked = []

    def noted(mode):
        asked.append(threading.current_thread())
        return image_widget(mode)

    monkeypatch.setattr(picture_canvas, "image_widget", noted)
    app = make_app([shapes])
    async with app.run_test(size=(140, 40)) as pilot:
        await wait_until(pilot, lambda: app.chat.query_one(PictureCanvas).children)
    assert asked
    assert threading.main_thread() not in asked
