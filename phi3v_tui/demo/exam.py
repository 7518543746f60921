"""The evaluation's questions, about pictures that training never shows.

Held out by construction are (kind, colour, place) triples, printed words, sizes of pictures,
kinds of unlike pictures, and for charts the drawing program.
"""

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from phi3v_tui.demo import charts, covers, scenes, unlike
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.dialogue import NUMBER_WORDS, Turn
from phi3v_tui.demo.drawing import Picture, font_path, shade
from phi3v_tui.demo.scene_questions import follow_up_item
from phi3v_tui.demo.scene_questions import scene_questions as ask_about

SIZES = (
    (640, 480),
    (480, 640),
    (800, 600),
    (512, 512),
    (1280, 720),
    (300, 200),
    (1000, 800),
    (720, 720),
)
"""Sizes of pictures that training never draws."""


@dataclass(frozen=True)
class Question:
    """One question of the evaluation.

    Attributes:
        ability: Row of the table.
        pictures: PNG bytes, one tuple for each user's message of the conversation.
        prompts: What the person says, one for each message; the last answer counts.
        right: Whether an answer to the last prompt is right.
        expected: What it should say, for the list of failures.
    """

    ability: str
    pictures: tuple[tuple[bytes, ...], ...]
    prompts: tuple[str, ...]
    right: Callable[[str], bool]
    expected: str


def png(picture: Picture | Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    image = picture.image if isinstance(picture, Picture) else picture
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def plain(text: str) -> str:
    """Text without differences of case and space."""
    return " ".join(text.lower().split())


def same_as(expected: str) -> Callable[[str], bool]:
    """Every word has to be right."""
    return lambda text: plain(text) == plain(expected)


def ends_like(expected: str, mark: str) -> Callable[[str], bool]:
    """What comes after the last `mark` has to be right."""
    return lambda text: plain(text).rpartition(mark)[2] == plain(expected).rpartition(mark)[2]


def question(turn: Turn, picture: bytes, ability: str = "") -> Question:
    """A turn about one picture as a question."""
    expected = turn.answer.text
    right = ends_like(expected, ": ") if turn.ability == "how many" else same_as(expected)
    return Question(ability or turn.ability, ((picture,),), (turn.question,), right, expected)


SCENE_ROWS = {
    "what colour": "scene: what colour",
    "where": "scene: where",
    "what is at": "scene: what is at",
    "how many": "scene: how many",
    "describe": "scene: describe, every fact right",
    "several": "scene: several of a kind are listed, none is denied",
}


def scene_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Questions about single scenes."""
    wanted = dict.fromkeys(SCENE_ROWS, count)
    while any(wanted.values()):
        scene = scenes.random_scene(rng, held_out=True)
        picture = scenes.draw_scene(rng, scene, rng.choice(SIZES))
        file = png(picture)
        for turn in ask_about(rng, picture, scene):
            ability = "several" if _is_about_several(turn) else turn.ability
            if wanted.get(ability):
                wanted[ability] -= 1
                yield question(turn, file, SCENE_ROWS[ability])


def _is_about_several(turn: Turn) -> bool:
    """Whether a question asks for one thing where there are several, or none."""
    said = turn.answer.text
    return turn.ability != "how many" and said.startswith(("There are", "I see no", "There is no"))


def follow_up_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """The last of two or three turns about one scene."""
    for _ in range(count):
        item = follow_up_item(rng, held_out=True)
        chain = item.chains[0]
        file = png(item.pictures[0])
        last = chain[-1]
        yield Question(
            "scene: follow-up, the last of 2 or 3 turns",
            ((file,), *((),) * (len(chain) - 1)),
            tuple(t.question for t in chain),
            question(last, file).right,
            last.answer.text,
        )


def compare_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """What differs between two scenes; each kind of change as often as the others."""
    while count:
        item = compare_item(rng, held_out=True)
        for chain in item.chains:
            if chain[-1].ability == "what differs" and count:
                count -= 1
                files = tuple(png(p) for p in item.pictures)
                between = ((),) * (len(chain) - 2)
                pictures = (files,) if len(chain) == 1 else (files[:1], *between, files[1:])
                expected = chain[-1].answer.text
                prompts = tuple(t.question for t in chain)
                right = ends_like(expected, " so ")
                yield Question("two pictures: what differs", pictures, prompts, right, expected)


def chart_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Charts drawn by matplotlib, which training never uses."""
    for _ in range(count):
        chart = charts.random_chart(rng, held_out=True)
        file = png(matplotlib_chart(rng, chart))
        number = NUMBER_WORDS[len(chart.values)]
        highest, lowest = chart.names[chart.highest], chart.names[chart.lowest]
        for ability, prompt, expected in (
            ("highest", "Which bar is the highest?", f"The highest bar is {highest}."),
            ("lowest", "Which bar is the lowest?", f"The lowest bar is {lowest}."),
            ("trend", "What is the trend?", f"From left to right it {chart.trend}."),
            ("how many bars", "How many bars are there?", f"There are {number} bars."),
            ("title", "What is the title of the chart?", f'The title is "{chart.title}".'),
        ):  # fmt: skip
            yield Question(
                f"bar chart: {ability}", ((file,),), (prompt,), same_as(expected), expected
            )


def matplotlib_chart(rng: random.Random, chart: charts.Chart) -> Image.Image:
    """Draw a chart with large print by matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    width, height = rng.choice(((640, 480), (640, 560), (800, 600)))
    unit = width / 224 * 72 / 100
    figure, axes = pyplot.subplots(figsize=(width / 100, height / 100), dpi=100)
    colour = tuple(v / 255 for v in shade(chart.colour, rng))
    axes.bar(chart.names, chart.values, color=colour, width=rng.uniform(0.5, 0.85))
    axes.set_title(chart.title, fontsize=min(20, 330 / len(chart.title)) * unit, fontweight="bold")
    axes.tick_params(axis="x", labelsize=15 * unit, length=0)
    for label in axes.get_xticklabels():
        label.set_fontproperties(font_path("DejaVuSans-Bold"))
        label.set_fontsize(14.5 * unit)
    axes.set_yticks([])
    if rng.random() < 0.7:
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return Image.open(buffer).convert("RGB")


def cover_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Covers with large print and words never printed in training."""
    for _ in range(count):
        drawn = covers.draw_cover(rng, held_out=True, long_side=rng.choice((640, 800, 500)))
        file = png(drawn.picture)
        turns = (
            covers.ask_title(rng, drawn),
            covers.ask_author(rng, drawn),
            covers.ask_cover(rng, drawn),
        )
        for turn, ability in zip(turns, ("title", "author", "title and author"), strict=True):
            yield question(turn, file, f"cover, large print: {ability} exact")


def unlike_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Kinds of unlike pictures that training never shows: it should say so."""
    for _ in range(count):
        picture = unlike.draw_unlike(rng, unlike.HELD_OUT_KINDS)
        yield question(unlike.ask_unlike(rng), png(picture), "unlike pictures: says so")


def all_questions(count: int, seed: int) -> Iterator[Question]:
    """Every question of the evaluation."""
    for make in (scene_questions, follow_up_questions, compare_questions, chart_questions,
                 cover_questions, unlike_questions):  # fmt: skip
        yield from make(random.Random(f"{make.__name__} {seed}"), count)
