"""The evaluation's print: lines of text, tables and covers, of words never printed in training."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from phi3v_tui.demo import covers, pages, tables
from phi3v_tui.demo.drawing import FONTS, HELD_OUT_FONTS
from phi3v_tui.demo.exam_question import SIZES, Question, plain, png, question


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
