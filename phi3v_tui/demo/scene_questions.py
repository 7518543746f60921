"""Questions and answers about one scene."""

import random
from collections.abc import Sequence
from dataclasses import replace

from phi3v_tui.demo.dialogue import NUMBER_WORDS, Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import KINDS, POSITIONS, Cell, Picture
from phi3v_tui.demo.scenes import (
    Scene,
    Shape,
    draw_scene,
    is_held_out,
    plural,
    random_scene,
    random_shape,
)
from phi3v_tui.demo.talk import talk_turn
from phi3v_tui.demo.wordings import word


def shape_cells(picture: Picture, shape: Shape) -> tuple[Cell, ...]:
    """The cells that show a shape."""
    return picture.labels.cells("place", shape.place + 1)


def say_list(
    answer: Answer, picture: Picture, shapes: Sequence[Shape], index: int = 0, where: bool = True
) -> Answer:
    """List shapes in reading order.

    The comma belongs to the shape that follows: to write it the model must already have seen
    that there is one more. That makes lists, counts and comparisons learnable.
    """
    for i, shape in enumerate(shapes):
        text = f"{', ' if i else ''}{shape.name}{' ' + shape.where if where else ''}"
        answer.say(text, shape_cells(picture, shape), index)
    return answer


def count_words(count: int, kind: str = "shape") -> str:
    """ "one star", "three shapes"."""
    return f"{NUMBER_WORDS[count]} {kind if count == 1 else plural(kind)}"


def ask_describe(rng: random.Random, picture: Picture, scene: Scene) -> Turn:
    """Everything that is there."""
    answer = say_list(Answer("I see "), picture, scene.shapes)
    answer.say(".", ()).say(f" That makes {count_words(len(scene.shapes))} on a ")
    return asked(rng, "describe", answer.say(f"{scene.background} background."), "describe")


def ask_count_all(rng: random.Random, picture: Picture, scene: Scene) -> Turn:
    """How many shapes."""
    answer = say_list(Answer("I see "), picture, scene.shapes)
    answer.say(".", ()).say(f" That makes {count_words(len(scene.shapes))}.")
    return asked(rng, "how many", answer, "how many")


def ask_count_kind(rng: random.Random, picture: Picture, scene: Scene, kind: str) -> Turn:
    """How many of a kind, perhaps none."""
    those = [s for s in scene.shapes if s.kind == kind]
    if not those:
        answer = Answer().say(f"I see no {plural(kind)}", ()).say(".")
        return asked(rng, "how many of a kind", answer, "how many", kinds=plural(kind))
    answer = say_list(Answer("I see "), picture, those)
    answer.say(".", ()).say(f" That makes {count_words(len(those), kind)}.")
    return asked(rng, "how many of a kind", answer, "how many", kinds=plural(kind))


def ask_colour(rng: random.Random, picture: Picture, scene: Scene, kind: str) -> Turn:
    """What colour a kind has; lists them where there are several."""
    return asked(
        rng, "what colour", _about_kind(picture, scene, kind, "colour"), "what colour", kind=kind
    )


def ask_where(rng: random.Random, picture: Picture, scene: Scene, kind: str) -> Turn:
    """Where a kind is; lists them where there are several."""
    return asked(rng, "where", _about_kind(picture, scene, kind, "place"), "where", kind=kind)


def _about_kind(picture: Picture, scene: Scene, kind: str, what: str) -> Answer:
    those = [s for s in scene.shapes if s.kind == kind]
    if not those:
        return Answer().say(f"I see no {kind}", ()).say(" in this picture.")
    cells = [c for s in those for c in shape_cells(picture, s)]
    if len(those) > 1:
        answer = Answer().say(f"There are {NUMBER_WORDS[len(those)]} {plural(kind)}: ", cells)
        return say_list(answer, picture, those).say(".", ())
    said = those[0].colour if what == "colour" else those[0].where
    return Answer().say(f"The {kind} is {said}", cells).say(".")


def ask_what_at(rng: random.Random, picture: Picture, scene: Scene, place: int) -> Turn:
    """What lies at a place, perhaps nothing."""
    where = POSITIONS[place]
    there = [s for s in scene.shapes if s.place == place]
    if not there:
        answer = Answer().say("There is nothing", ()).say(f" at the {where}.")
    else:
        cells = shape_cells(picture, there[0])
        answer = Answer().say(f"There is {there[0].name}", cells).say(f" at the {where}.")
    return asked(rng, "what is at", answer, "what is at", place=where)


def ask_background(rng: random.Random, scene: Scene) -> Turn:
    """The colour of the background."""
    return asked(rng, "background", Answer(f"The background is {scene.background}."), "background")


def ask_is_there(rng: random.Random, picture: Picture, scene: Scene, looked_for: Shape) -> Turn:
    """Whether a kind in a colour is there, wherever."""
    wanted = (looked_for.kind, looked_for.colour)
    those = [s for s in scene.shapes if (s.kind, s.colour) == wanted]
    if those:
        answer = say_list(
            Answer().say("Yes, I see ", shape_cells(picture, those[0])), picture, those
        )
        answer.say(".", ())
    else:
        answer = Answer().say(f"No, I see no {looked_for.colour} {looked_for.kind}", ()).say(".")
    return asked(rng, "is there", answer, "is there", thing=looked_for.name)


