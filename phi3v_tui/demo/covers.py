"""Book covers with large print."""

import random
from dataclasses import dataclass
from pathlib import Path

from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import (
    FONTS,
    SHAPE_COLOURS,
    UNKNOWN,
    Canvas,
    Cell,
    Colour,
    Picture,
    contrasting_pair,
    detail,
    font_path,
    shade,
    text_width,
)
from phi3v_tui.demo.scenes import draw_shape
from phi3v_tui.demo.words import random_word


@dataclass
class DrawnCover:
    """A cover and the cells of its characters."""

    title: str
    author: str
    picture: Picture
    title_cells: tuple[Cell, ...]
    author_cells: tuple[Cell, ...]


def cased(word: str, style: str) -> str:
    """A word in the case style of a line."""
    return {"upper": word.upper(), "title": word.capitalize(), "lower": word}[style]


def draw_cover(rng: random.Random, held_out: bool, long_side: int | None = None) -> DrawnCover:
    """Draw a cover: title above, author below, a decoration between."""
    while True:
        height = long_side or rng.choice((224, 280, 320)) * detail(rng)
        width = height if rng.random() < 0.4 else round(height / rng.uniform(1.0, 1.35))
        paper, ink = contrasting_pair(rng)
        canvas = Canvas(width, height, paper)
        canvas.fill_background(UNKNOWN)
        style = rng.choice(("title", "title", "title", "upper"))
        title = " ".join(
            cased(random_word(rng, held_out), style) for _ in range(rng.choice((1, 2, 2)))
        )
        author = " ".join(random_word(rng, held_out).capitalize() for _ in range(2))
        drawn = print_cover(rng, canvas, title, author, ink)
        if drawn:
            return drawn


def print_cover(
    rng: random.Random, canvas: Canvas, title: str, author: str, ink: Colour
) -> DrawnCover | None:
    """Print a title and an author; None where they do not fit in large print."""
    unit, room = canvas.unit, canvas.width * 0.96
    font, author_font = font_path(rng.choice(FONTS[:3])), font_path(rng.choice(FONTS[:3]))
    size = rng.uniform(22, 34) * unit
    lines = [title] if rng.random() < 0.6 else title.split()
    author_lines = [author] if text_width(author_font, 20 * unit, author) < room else author.split()
    while max(text_width(font, size, line) for line in lines) > room and size > 20 * unit:
        size -= unit
    author_size = rng.uniform(19, 22) * unit
    widest = max(text_width(author_font, author_size, line) for line in author_lines)
    if max(text_width(font, size, line) for line in lines) > room or widest > room:
        return None
    y = rng.uniform(5, 60) * unit
    title_cells, y = _print_lines(canvas, lines, font, size, y, ink, 0)
    low = canvas.height - (len(author_lines) * 27 + 4) * unit
    author_y = rng.uniform(max(y + 10 * unit, 0.55 * canvas.height), low)
    if author_y - y > 50 * unit and rng.random() < 0.6:
        _decorate(rng, canvas, y + 8 * unit, author_y - 8 * unit)
    author_cells, _ = _print_lines(
        canvas, author_lines, author_font, author_size, author_y, ink, 10
    )
    return DrawnCover(title, author, canvas.finish(rng), title_cells, author_cells)


def _print_lines(
    canvas: Canvas,
    lines: list[str],
    font: Path,
    size: float,
    y: float,
    ink: Colour,
    first_line: int,
) -> tuple[tuple[Cell, ...], float]:
    """Print centred lines; a space stands between the cells of one line and the next."""
    cells: tuple[Cell, ...] = ()
    for i, line in enumerate(lines):
        x = (canvas.width - text_width(font, size, line)) / 2
        printed = canvas.text(x, y, line, font, size, ink, first_line + i)
        cells += (cells[-1:] if cells else ()) + printed
        y += size * 1.25
    return cells, y


def _decorate(rng: random.Random, canvas: Canvas, top: float, bottom: float) -> None:
    r = min((bottom - top) / 2, canvas.width * 0.4)
    kind = rng.choice(("circle", "square", "triangle", "diamond"))
    x = rng.uniform(0.3, 0.7) * canvas.width
    draw_shape(canvas, kind, x, top + r, r * 0.9, shade(rng.choice(SHAPE_COLOURS), rng), None)


def ask_title(rng: random.Random, drawn: DrawnCover) -> Turn:
    """The title."""
    answer = Answer('The title is "').quote(drawn.title, drawn.title_cells).say('".')
    return asked(rng, "cover title", answer, "cover title")


def ask_author(rng: random.Random, drawn: DrawnCover) -> Turn:
    """The author."""
    answer = Answer('The author is "').quote(drawn.author, drawn.author_cells).say('".')
    return asked(rng, "cover author", answer, "cover author")


def ask_cover(rng: random.Random, drawn: DrawnCover) -> Turn:
    """Title and author."""
    answer = Answer('This is a book cover. The title is "').quote(drawn.title, drawn.title_cells)
    answer.say('" and the author is "').quote(drawn.author, drawn.author_cells)
    return asked(rng, rng.choice(("cover", "cover", "describe")), answer.say('".'), "cover read")


def cover_item(rng: random.Random, held_out: bool) -> Item:
    """A cover with independent questions, or with a conversation."""
    drawn = draw_cover(rng, held_out)
    turns = [ask_title(rng, drawn), ask_author(rng, drawn), ask_cover(rng, drawn)]
    rng.shuffle(turns)
    chains = [turns[:2], turns[2:]] if rng.random() < 0.25 else [[t] for t in turns]
    return Item([drawn.picture], chains, shared=1)
