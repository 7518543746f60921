"""What the model sees, and looking closely."""

import io

import pytest
from PIL import Image

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import crop_layout
from phi3v_tui.ui.model_view import model_canvas, next_choice, with_grid
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen
from phi3v_tui.ui.widgets.attachment_bar import AttachmentBar
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.scripted_engine import ScriptedEngine
from tests.ui.steps import attach, attached, drawn, notices, submit, wait_until


@pytest.fixture
def pages(tmp_path):
    """A document of three pages: red, green, blue."""
    images = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "scan.tif"
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


async def _view(pilot, app) -> ImageViewerScreen:
    await wait_until(pilot, lambda: app.chat.status.model)
    await pilot.press("f3")
    await wait_until(pilot, lambda: isinstance(app.screen, ImageViewerScreen))
    viewer = app.screen
    await wait_until(pilot, lambda: viewer._canvas.children)
    return viewer


def _attachments(app) -> tuple[Attachment, ...]:
    return app.chat.query_one(AttachmentBar).attachments


async def test_the_pane_shows_crops_padding_tokens_and_share(make_app, shapes):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        await attach(pilot, app, shapes)
        preview = app.chat.query_one("#preview", ImagePreview)
        await wait_until(pilot, lambda: "1,921 tokens, 23 % of the context" in drawn(preview))
        assert "4×3 of at most 16 crops, overview, 0 % padding" in drawn(preview)  # noqa: RUF001


async def test_f2_changes_the_crops_of_the_next_answer_and_tells_the_cost(make_app, engine, shapes):
    app = make_app()
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: app.chat.status.model)
        await attach(pilot, app, shapes)
        await pilot.press("f2")
        await wait_until(pilot, lambda: "At most 1 crop a picture" in notices(app))
        assert "1 picture, 313 tokens, 4 % of the context" in notices(app)
        await wait_until(pilot, lambda: "313 tokens" in drawn(app.chat.query_one(AttachmentBar)))
        await pilot.press("f2")
        await wait_until(pilot, lambda: "At most 4 crops" in notices(app))
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        assert engine.requests[0].num_crops == 4


def test_the_choice_goes_round():
    assert [next_choice(n) for n in (1, 2, 4, 9, 16)] == [4, 4, 9, 16, 1]


def test_the_canvas_is_padded_with_white_and_the_grid_lies_between_crops():
    layout = crop_layout(1000, 300, 4)
    canvas = model_canvas(Image.new("RGB", (1000, 300), "navy"), layout)
    assert canvas.size == (1008, 336)
    assert canvas.getpixel((500, 16)) == canvas.getpixel((500, 320)) == (255, 255, 255)
    assert canvas.getpixel((500, 18)) == (0, 0, 128)
    lined = with_grid(canvas, layout, (0, 0, 1008, 336))
    lines = [x for x in range(1008) if lined.getpixel((x, 100)) != (0, 0, 128)]
    assert lines == [336, 672]


async def test_viewer_zooms_and_attaches_what_is_seen(make_app, shapes):
    app = make_app([shapes])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        assert "my shapes.png  640×480" in drawn(viewer)  # noqa: RUF001
        await pilot.press("a")
        await wait_until(pilot, lambda: "attached already" in notices(app))
        await pilot.press(*["plus"] * 4, *"hhhh", *["left"] * 8)
        box = viewer._viewport.box
        assert box[0] == 0
        await pilot.press("a")
        await wait_until(pilot, lambda: attached(app) == ["my shapes.png", "my shapes, part.png"])
        part = _attachments(app)[1]
        assert (part.width, part.height) == (box[2] - box[0], box[3] - box[1])
        whole = Image.open(io.BytesIO(shapes.read_bytes())).convert("RGB")
        assert part.image().tobytes() == whole.crop(box).tobytes()


