"""The evaluation's questions, about pictures that training never shows.

Held out by construction are (kind, colour, place) triples, printed words, sizes of pictures,
kinds of unlike pictures, and for charts the drawing program.
"""

import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from phi3v_tui.demo import charts, covers, scenes, unlike
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.dialogue import NUMBER_WORDS, Answer, Turn, asked
from phi3v_tui.demo.drawing import Picture, font_path, shade
from phi3v_tui.demo.scene_questions import (
    ask_colour,
    ask_count_kind,
    ask_describe,
    ask_what_at,
    ask_where,
    follow_up_item,
)
from phi3v_tui.demo.scene_questions import scene_questions as ask_about
from phi3v_tui.demo.talk import TALK, talk_turn
from phi3v_tui.demo.which import more_item, three_item
from phi3v_tui.demo.wordings import word

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
        reworded: The last prompt in a wording that training never saw; may be empty.
        swapped: Other pictures, of which the same prompts have another answer; where there are
            any, it is right to answer them otherwise.
    """

    ability: str
    pictures: tuple[tuple[bytes, ...], ...]
    prompts: tuple[str, ...]
    right: Callable[[str], bool]
    expected: str
    reworded: str = ""
    swapped: tuple[tuple[bytes, ...], ...] = ()


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


def question(rng: random.Random, turn: Turn, ability: str, *files: bytes) -> Question:
    """A turn about the given pictures as a question."""
    return conversation(rng, [turn], ability, (files,))


def conversation(
    rng: random.Random, turns: Sequence[Turn], ability: str, pictures: tuple[tuple[bytes, ...], ...]
) -> Question:
    """The last of some turns as a question, the others before it."""
    last = turns[-1]
    expected = last.answer.text
    return Question(
        ability, pictures, tuple(t.question for t in turns), right_like(last), expected,
        word(rng, last.sort, last.fields, held_out=True),
    )  # fmt: skip


def right_like(turn: Turn) -> Callable[[str], bool]:
    """What counts: a number or a conclusion after a list, else every word."""
    mark = {"how many": " that makes ", "what differs": " so ", "are they the same": " so ",
            "which has more": " so ", "which has most": " so "}.get(turn.ability)  # fmt: skip
    return ends_like(turn.answer.text, mark) if mark else same_as(turn.answer.text)


SCENE_ROWS = {
    "what colour": "scene: what colour",
    "where": "scene: where",
    "what is at": "scene: what is at",
    "how many": "scene: how many",
    "describe": "scene: describe, every fact right",
    "is there": "scene: is there a ...?",
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
                yield question(rng, turn, SCENE_ROWS[ability], file)


def _is_about_several(turn: Turn) -> bool:
    """Whether a question asks for one thing where there are several, or none."""
    said = turn.answer.text
    about_kind = turn.ability in ("what colour", "where", "what is at")
    return about_kind and said.startswith(("There are", "I see no", "There is no"))


def follow_up_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """The last of two or three turns about one scene."""
    for _ in range(count):
        item = follow_up_item(rng, held_out=True)
        chain = item.chains[0]
        pictures = ((png(item.pictures[0]),), *((),) * (len(chain) - 1))
        yield conversation(rng, chain, "scene: follow-up, the last of 2 or 3 turns", pictures)


COMPARE_ROWS = {
    "what differs": "two pictures: what differs",
    "are they the same": "two pictures: are they the same",
    "one of two": "two or three pictures: about one of them",
    "which has more": "two pictures: which has more",
    "which has most": "three pictures: which has the most",
    "which shows": "three pictures: which shows a ...",
}


def compare_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Questions about two and three scenes; each kind of change as often as the others."""
    wanted = dict.fromkeys(COMPARE_ROWS, count)
    while any(wanted.values()):
        item = rng.choice((compare_item, compare_item, more_item, three_item))(rng, held_out=True)
        files = tuple(png(p) for p in item.pictures)
        for chain in item.chains:
            ability = chain[-1].ability
            if wanted[ability]:
                wanted[ability] -= 1
                between = ((),) * (len(chain) - 2)
                apart = bool(chain[-1].new_pictures)
                pictures = (files[:1], *between, files[1:]) if apart else (files, *between, ())
                yield conversation(rng, chain, COMPARE_ROWS[ability], pictures[: len(chain)])


HIGHEST = {"which": "highest", "more": "largest"}
LOWEST = {"which": "lowest", "more": "smallest"}


def chart_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Charts drawn by matplotlib, which training never uses."""
    for _ in range(count):
        chart = charts.random_chart(rng, held_out=True)
        file = png(matplotlib_chart(rng, chart))
        number = NUMBER_WORDS[len(chart.values)]
        highest, lowest = chart.names[chart.highest], chart.names[chart.lowest]
        for ability, sort, expected, fields in (
            ("highest", "bar", f"The highest bar is {highest}.", HIGHEST),
            ("lowest", "bar", f"The lowest bar is {lowest}.", LOWEST),
            ("trend", "trend", f"From left to right it {chart.trend}.", {}),
            ("how many bars", "how many bars", f"There are {number} bars.", {}),
            ("title", "chart title", f'The title is "{chart.title}".', {}),
        ):
            turn = asked(rng, sort, Answer(expected), ability, **fields)
            yield question(rng, turn, f"bar chart: {ability}", file)


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
            yield question(rng, turn, f"cover, large print: {ability} exact", file)


def unlike_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Kinds of unlike pictures that training never shows: it should say so."""
    for _ in range(count):
        picture = unlike.draw_unlike(rng, unlike.HELD_OUT_KINDS)
        yield question(rng, unlike.ask_unlike(rng), "unlike pictures: says so", png(picture))


def talk_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Small talk, and questions about a picture that is not there."""
    for _ in range(count):
        yield question(rng, talk_turn(rng, tuple(TALK)), "no picture: small talk, what it is")


def swap_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """The same question about two scenes that have different answers to it."""
    while count:
        first, second = (scenes.random_scene(rng, held_out=True) for _ in range(2))
        kind, place = first.shapes[0].kind, first.shapes[0].place
        ask: Callable[..., Turn]
        ask, about = rng.choice((
            (ask_colour, (kind,)), (ask_where, (kind,)), (ask_count_kind, (kind,)),
            (ask_what_at, (place,)), (ask_describe, ()),
        ))  # fmt: skip
        drawn = [scenes.draw_scene(rng, scene, rng.choice(SIZES)) for scene in (first, second)]
        turn, other = ask(rng, drawn[0], first, *about), ask(rng, drawn[1], second, *about)
        if turn.answer.text != other.answer.text:
            count -= 1
            ability = "the picture swapped for another: the answer changes"
            yield replace(question(rng, turn, ability, png(drawn[0])), swapped=((png(drawn[1]),),))


def all_questions(count: int, seed: int) -> Iterator[Question]:
    """Every question of the evaluation."""
    for make in (scene_questions, follow_up_questions, compare_questions, chart_questions,
                 cover_questions, unlike_questions, talk_questions, swap_questions):  # fmt: skip
        yield from make(random.Random(f"{make.__name__} {seed}"), count)
