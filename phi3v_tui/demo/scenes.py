"""Scenes of coloured shapes.

Held out by construction: one in ten (kind, colour, place) triples never appears in training,
and each held-out scene has at least one of them.
"""

import hashlib
import math
import random
from dataclasses import dataclass, replace

from phi3v_tui.demo.drawing import (
    COLOUR_ID,
    CROP,
    KIND_ID,
    KINDS,
    MARKS,
    POSITIONS,
    SHAPE_COLOURS,
    Canvas,
    Colour,
    Picture,
    random_size,
    shade,
)

BACKGROUNDS = ("white", "black", "grey", "yellow", "blue", "green", "pink")


@dataclass(frozen=True)
class Shape:
    """One shape; `place` is an index into POSITIONS."""

    kind: str
    colour: str
    place: int

    @property
    def name(self) -> str:
        """With its article: "an orange star"."""
        return f"{'an' if self.colour[0] in 'aeiou' else 'a'} {self.colour} {self.kind}"

    @property
    def where(self) -> str:
        """With its preposition: "at the top left"."""
        return f"at the {POSITIONS[self.place]}"


@dataclass(frozen=True)
class Scene:
    """Shapes on a background, in reading order."""

    background: str
    shapes: tuple[Shape, ...]


def is_held_out(shape: Shape) -> bool:
    """Whether this triple must never be seen in training."""
    key = f"{shape.kind}|{shape.colour}|{shape.place}"
    return int(hashlib.md5(key.encode()).hexdigest(), 16) % 10 == 0


def plural(kind: str) -> str:
    """More than one of a kind."""
    return f"{kind}es" if kind == "cross" else f"{kind}s"


def random_background(rng: random.Random) -> str:
    """White as often as people draw on white."""
    return "white" if rng.random() < 0.6 else rng.choice(BACKGROUNDS)


def random_shape(rng: random.Random, background: str, place: int) -> Shape:
    """Any shape that can be seen on the background."""
    colours = [c for c in SHAPE_COLOURS if c != background]
    return Shape(rng.choice(KINDS), rng.choice(colours), place)


def random_scene(
    rng: random.Random, held_out: bool, count: int | None = None, distinct: bool = False
) -> Scene:
    """A scene of the training set or of the held-out set.

    Args:
        rng: Source of randomness.
        held_out: Whether it must contain a held-out triple; else it contains none.
        count: Number of shapes; any up to five where not given.
        distinct: Whether no kind appears twice.
    """
    while True:
        background = random_background(rng)
        number = count or rng.choice((1, 1, 2, 2, 3, 3, 4, 5))
        places = sorted(rng.sample(range(9), number))
        shapes = tuple(random_shape(rng, background, p) for p in places)
        if distinct and len({s.kind for s in shapes}) < number:
            continue
        if any(map(is_held_out, shapes)) == held_out:
            return Scene(background, shapes)


def packed_scene(rng: random.Random, easy: bool) -> Scene:
    """Nine shapes: the most that one picture can teach the vision tower."""
    background = "white" if easy else random_background(rng)
    shapes = []
    for place in range(9):
        while is_held_out(shape := random_shape(rng, background, place)):
            pass
        shapes.append(replace(shape, colour="black") if easy and rng.random() < 0.6 else shape)
    return Scene(background, tuple(shapes))


def draw_shape(
    canvas: Canvas, kind: str, x: float, y: float, r: float, colour: Colour, outline: Colour | None
) -> None:
    """Draw a shape of radius r around x, y."""
    draw = canvas.draw
    if kind == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=outline)
    elif kind == "square":
        s = r * 0.88
        draw.rectangle((x - s, y - s, x + s, y + s), fill=colour, outline=outline)
    elif kind == "cross":
        w = r / 3
        draw.rectangle((x - r, y - w, x + r, y + w), fill=colour)
        draw.rectangle((x - w, y - r, x + w, y + r), fill=colour)
    else:
        draw.polygon(_corners(kind, x, y, r), fill=colour, outline=outline)


def _corners(kind: str, x: float, y: float, r: float) -> list[tuple[float, float]]:
    if kind == "triangle":
        return [(x, y - r), (x - r, y + r * 0.8), (x + r, y + r * 0.8)]
    if kind == "diamond":
        return [(x, y - r), (x - r * 0.75, y), (x, y + r), (x + r * 0.75, y)]
    radii = [r if i % 2 == 0 else r * 0.42 for i in range(10)]
    return [
        (x + q * math.sin(i * math.pi / 5), y - q * math.cos(i * math.pi / 5))
        for i, q in enumerate(radii)
    ]


def draw_scene(rng: random.Random, scene: Scene, size: tuple[int, int] | None = None) -> Picture:
    """Draw a scene, each shape somewhere in the ninth of the picture that is its place."""
    width, height = size or random_size(rng)
    paper = shade(scene.background, rng)
    if scene.background == "white" and rng.random() < 0.8:
        paper = (255, 255, 255)
    canvas = Canvas(width, height, paper)
    canvas.fill_background(COLOUR_ID[scene.background])
    outline = rng.choice(((0, 0, 0), (60, 60, 60))) if rng.random() < 0.15 else None
    cell = min(width, height) / 3
    smallest = 0.3 if cell < CROP / 4 * canvas.unit else 0.2
    largest = 0.9 if len(scene.shapes) == 1 else 0.47
    for shape in scene.shapes:
        r = cell * rng.uniform(smallest, largest)
        slack_x, slack_y = max(0.0, width / 3 * 0.5 - r), max(0.0, height / 3 * 0.5 - r)
        x = width / 3 * (shape.place % 3 + 0.5) + rng.uniform(-1, 1) * max(slack_x, 0.06 * cell)
        y = height / 3 * (shape.place // 3 + 0.5) + rng.uniform(-1, 1) * max(slack_y, 0.06 * cell)
        draw_shape(canvas, shape.kind, x, y, r, shade(shape.colour, rng), outline)
        _label_shape(canvas, shape, x, y, r)
    return canvas.finish(rng)


def _label_shape(canvas: Canvas, shape: Shape, x: float, y: float, r: float) -> None:
    labels = {
        "kind": KIND_ID[shape.kind],
        "colour": COLOUR_ID[shape.colour],
        "place": shape.place + 1,
        "background": 0,
    }
    canvas.mark((x - r, y - r, x + r, y + r), **labels)
    canvas.mark_cell(canvas.cell_at(x, y), **labels, mark=MARKS["centre"])
