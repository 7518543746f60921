"""How looking for pictures, and at them, looks."""

import pytest

from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.looks.scene import LOOKS, State, draft_takes, picture, picture_drawn, press_for
from tests.ui.steps import attach, composer, drawn, wait_until


async def _pick(pilot) -> None:
    await press_for(pilot, "ctrl+o", FilePickerScreen)
    picker = pilot.app.screen
    await wait_until(pilot, lambda: picker.names.chosen)
    await pilot.press("tab")
    preview = picker.query_one(ImagePreview)
    await wait_until(pilot, lambda: "before.png" in drawn(preview))
    await picture_drawn(pilot, preview)


async def _complete(pilot) -> None:
    await pilot.press(*"Compare @")
    await wait_until(pilot, lambda: composer(pilot.app).completion.is_open)
    await pilot.press("down")
    await draft_takes(pilot, 2)


async def _view(pilot) -> ImageViewerScreen:
    await attach(pilot, pilot.app, picture("before.png"))
    await press_for(pilot, "f3", ImageViewerScreen)
    await picture_drawn(pilot, pilot.app.screen)
    return pilot.app.screen


async def _view_crops(pilot) -> None:
    viewer = await _view(pilot)
    await pilot.press("m")
    await wait_until(pilot, lambda: "overview" in drawn(viewer))


async def _view_part(pilot) -> None:
    await _view(pilot)
    await pilot.press("plus", "plus", "right")


STATES = {
    "picker": State(_pick),
    "completion": State(_complete),
    "viewer-crops": State(_view_crops),
    "viewer-part": State(_view_part),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_picture(shows, state, look):
    assert shows(STATES[state], LOOKS[look])