def scene_questions(rng: random.Random, picture: Picture, scene: Scene) -> list[Turn]:
    """Questions of every sort about a scene, shuffled, each with a chance of "there is none"."""
    kinds = sorted({s.kind for s in scene.shapes})
    absent = [k for k in KINDS if k not in kinds]
    free = [p for p in range(9) if p not in {s.place for s in scene.shapes}]
    rng.shuffle(kinds)
    turns = [ask_describe(rng, picture, scene), ask_count_all(rng, picture, scene)]
    turns.append(ask_count_kind(rng, picture, scene, rng.choice((kinds[0], *KINDS))))
    for kind in kinds[:2]:
        turns += [ask_colour(rng, picture, scene, kind), ask_where(rng, picture, scene, kind)]
    for shape in rng.sample(scene.shapes, min(2, len(scene.shapes))):
        turns.append(ask_what_at(rng, picture, scene, shape.place))
    if absent and rng.random() < 0.25:
        ask = rng.choice((ask_colour, ask_where))
        turns.append(ask(rng, picture, scene, rng.choice(absent)))
    if free and rng.random() < 0.25:
        turns.append(ask_what_at(rng, picture, scene, rng.choice(free)))
    if rng.random() < 0.3:
        turns.append(ask_background(rng, scene))
    turns.append(ask_is_there(rng, picture, scene, rng.choice(scene.shapes)))
    if rng.random() < 0.5:
        turns.append(ask_is_there(rng, picture, scene, _absent_shape(rng, scene)))
    rng.shuffle(turns)
    return turns


def _absent_shape(rng: random.Random, scene: Scene) -> Shape:
    """A shape that is not there, though often its kind or its colour is."""
    there = {(s.kind, s.colour) for s in scene.shapes}
    while True:
        near, other = rng.choice(scene.shapes), random_shape(rng, scene.background, 0)
        sort = rng.random()
        colour = near.colour if sort < 0.4 else other.colour
        kind = near.kind if 0.4 <= sort < 0.8 else other.kind
        if (kind, colour) not in there:
            return Shape(kind, colour, 0)


def scene_item(rng: random.Random, held_out: bool, count: int | None = None) -> Item:
    """A scene with independent questions."""
    scene = random_scene(rng, held_out, count)
    picture = draw_scene(rng, scene)
    return Item([picture], [[t] for t in scene_questions(rng, picture, scene)], shared=1)


def bind_item(rng: random.Random, held_out: bool) -> Item:
    """Shapes of distinct kinds, each asked for in three ways: what teaches to look things up."""
    scene = random_scene(rng, held_out, rng.choice((3, 4, 5)), distinct=True)
    picture = draw_scene(rng, scene)
    turns = []
    for shape in scene.shapes:
        turns.append(ask_colour(rng, picture, scene, shape.kind))
        turns.append(ask_where(rng, picture, scene, shape.kind))
        turns.append(ask_what_at(rng, picture, scene, shape.place))
    rng.shuffle(turns)
    return Item([picture], [[t] for t in turns], shared=1)


def several_item(rng: random.Random, held_out: bool) -> Item:
    """Shapes of few kinds: one, several or none of a kind, asked for in every way."""
    kinds = rng.sample(KINDS, 2)
    while True:
        scene = random_scene(rng, held_out, rng.choice((2, 3, 3, 4, 5)))
        shapes = tuple(replace(s, kind=rng.choice(kinds)) for s in scene.shapes)
        if any(map(is_held_out, shapes)) == held_out:
            break
    scene = replace(scene, shapes=shapes)
    picture = draw_scene(rng, scene)
    turns = [
        ask(rng, picture, scene, kind)
        for kind in (*kinds, rng.choice(KINDS))
        for ask in (ask_colour, ask_where, ask_count_kind)
    ]
    return Item([picture], [[t] for t in turns], shared=1)


def follow_up_item(rng: random.Random, held_out: bool) -> Item:
    """A scene with conversations of two or three turns, short follow-ups among them."""
    scene = random_scene(rng, held_out)
    picture = draw_scene(rng, scene)
    chains = []
    for _ in range(3):
        turns = _follow_up_chain(rng, picture, scene)
        if rng.random() < 0.15:
            turns.append(talk_turn(rng))
        chains.append(turns)
    return Item([picture], chains, shared=1)


def _follow_up_chain(rng: random.Random, picture: Picture, scene: Scene) -> list[Turn]:
    """The same question twice, of one thing and of another, or questions of any sort."""
    sort, kinds = rng.random(), sorted({s.kind for s in scene.shapes})
    if sort < 0.12:
        looked_for = [rng.choice(scene.shapes), _absent_shape(rng, scene)]
        rng.shuffle(looked_for)
        return [ask_is_there(rng, picture, scene, shape) for shape in looked_for]
    if len(kinds) < 2 or sort > 0.65:
        return scene_questions(rng, picture, scene)[: rng.choice((2, 3))]
    first, second = rng.sample(kinds, 2)
    ask = rng.choice((ask_colour, ask_where, ask_count_kind))
    other = ask(rng, picture, scene, second)
    if rng.random() < 0.7:
        noun = plural(second) if ask is ask_count_kind else second
        other.sort, other.fields = "and the other", {"noun": noun}
        other.question = word(rng, other.sort, other.fields)
    return [ask(rng, picture, scene, first), other]
