"""Pairs of scenes that differ in one thing, or in nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from phi3v_tui.demo.dialogue import Answer, Item, Span, Turn, asked
from phi3v_tui.demo.drawing import (
    KINDS,
    POSITIONS,
    SHAPE_COLOURS,
    Picture,
    random_size,
)
from phi3v_tui.demo.scene_questions import (
    count_words,
    say_list,
    scene_questions,
    shape_cells,
)
from phi3v_tui.demo.scenes import (
    Scene,
    Shape,
    draw_scene,
    is_held_out,
    random_scene,
    random_shape,
)

NTH = ("first", "second", "third")
CHANGES = ("colour", "kind", "move", "add", "remove", "same")
HARDER = ("colour", "colour", "kind")
"""Come more often in training: their verdict is the one that is missed."""


@dataclass
class Pair:
    """A place that holds a shape in at least one of two pictures, and where the answer says so.

    Attributes:
        old: What the first picture shows there.
        new: What the second picture shows there.
        spans: Where the answer names the first, the second and the place, and its verdict.
    """

    old: Shape | None
    new: Shape | None
    spans: tuple[Span, Span, Span, Span]

    @property
    def verdict(self) -> str:
        """What became of it."""
        if self.old == self.new:
            return "the same"
        return "gone" if self.new is None else "new" if self.old is None else "changed"


def random_change(rng: random.Random, scene: Scene, change: str) -> Scene:
    """Change one thing of a scene, or nothing."""
    shapes = list(scene.shapes)
    free = [p for p in range(9) if p not in {s.place for s in shapes}]
    index = rng.randrange(len(shapes))
    old = shapes[index]
    if change == "same":
        return scene
    if change == "remove":
        del shapes[index]
        return replace(scene, shapes=tuple(shapes))
    new = random_shape(rng, scene.background, rng.choice(free))
    if change == "add":
        shapes.append(new)
    elif change == "move":
        shapes[index] = replace(old, place=new.place)
    elif change == "colour":
        colours = [c for c in SHAPE_COLOURS if c not in (scene.background, old.colour)]
        shapes[index] = replace(old, colour=rng.choice(colours))
    else:
        shapes[index] = replace(old, kind=rng.choice([k for k in KINDS if k != old.kind]))
    return replace(scene, shapes=tuple(sorted(shapes, key=lambda s: s.place)))


def ask_difference(
    rng: random.Random, pictures: Sequence[Picture], scenes: Sequence[Scene]
) -> Turn:
    """What differs: the answer goes through both pictures place by place, then concludes."""
    sort = rng.choice(("what differs", "what differs", "are they the same"))
    answer = Answer("From the first to the second picture:")
    pairs = _say_pairs(answer, pictures, scenes)
    answer.say(".", ())
    _conclude(answer, pairs, sort == "are they the same")
    return asked(rng, sort, answer, sort)


def _say_pairs(answer: Answer, pictures: Sequence[Picture], scenes: Sequence[Scene]) -> list[Pair]:
    """Go through all places that hold a shape in either picture; say both, then the verdict.

    Each half is a plain look at one picture, and the verdict follows from words just written.
    With the verdict first, or after two whole lists, it was never learnt.
    """
    first, second = ({s.place: s for s in scene.shapes} for scene in scenes)
    pairs = []
    for i, place in enumerate(sorted(first.keys() | second.keys())):
        old, new = first.get(place), second.get(place)
        shown = pictures[0].labels.cells("place", place + 1)
        shown += pictures[1].labels.cells("place", place + 1)
        cells = tuple(dict.fromkeys(shown))
        both = tuple((picture, cell) for picture in (0, 1) for cell in cells)
        answer.look(";" if i else "", both)
        answer.say(f" {old.name if old else 'nothing'}", cells, 0)
        answer.say(" and", cells, 1)
        answer.say(f" {new.name if new else 'nothing'}", cells, 1)
        answer.look(f" at the {POSITIONS[place]}", both)
        named, _, other, where = answer.spans[-4:]
        pair = Pair(old, new, (named, other, where, where))
        answer.say(",").conclude(f" {pair.verdict}", named, other)
        pairs.append(replace(pair, spans=(named, other, where, answer.spans[-1])))
    return pairs


def _conclude(answer: Answer, pairs: Sequence[Pair], yes_or_no: bool) -> None:
    """Say in one sentence what the verdicts come to."""
    changed = [p for p in pairs if p.old != p.new]
    verdicts = [p.spans[3] for p in changed or pairs]
    answer.conclude(" So", *verdicts)
    if yes_or_no:
        answer.conclude(" no," if changed else " yes,", *verdicts)
    gone = next((p for p in changed if p.old), None)
    came = next((p for p in changed if p.new), None)
    if gone and gone.old:
        answer.conclude(" the", *verdicts)
        answer.conclude(f" {gone.old.colour} {gone.old.kind}", gone.spans[0])
        if came and came.new and came is not gone:
            answer.conclude(" moved to the", *verdicts)
            answer.conclude(f" {POSITIONS[came.new.place]}", came.spans[2])
        else:
            answer.conclude(f" {gone.old.where}", gone.spans[2])
            _say_what_became(answer, gone)
    elif came and came.new:
        answer.conclude(f" {came.new.name}", came.spans[1])
        answer.conclude(f" {came.new.where}", came.spans[2]).conclude(" is new", *verdicts)
    else:
        answer.conclude(" the two pictures are the same", *verdicts)
    answer.say(".")


def _say_what_became(answer: Answer, pair: Pair) -> None:
    name, other, _, verdict = pair.spans
    if pair.new is None:
        answer.conclude(" is gone", verdict)
        return
    answer.conclude(" became", verdict)
    same_kind = pair.old and pair.old.kind == pair.new.kind
    became = pair.new.colour if same_kind else f"a {pair.new.kind}"
    answer.conclude(f" {became}", name, other)


def compare_item(rng: random.Random, held_out: bool) -> Item:
    """Two pictures that differ in one thing, together or one after the other."""
    while True:
        scene = random_scene(rng, False, rng.choice((1, 2, 2, 3, 3, 4)))
        changes = CHANGES if held_out else CHANGES + HARDER
        change = rng.choice(
            changes if len(scene.shapes) > 1 else [c for c in changes if c != "remove"]
        )
        changed = random_change(rng, scene, change)
        touched = set(changed.shapes) - set(scene.shapes)
        if any(map(is_held_out, touched)) == (held_out and bool(touched)):
            break
    size = random_size(rng)
    state = rng.getstate()
    first = draw_scene(rng, scene, size)
    if rng.random() < 0.5:
        rng.setstate(state)
    second = draw_scene(rng, changed, size)
    return _compare_chains(rng, [first, second], [scene, changed])


def _compare_chains(rng: random.Random, pictures: list[Picture], scenes: list[Scene]) -> Item:
    difference = ask_difference(rng, pictures, scenes)
    if rng.random() < 0.3:
        before = scene_questions(rng, pictures[0], scenes[0])[: rng.choice((1, 1, 2))]
        difference.new_pictures = 1
        return Item(pictures, [[*before, difference]], shared=1)
    chains = [[difference]]
    if rng.random() < 0.3:
        chains[0].append(ask_describe_one(rng, pictures[0], scenes[0], 0, "first"))
    for index, word in enumerate(NTH[:2]):
        for shape in rng.sample(scenes[index].shapes, min(2, len(scenes[index].shapes))):
            chains.append([ask_what_at_in(rng, pictures[index], shape, index, word)])
        chains.append([ask_describe_one(rng, pictures[index], scenes[index], index, word)])
    return Item(pictures, chains, shared=2)


def ask_what_at_in(
    rng: random.Random, picture: Picture, shape: Shape, index: int, word: str
) -> Turn:
    """What lies at a place of one of two pictures."""
    where = POSITIONS[shape.place]
    answer = Answer().say(f"There is {shape.name}", shape_cells(picture, shape), index)
    return asked(
        rng, "of one", answer.say(f" at the {where}."), "one of two", place=where, nth=word
    )


def ask_describe_one(
    rng: random.Random, picture: Picture, scene: Scene, index: int, word: str
) -> Turn:
    """Describe one of two pictures."""
    answer = say_list(Answer("I see "), picture, scene.shapes, index).say(".", ())
    answer.say(f" That makes {count_words(len(scene.shapes))} on a ")
    return asked(
        rng, "describe one", answer.say(f"{scene.background} background."), "one of two", nth=word
    )
