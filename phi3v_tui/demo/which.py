"""Two or three pictures: which has more, which has the most, which shows a thing."""

import random
from collections.abc import Sequence

from phi3v_tui.demo.comparisons import NTH, ask_describe_one, ask_what_at_in
from phi3v_tui.demo.dialogue import Answer, Item, Span, Turn, asked
from phi3v_tui.demo.drawing import KINDS, Picture, random_size
from phi3v_tui.demo.scene_questions import count_words, say_list, shape_cells
from phi3v_tui.demo.scenes import Scene, draw_scene, plural, random_scene


def _say_counts(
    answer: Answer, pictures: Sequence[Picture], scenes: Sequence[Scene], kind: str = ""
) -> list[Span]:
    """List what each picture shows, all or of a kind, and count it.

    Returns:
        Where the answer says the numbers.
    """
    numbers = []
    for i, (picture, scene) in enumerate(zip(pictures, scenes, strict=True)):
        those = [s for s in scene.shapes if kind in ("", s.kind)]
        answer.say(f"{' ' if i else ''}The {NTH[i]} picture shows")
        if those:
            say_list(answer.say(" ", shape_cells(picture, those[0]), i), picture, those, i)
            answer.say(":", ())
        answer.say(f" {count_words(len(those), kind or 'shape')}", None if those else ())
        start = answer.text.rindex(" ", 0, answer.text.rindex(" "))
        numbers.append(Span(start, len(answer.text), ()))
        answer.say(".")
    return numbers


def ask_which_has_more(
    rng: random.Random, pictures: Sequence[Picture], scenes: Sequence[Scene], kind: str
) -> Turn:
    """Which of two pictures has more of a kind, or more shapes where the kind is empty."""
    answer = Answer()
    numbers = _say_counts(answer, pictures, scenes, kind)
    first, second = (sum(kind in ("", s.kind) for s in scene.shapes) for scene in scenes)
    answer.conclude(" So", *numbers)
    if first == second:
        answer.conclude(" both have the same number", *numbers).say(".")
    else:
        answer.conclude(f" the {NTH[first < second]} picture has more", *numbers).say(".")
    kinds = plural(kind or "shape")
    return asked(rng, "which has more", answer, "which has more", kinds=kinds)


def ask_which_has_most(
    rng: random.Random, pictures: Sequence[Picture], scenes: Sequence[Scene]
) -> Turn:
    """Which of three pictures has the most shapes; one has more than each of the others."""
    answer = Answer()
    numbers = _say_counts(answer, pictures, scenes)
    counts = [len(scene.shapes) for scene in scenes]
    most = counts.index(max(counts))
    answer.conclude(" So", *numbers).conclude(f" the {NTH[most]}", *numbers)
    return asked(rng, "which has most", answer.say(" picture has the most."), "which has most")


def ask_which_shows(
    rng: random.Random, pictures: Sequence[Picture], scenes: Sequence[Scene], kind: str
) -> Turn:
    """Which of three pictures shows a kind; one at most does."""
    answer = Answer()
    for i, scene in enumerate(scenes):
        for shape in scene.shapes:
            if shape.kind == kind:
                cells = shape_cells(pictures[i], shape)
                answer.say(f"The {NTH[i]} picture shows {shape.name} {shape.where}", cells, i)
    if not answer.text:
        answer.say(f"None of the pictures shows a {kind}", ())
    return asked(rng, "which shows", answer.say("."), "which shows", kind=kind)


def more_item(rng: random.Random, held_out: bool) -> Item:
    """Two unlike scenes: which has more."""
    scenes = [random_scene(rng, held_out, rng.choice((1, 2, 2, 3, 4))) for _ in range(2)]
    pictures = [draw_scene(rng, scene, random_size(rng)) for scene in scenes]
    kinds = sorted({s.kind for scene in scenes for s in scene.shapes})
    chains = [[ask_which_has_more(rng, pictures, scenes, kind)] for kind in ("", rng.choice(kinds))]
    return Item(pictures, chains, shared=2)


def three_item(rng: random.Random, held_out: bool) -> Item:
    """Three unlike scenes, and questions about them all or about one of them."""
    while True:
        numbers = [rng.choice((1, 2, 2, 3)) for _ in range(3)]
        if numbers.count(max(numbers)) == 1:
            break
    scenes = [random_scene(rng, held_out, number) for number in numbers]
    pictures = [draw_scene(rng, scene) for scene in scenes]
    chains = [[ask_which_has_most(rng, pictures, scenes)]]
    for kind in KINDS:
        if sum(s.kind == kind for scene in scenes for s in scene.shapes) < 2:
            chains.append([ask_which_shows(rng, pictures, scenes, kind)])
    for i, (picture, scene) in enumerate(zip(pictures, scenes, strict=True)):
        chains.append([ask_describe_one(rng, picture, scene, i, NTH[i])])
        chains.append([ask_what_at_in(rng, picture, rng.choice(scene.shapes), i, NTH[i])])
    rng.shuffle(chains)
    return Item(pictures, chains[:6], shared=3)
