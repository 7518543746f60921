"""Drawn pictures: the model gets what a file would give, and labels lie where things are."""

import random

import numpy as np
import pytest

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
    fit_into_crop,
)
from phi3v_tui.demo.words import is_held_out_word, random_word
from phi3v_tui.phi3v.image_processing import CLIP_MEAN, CLIP_STD, Phi3VImageProcessor


@pytest.mark.parametrize("size", [(320, 320), (400, 225), (180, 320), (224, 223), (301, 150)])
def test_training_pixels_equal_the_image_processor_s(size: tuple[int, int]) -> None:
    rng = random.Random(size[0])
    picture = scenes.draw_scene(rng, scenes.random_scene(rng, held_out=False), size)
    processor = Phi3VImageProcessor(num_crops=1, num_img_tokens=64, crop_size=CROP)
    crops = processor.crops(picture.image, processor.layout(picture.image))
    pixels = crops[1].permute(1, 2, 0).numpy() * np.array(CLIP_STD) + np.array(CLIP_MEAN)
    assert np.array_equal(np.rint(pixels * 255), fit_into_crop(picture.image))


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


def test_a_shape_is_labelled_where_it_is_drawn() -> None:
    rng = random.Random(5)
    for _ in range(20):
        scene = scenes.random_scene(rng, held_out=False, count=3)
        picture = scenes.draw_scene(rng, scene)
        for shape in scene.shapes:
            cells = scene_questions.shape_cells(picture, shape)
            assert cells
            assert _is_drawn_in(picture.pixels, cells, picture)


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


def test_printed_text_lies_in_the_cells_it_is_said_to_be_read_from() -> None:
    rng = random.Random(8)
    for _ in range(20):
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
