"""Questions about two and three pictures: their answers follow from what is drawn."""

import random

from phi3v_tui.demo.scenes import Scene, Shape, draw_scene
from phi3v_tui.demo.which import (
    ask_which_has_more,
    ask_which_has_most,
    ask_which_shows,
    more_item,
    three_item,
)

ONE = Scene("white", (Shape("star", "red", 0),))
TWO = Scene("white", (Shape("star", "blue", 4), Shape("cross", "red", 8)))
THREE = Scene("white", tuple(Shape("circle", "green", p) for p in (1, 2, 5)))


def drawn(*scenes: Scene):
    rng = random.Random(1)
    return [draw_scene(rng, scene) for scene in scenes], scenes


def test_the_picture_with_more_is_named() -> None:
    rng = random.Random(1)
    assert ask_which_has_more(rng, *drawn(ONE, TWO), "").answer.text == (
        "The first picture shows a red star at the top left: one shape. The second picture shows "
        "a blue star at the centre, a red cross at the bottom right: two shapes. "
        "So the second picture has more."
    )
    assert ask_which_has_more(rng, *drawn(TWO, ONE), "star").answer.text.endswith(
        "So both have the same number."
    )
    assert ask_which_has_more(rng, *drawn(THREE, ONE), "star").answer.text == (
        "The first picture shows no stars. The second picture shows a red star at the top left: "
        "one star. So the second picture has more."
    )


def test_the_picture_with_the_most_is_named() -> None:
    turn = ask_which_has_most(random.Random(1), *drawn(ONE, THREE, TWO))
    assert turn.answer.text.endswith("So the second picture has the most.")


def test_the_picture_that_shows_a_thing_is_named() -> None:
    rng = random.Random(1)
    assert ask_which_shows(rng, *drawn(ONE, THREE, TWO), "cross").answer.text == (
        "The third picture shows a red cross at the bottom right."
    )
    assert ask_which_shows(rng, *drawn(ONE, THREE, TWO), "square").answer.text == (
        "None of the pictures shows a square."
    )


def test_conclusions_look_at_the_numbers_said_before() -> None:
    answer = ask_which_has_more(random.Random(1), *drawn(ONE, TWO), "").answer
    conclusion = answer.spans[-1]
    said = [answer.text[start:end] for start, end in conclusion.words]
    assert said == [" one shape", " two shapes"]


def test_items_have_answers_to_every_question() -> None:
    for seed in range(20):
        assert len(more_item(random.Random(seed), False).pictures) == 2
        item = three_item(random.Random(seed), True)
        assert len(item.pictures) == 3
        assert all(chain[0].answer.text.endswith((".", "background.")) for chain in item.chains)
