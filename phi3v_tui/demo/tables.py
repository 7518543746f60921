"""Small tables of short words and numbers, to be written in Markdown."""

import random
from dataclasses import dataclass

from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import (
    FONTS,
    UNKNOWN,
    Canvas,
    Cell,
    Colour,
    Picture,
    contrasting_pair,
    font_path,
    random_size,
    text_width,
)
from phi3v_tui.demo.words import random_word

LONGEST_WORD = 5


@dataclass
class DrawnTable:
    """A table and the cells of the crop that show its texts.

    Attributes:
        rows: Texts by row and column; the first row is the head.
        picture: It.
        cells: Of each character, by row and column.
    """

    rows: list[list[str]]
    picture: Picture
    cells: list[list[tuple[Cell, ...]]]


def random_table(rng: random.Random, held_out: bool) -> list[list[str]]:
    """Two to four rows and columns; a column holds words or numbers."""
    columns, rows = rng.randint(2, 4), rng.randint(2, 4)
    numbers = [i > 0 and rng.random() < 0.7 for i in range(columns)]
    head = [_short_word(rng, held_out).capitalize() for _ in range(columns)]
    body = [
        [
            str(rng.randint(0, 10 ** rng.randint(1, 3))) if n else _short_word(rng, held_out)
            for n in numbers
        ]
        for _ in range(rows - 1)
    ]
    return [head, *body]


def _short_word(rng: random.Random, held_out: bool) -> str:
    while len(word := random_word(rng, held_out)) > LONGEST_WORD:
        pass
    return word


def draw_table(
    rng: random.Random,
    held_out: bool,
    fonts: tuple[str, ...] = FONTS,
    size: tuple[int, int] | None = None,
) -> DrawnTable:
    """Draw a table whose texts fit into its cells at 13 crop pixels or more."""
    while True:
        rows = random_table(rng, held_out)
        drawn = _print_table(rng, rows, fonts, Canvas(*(size or random_size(rng)), (255, 255, 255)))
        if drawn:
            return drawn


def _print_table(
    rng: random.Random, rows: list[list[str]], fonts: tuple[str, ...], canvas: Canvas
) -> DrawnTable | None:
    unit = canvas.unit
    paper, ink = ((255, 255, 255), (0, 0, 0)) if rng.random() < 0.6 else contrasting_pair(rng)
    canvas.draw.rectangle((0, 0, canvas.width, canvas.height), fill=paper)
    canvas.fill_background(UNKNOWN)
    font = font_path(rng.choice(fonts))
    size = rng.uniform(14, 20) * unit
    left, top = rng.uniform(1, 8) * unit, rng.uniform(1, 8) * unit
    wide = (canvas.width - 2 * left) / len(rows[0])
    high = min((canvas.height - 2 * top) / len(rows), rng.uniform(24, 56) * unit)
    while max(text_width(font, size, t) for row in rows for t in row) > wide - 4 * unit:
        size -= unit
    if size < 13 * unit or high < size * 1.25:
        return None
    _draw_lines(rng, canvas, rows, (left, top, wide, high), ink)
    cells = [
        [
            canvas.text(
                left + wide * c + (wide - text_width(font, size, text)) / 2,
                top + high * r + (high - size * 1.2) / 2,
                text, font, size, ink, r * 10 + c,
            )
            for c, text in enumerate(row)
        ]
        for r, row in enumerate(rows)
    ]  # fmt: skip
    return DrawnTable(rows, canvas.finish(rng), cells)


def _draw_lines(
    rng: random.Random,
    canvas: Canvas,
    rows: list[list[str]],
    place: tuple[float, float, float, float],
    ink: Colour,
) -> None:
    left, top, wide, high = place
    right, bottom = left + wide * len(rows[0]), top + high * len(rows)
    style = rng.choice(("grid", "grid", "rows", "head"))
    across = range(len(rows) + 1) if style != "head" else (1,)
    for r in across:
        canvas.draw.line((left, top + high * r, right, top + high * r), fill=ink)
    if style == "grid":
        for c in range(len(rows[0]) + 1):
            canvas.draw.line((left + wide * c, top, left + wide * c, bottom), fill=ink)


def markdown(drawn: DrawnTable) -> Answer:
    """The table in Markdown."""
    answer = Answer()
    for r, (row, places) in enumerate(zip(drawn.rows, drawn.cells, strict=True)):
        for text, cells in zip(row, places, strict=True):
            # To go on with another cell, the model has to look for it.
            answer.say("| ", cells[:1]).quote(text, cells).say(" ")
        answer.say("|")
        if r == 0:
            answer.say("\n" + "|---" * len(row) + "|")
        if r + 1 < len(drawn.rows):
            answer.say("\n", drawn.cells[r + 1][0][:1])
    return answer


def ask_table(rng: random.Random, drawn: DrawnTable) -> Turn:
    """All of it."""
    return asked(rng, "table", markdown(drawn), "table")


def table_item(rng: random.Random, held_out: bool) -> Item:
    """A table to be written in Markdown."""
    drawn = draw_table(rng, held_out)
    return Item([drawn.picture], [[ask_table(rng, drawn)]], shared=1)
