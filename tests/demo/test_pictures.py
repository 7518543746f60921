"""Drawn pictures: the model gets what a file would give, and labels lie where things are."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from phi3v_tui.demo import (
    chart_questions,
    charts,
    comparisons,
    covers,
    pages,
    scene_questions,
    scenes,
    tables,
    unlike,
)
from phi3v_tui.demo.drawing import (
    CELL,
    CHARACTERS,
    CROP,
    FONTS,
    HELD_OUT_FONTS,
    LEVELS,
    PLANE,
    Canvas,
    Picture,
    cut_into,
    font_path,
    overview_cell,
)
from phi3v_tui.demo.scenes import draw_shape
from phi3v_tui.demo.views import picture_tensors, views
from phi3v_tui.demo.words import is_held_out_word, random_word
from phi3v_tui.phi3v.image_embedding import distinct_views
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor, hd_transform

SIZES = [(320, 320), (400, 225), (180, 320), (224, 223), (301, 150), (400, 199), (150, 600)]


@pytest.mark.parametrize("num_crops", [1, 4])
def test_training_views_equal_the_image_processor_s(num_crops: int) -> None:
    processor = Phi3VImageProcessor(num_crops=num_crops, num_img_tokens=64, crop_size=CROP)
    pictures = []
    for size in SIZES:
        rng = random.Random(size[0])
        with cut_into(num_crops):
            canvas = Canvas(*size, (200, 30, 30))
            canvas.text(4, 4, "Winter", font_path("cmr10"), 40, (255, 255, 255), 0)
            draw_shape(canvas, "star", size[0] / 2, size[1] / 2, 60, (0, 0, 255), None)
            pictures.append(canvas.finish(rng))
        # Noise is made of pixels, not of the file.
        pictures[-1].pixels = np.asarray(
            hd_transform(pictures[-1].image, processor.layout(pictures[-1].image))
        )
    seen = picture_tensors(pictures)
    given = [distinct_views(processor.crops(p.image, processor.layout(p.image))) for p in pictures]
    assert len({picture.grid for picture in pictures}) == (1 if num_crops == 1 else 3)
    torch.testing.assert_close(views(seen.crops, seen.grids), torch.cat(given))


@pytest.mark.parametrize("make", [scene_questions.scene_item, scene_questions.follow_up_item])
def test_held_out_triples_are_never_in_training(make) -> None:
    def held_out(seed: int, wanted: bool) -> bool:
        scene = scenes.random_scene(random.Random(seed), wanted)
        return any(map(scenes.is_held_out, scene.shapes))

    assert not any(held_out(seed, False) for seed in range(300))
    assert all(held_out(seed, True) for seed in range(50))


def test_comparisons_for_training_have_no_held_out_triple(monkeypatch) -> None:
    drawn = []
    monkeypatch.setattr(
        comparisons,
        "draw_scene",
        lambda rng, scene, size: drawn.append(scene) or scenes.draw_scene(rng, scene, size),
    )
    for seed in range(150):
        comparisons.compare_item(random.Random(seed), held_out=False)
    assert len(drawn) == 300
    assert not any(scenes.is_held_out(s) for scene in drawn for s in scene.shapes)


def test_held_out_words_are_never_printed_in_training() -> None:
    rng = random.Random(0)
    drawn = [covers.draw_cover(rng, held_out=False) for _ in range(60)]
    words = [w for d in drawn for w in f"{d.title} {d.author}".split()]
    words += [w for _ in range(60) for w in pages.random_words(rng, held_out=False).split()]
    cells = [t for _ in range(60) for row in tables.random_table(rng, held_out=False) for t in row]
    words += [w for w in cells if not w.isdigit()]
    words = [w for w in words if not w.isdigit()]
    assert not any(map(is_held_out_word, words))
    assert all(is_held_out_word(random_word(rng, True)) for _ in range(50))


@pytest.mark.parametrize("num_crops", [1, 4])
def test_a_shape_is_labelled_where_it_is_drawn(num_crops: int) -> None:
    rng = random.Random(5)
    for _ in range(20):
        scene = scenes.random_scene(rng, held_out=False, count=3)
        with cut_into(num_crops):
            picture = scenes.draw_scene(rng, scene)
        overview = _shrunk(picture)
        for shape in scene.shapes:
            cells = scene_questions.shape_cells(picture, shape)
            assert cells
            assert _is_drawn_in(picture.pixels, cells, picture)
            cells = picture.overview.cells("place", shape.place + 1)
            assert cells
            assert _is_drawn_in(overview, cells, picture)


def _shrunk(picture: Picture) -> np.ndarray:
    """A picture's grid of crops as one crop."""
    return np.asarray(Image.fromarray(picture.pixels).resize((CROP, CROP)))


@pytest.mark.parametrize("size", [(320, 320), (400, 199), (199, 400)])
def test_with_more_crops_the_same_is_labelled_more_finely(size: tuple[int, int]) -> None:
    def draw(num_crops: int) -> Picture:
        with cut_into(num_crops):
            canvas = Canvas(*size, (255, 255, 255))
        canvas.fill_background(2)
        canvas.text(size[0] / 3, size[1] / 3, "Winter", font_path("cmr10"), 30, (0, 0, 0), 0)
        canvas.mark((0, 0, size[0] / 2, size[1] / 2), kind=1)
        canvas.mark_cell(canvas.cell_at(size[0] - 1, size[1] - 1), mark=3)
        return canvas.finish(random.Random(2))

    one, four = draw(1), draw(4)
    rows, cols = four.grid.rows, four.grid.cols
    assert four.labels.planes.shape[1:] == (8 * rows, 8 * cols)
    # A crop shows half of the long side, so cells are half as long on both.
    assert len(four.labels.cells("kind", 1)) == 4 * len(one.labels.cells("kind", 1)) > 0
    for picture in (one, four):
        for labels in (picture.labels, picture.overview):
            grid = labels.characters()
            assert "".join(CHARACTERS[i - 1] for i in _in_reading_order(grid)) == "Winter"
    marked = four.labels.cells("mark", 3)
    assert four.overview.cells("mark", 3) == tuple(overview_cell(c, four.grid) for c in marked)
    # The overview of a square picture is what one crop shows.
    if size[0] == size[1]:
        assert np.array_equal(four.overview.planes, one.labels.planes)
        assert np.array_equal(four.overview.characters(), one.labels.characters())


