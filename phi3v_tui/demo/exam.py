"""The evaluation's questions, about pictures that training never shows.

Held out by construction are (kind, colour, place) triples, printed words, sizes of pictures,
kinds of unlike pictures, and for charts the drawing program.
"""

import importlib.util
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps

from phi3v_tui.demo import scenes, unlike
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.dialogue import Turn
from phi3v_tui.demo.exam_charts import chart_questions
from phi3v_tui.demo.exam_print import cover_questions, table_questions, text_questions
from phi3v_tui.demo.exam_question import SIZES, Question, conversation, png, question
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
