"""The evaluation's questions, about pictures that training never shows.

Held out by construction are (kind, colour, place) triples, printed words, sizes of pictures,
kinds of unlike pictures, and for charts the drawing program.
"""

import importlib.util
import io
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageOps

from phi3v_tui.demo import charts, covers, pages, scenes, tables, unlike
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.dialogue import Turn
from phi3v_tui.demo.drawing import FONTS, HELD_OUT_FONTS, Picture, font_path, shade
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
        right: How much of an answer to the last prompt is right, 0 to 1; for most all or nothing.
        expected: What it should say, for the list of failures.
        reworded: The last prompt in a wording that training never saw; may be empty.
        swapped: Other pictures, of which the same prompts have another answer; where there are
            any, it is right to answer them otherwise.
    """

    ability: str
    pictures: tuple[tuple[bytes, ...], ...]
    prompts: tuple[str, ...]
    right: Callable[[str], float]
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


def chart_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Charts drawn by matplotlib, which training never uses."""
    for sort in ("bar", "line"):
        wanted = dict.fromkeys(CHART_ROWS[sort], count)
        while any(wanted.values()):
            chart = replace(charts.random_chart(rng, held_out=True), sort=sort)
            file = png(matplotlib_chart(rng, chart))
            for turn in _about_chart(rng, chart):
                if wanted.get(turn.ability):
                    wanted[turn.ability] -= 1
                    asked_of_it = question(rng, turn, CHART_ROWS[sort][turn.ability], file)
                    if turn.ability == "chart value":
                        asked_of_it = replace(asked_of_it, right=_near(chart, turn.fields["name"]))
                    yield asked_of_it


CHART_ROWS = {
    "bar": {
        "chart highest": "bar chart: highest",
        "chart lowest": "bar chart: lowest",
        "chart trend": "bar chart: trend",
        "chart bars": "bar chart: how many bars",
        "chart title": "bar chart: title",
        "chart value": "bar chart: a value within 5 % of the axis",
    },
    "line": {
        "chart highest": "line chart: highest",
        "chart lowest": "line chart: lowest",
        "chart trend": "line chart: trend",
        "chart title": "line chart: title",
        "chart value": "line chart: a value within 5 % of the axis",
    },
}


def _about_chart(rng: random.Random, chart: charts.Chart) -> list[Turn]:
    """Questions of training, with its answers, about a chart that another program draws."""
    drawn = charts.draw_chart(rng, chart)
    index = rng.randrange(len(chart.values))
    turns = [
        charts.ask_extreme(rng, drawn, "highest"),
        charts.ask_extreme(rng, drawn, "lowest"),
        charts.ask_trend(rng, drawn),
        charts.ask_chart_title(rng, drawn),
        charts.ask_bars(rng, drawn),
    ]
    return turns + ([charts.ask_value(rng, drawn, index)] if chart.axis_end else [])


def _near(chart: charts.Chart, name: str) -> Callable[[str], float]:
    """Whether the value at the end of an answer is within 5 % of the axis of the true one."""
    true = chart.values[chart.names.index(name)] / 100 * chart.axis_end

    def right(text: str) -> float:
        said = text.rstrip(".").rpartition(" ")[2]
        is_number = re.fullmatch(r"\d+(\.\d+)?", said)
        return bool(is_number) and name in text and abs(float(said) - true) <= 0.05 * chart.axis_end

    return right


def matplotlib_chart(rng: random.Random, chart: charts.Chart) -> Image.Image:
    """Draw a chart with large print by matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    width, height = rng.choice(((640, 480), (640, 560), (800, 600)))
    unit = width / 224 * 72 / 100
    figure, axes = pyplot.subplots(figsize=(width / 100, height / 100), dpi=100)
    colour = tuple(v / 255 for v in shade(chart.colour, rng))
    if chart.sort == "bar":
        axes.bar(chart.names, chart.values, color=colour, width=rng.uniform(0.5, 0.85))
    else:
        axes.plot(chart.names, chart.values, color=colour, linewidth=2 * unit, marker="o",
                  markersize=rng.uniform(5, 8) * unit)  # fmt: skip
        axes.margins(x=0.12)
    axes.set_title(chart.title, fontsize=min(20, 330 / len(chart.title)) * unit, fontweight="bold")
    axes.tick_params(axis="x", labelsize=15 * unit, length=0)
    axes.set_yticks([])
    if chart.axis_end:
        axes.set_ylim(0, 100)
        axes.set_yticks((0, 50, 100), ("0", f"{chart.axis_end / 2:g}", str(chart.axis_end)))
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font_path("DejaVuSans-Bold"))
        label.set_fontsize(14.5 * unit if len(chart.names) < 5 else 13 * unit)
    if rng.random() < 0.7:
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return Image.open(buffer).convert("RGB")


def text_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Printed words, in fonts and of words that training never uses; scored by character."""
    for row, fonts in (
        ("printed text, up to 40 characters", FONTS),
        ("printed text, in fonts never seen", HELD_OUT_FONTS),
    ):
        for _ in range(count):
            drawn = pages.draw_note(rng, True, fonts, rng.choice(SIZES))
            turn = pages.ask_text(rng, drawn)
            asked_of_it = question(rng, turn, row, png(drawn.picture))
            yield replace(asked_of_it, right=_characters_of(drawn.text))


def _characters_of(text: str) -> Callable[[str], float]:
    """Part of the characters of a quoted text that an answer has right."""

    def right(said: str) -> float:
        quoted = said.partition('"')[2].rpartition('"')[0]
        return max(0.0, 1 - edits(plain(quoted), plain(text)) / len(text))

    return right


def edits(one: str, other: str) -> int:
    """How many characters to insert, delete or replace (Levenshtein's distance)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def table_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Tables, to be written in Markdown."""
    for _ in range(count):
        drawn = tables.draw_table(rng, True, size=rng.choice(SIZES))
        yield question(rng, tables.ask_table(rng, drawn), "table to Markdown, exact",
                       png(drawn.picture))  # fmt: skip


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


def photograph_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Parts of the photographs that installed packages bring; never used in training."""
    photographs = [Image.open(path).convert("RGB") for path in installed_photographs()]
    for _ in range(count if photographs else 0):
        photograph = rng.choice(photographs)
        width, height = (round(side * rng.uniform(0.4, 1)) for side in photograph.size)
        left = rng.randint(0, photograph.width - width)
        top = rng.randint(0, photograph.height - height)
        part = photograph.crop((left, top, left + width, top + height))
        if rng.random() < 0.5:
            part = ImageOps.mirror(part)
        yield question(rng, unlike.ask_unlike(rng), "photographs: says so", png(part))


def installed_photographs() -> list[Path]:
    """JPEG files of installed packages."""
    packages = ("matplotlib", "textual_image")
    found = [importlib.util.find_spec(name) for name in packages]
    return [
        photograph
        for spec in found
        if spec and spec.origin
        for photograph in sorted(Path(spec.origin).parent.rglob("*.jpg"))
    ]


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
    for make in (
        scene_questions,
        follow_up_questions,
        compare_questions,
        chart_questions,
        cover_questions,
        text_questions,
        table_questions,
        unlike_questions,
        photograph_questions,
        talk_questions,
        swap_questions,
    ):
        yield from make(random.Random(f"{make.__name__} {seed}"), count)