def _in_reading_order(grid: np.ndarray) -> list[int]:
    """Character ids of one line of print, from left to right."""
    rows, columns, _ = grid.shape
    quarters = grid.reshape(rows, columns, 2, 2, 3).transpose(1, 3, 0, 2, 4)
    return [i for i in quarters.reshape(-1) if i]


def _is_drawn_in(pixels: np.ndarray, cells, picture) -> bool:
    """Whether the cells differ from the picture's background."""
    background = np.asarray(picture.image)[0, 0].astype(int)
    squares = [pixels[r * CELL : (r + 1) * CELL, c * CELL : (c + 1) * CELL] for r, c in cells]
    return any(np.abs(s.astype(int) - background).sum(-1).max() > 60 for s in squares)


def test_characters_are_labelled_in_reading_order() -> None:
    canvas = Canvas(CROP, CROP, (255, 255, 255))
    font = covers.font_path("DejaVuSans-Bold")
    canvas.text(2, 30, "Winter", font, 24, (0, 0, 0), 0)
    grid = canvas.labels.characters()
    read = [CHARACTERS[i - 1] for row in range(8) for i in grid[row].reshape(-1) if i]
    assert "".join(read) == "Winter"


@pytest.mark.parametrize("num_crops", [1, 4])
def test_printed_text_lies_in_the_cells_it_is_said_to_be_read_from(num_crops: int) -> None:
    rng = random.Random(8)
    for _ in range(20):
        with cut_into(num_crops):
            drawn = pages.draw_note(rng, held_out=False)
        assert len(drawn.cells) == len(drawn.text) <= pages.MOST_CHARACTERS
        grid = drawn.picture.labels.characters()
        for character, cell in zip(drawn.text, drawn.cells, strict=True):
            if character != " ":
                assert CHARACTERS.index(character) + 1 in grid[cell]


def test_notes_of_the_evaluation_are_printed_in_fonts_that_training_never_uses() -> None:
    assert not set(FONTS) & set(HELD_OUT_FONTS)


def test_a_table_is_written_in_markdown_with_every_text_read_from_its_cell() -> None:
    rng = random.Random(9)
    for _ in range(20):
        drawn = tables.draw_table(rng, held_out=False)
        answer = tables.markdown(drawn)
        lines = answer.text.splitlines()
        said = [[t.strip() for t in line.strip("|").split("|")] for line in lines]
        assert said[:1] + said[2:] == drawn.rows
        assert set(said[1]) == {"---"}
        grid = drawn.picture.labels.characters()
        for span in answer.spans:
            character = answer.text[span.start : span.end]
            if character in CHARACTERS:
                assert CHARACTERS.index(character) + 1 in grid[span.cells[0][1]]


@pytest.mark.parametrize("sort", ["bar", "line"])
def test_a_value_is_read_from_the_axis(sort: str) -> None:
    rng = random.Random(12)
    chart = charts.Chart("Sales", ("2001", "2002", "2003"), (10, 90, 48), "red", sort, 500)
    drawn = charts.draw_chart(rng, chart)
    assert chart_questions.ask_value(rng, drawn, 2).answer.text == (
        "The axis ends at 500 and 2003 stands at 50% of it, so about 250."
    )
    levels = drawn.picture.labels.planes[PLANE["level"]]
    assert sorted(set(levels[levels > 0])) == [v * LEVELS // 100 + 1 for v in (10, 50, 90)]


def test_answers_say_what_was_drawn() -> None:
    rng = random.Random(11)
    chart = charts.Chart("Sales", ("2001", "2002", "2003"), (10, 90, 50), "red")
    drawn = charts.draw_chart(rng, chart)
    assert (
        chart_questions.ask_extreme(rng, drawn, "highest").answer.text == "The highest bar is 2002."
    )
    assert (
        chart_questions.ask_extreme(rng, drawn, "lowest").answer.text == "The lowest bar is 2001."
    )
    assert "goes up and down" in chart_questions.ask_trend(rng, drawn).answer.text
    scene = scenes.Scene(
        "white", (scenes.Shape("star", "orange", 0), scenes.Shape("star", "blue", 8))
    )
    picture = scenes.draw_scene(rng, scene)
    counted = scene_questions.ask_count_kind(rng, picture, scene, "star").answer.text
    assert counted == (
        "I see an orange star at the top left, a blue star at the bottom right. "
        "That makes two stars."
    )
    assert scene_questions.ask_count_kind(rng, picture, scene, "cross").answer.text == (
        "I see no crosses."
    )


def test_held_out_kinds_of_unlike_pictures_are_other_kinds() -> None:
    assert not set(unlike.TRAINED_KINDS) & set(unlike.HELD_OUT_KINDS)
    assert set(unlike.TRAINED_KINDS) | set(unlike.HELD_OUT_KINDS) == set(unlike.MAKERS)