async def test_part_seen_as_the_model_gets_it_is_cut_from_the_picture_itself(make_app, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("RGB", (2000, 500), "red").save(path)
    app = make_app([path])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        await pilot.press("m")
        await wait_until(pilot, lambda: "overview" in drawn(viewer))
        await pilot.press(*["plus"] * 3)
        await pilot.press("a")
        await wait_until(pilot, lambda: len(attached(app)) == 2)
        part = _attachments(app)[1]
        assert part.image().getextrema() == ((255, 255), (0, 0), (0, 0))
        assert 500 < part.width < 2000


async def test_page_is_chosen_and_takes_the_place_of_the_first(make_app, pages):
    app = make_app([pages])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        await wait_until(pilot, lambda: "page 1 of 3" in drawn(viewer))
        await pilot.press("right_square_bracket")
        await wait_until(pilot, lambda: "page 2 of 3" in drawn(viewer))
        await pilot.press("r")
        await wait_until(pilot, lambda: attached(app) == ["scan, page 2.png"])
        assert _attachments(app)[0].image().getpixel((5, 5)) == (0, 255, 0)


async def test_page_is_attached_beside_the_first(make_app, pages):
    app = make_app([pages])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        await wait_until(pilot, lambda: "page 1 of 3" in drawn(viewer))
        for number in (2, 3):
            await pilot.press("pagedown")
            await wait_until(pilot, lambda n=number: f"page {n} of 3" in drawn(viewer))
        await pilot.press("a")
        await wait_until(pilot, lambda: attached(app) == ["scan.tif", "scan, page 3.png"])


async def test_picture_of_an_earlier_turn_opens_from_the_log(make_app, engine, shapes):
    app = make_app([shapes])
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        await pilot.press("shift+tab", "enter")
        await wait_until(pilot, lambda: isinstance(app.screen, ImageViewerScreen))
        await pilot.press("r")
        await wait_until(pilot, lambda: "has been sent" in notices(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)


async def test_there_is_nothing_to_view_yet(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("f3")
        await wait_until(pilot, lambda: "There is no picture yet" in notices(app))


async def test_pages_are_told_once_and_f3_opens_what_has_them(make_app, pages, shapes, tmp_path):
    moving = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    app = make_app([pages, moving, shapes])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: "F3 shows it" in notices(app))
        assert notices(app).count("scan.tif has 3 pages; the first one is attached.") == 1
        assert notices(app).count("moving.gif has 2 frames; the first one is attached.") == 1
        viewer = await _view(pilot, app)
        await wait_until(pilot, lambda: "moving.gif  frame 1 of 2" in drawn(viewer))
        assert "r take this frame instead" in drawn(viewer)


async def test_one_picture_is_no_reason_to_say_anything(make_app, shapes):
    app = make_app([shapes])
    async with app.run_test(size=(80, 24)) as pilot:
        await _view(pilot, app)
        assert notices(app) == ""


async def test_what_the_model_gets_is_that_of_the_page_that_is_seen(make_app, pages):
    app = make_app([pages])
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        await pilot.press("right_square_bracket")
        await wait_until(pilot, lambda: "page 2 of 3" in drawn(viewer))
        await pilot.press("m")
        await wait_until(pilot, lambda: "overview" in drawn(viewer))
        assert "page 2 of 3" in drawn(viewer)


async def test_f2_in_the_viewer_changes_the_crops_everywhere(make_app, engine, shapes):
    app = make_app([shapes])
    async with app.run_test(size=(140, 45)) as pilot:
        await wait_until(pilot, lambda: attached(app))
        viewer = await _view(pilot, app)
        await pilot.press("plus")
        await wait_until(pilot, lambda: "1.5×" in drawn(viewer))  # noqa: RUF001
        await pilot.press("f2")
        await wait_until(pilot, lambda: "313 tokens, 4 % of the context" in notices(app))
        await wait_until(pilot, lambda: "picture of its own 313 tokens" in drawn(viewer))
        assert "1.5×" in drawn(viewer)  # noqa: RUF001
        await pilot.press("m")
        await wait_until(pilot, lambda: "1×1 of at most 1 crop," in drawn(viewer))  # noqa: RUF001
        await pilot.press("f2")
        await wait_until(pilot, lambda: "2×2 of at most 4 crops" in drawn(viewer))  # noqa: RUF001
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.chat)
        await wait_until(pilot, lambda: "757 tokens" in drawn(app.chat.attachment_bar))
        await submit(pilot, app, "What is this?")
        await wait_until(pilot, lambda: engine.requests)
        assert engine.requests[0].num_crops == 4


async def test_the_crops_that_were_chosen_hold_for_the_model_that_is_loaded_next(
    make_app, engine, shapes
):
    app = make_app([shapes])
    async with app.run_test(size=(140, 45)) as pilot:
        await _view(pilot, app)
        await pilot.press("escape", "f2")
        await wait_until(pilot, lambda: "313 tokens" in drawn(app.chat.attachment_bar))
        app.chat.replace_engine(ScriptedEngine(name="Other"))
        await wait_until(pilot, lambda: "Other" in drawn(app.chat.status))
        assert "313 tokens" in drawn(app.chat.attachment_bar)
