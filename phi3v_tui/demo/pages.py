"""Printed words: pages packed with them for the vision tower, and notes, signs and screens."""

import random
from dataclasses import dataclass
from pathlib import Path

from phi3v_tui.demo.covers import cased
from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import (
    CHARACTERS,
    CROP,
    FONTS,
    HELD_OUT_FONTS,
    UNKNOWN,
    Canvas,
    Cell,
    Colour,
    Picture,
    contrasting_pair,
    detail,
    font_path,
    random_size,
    text_width,
)
from phi3v_tui.demo.words import random_word

MOST_CHARACTERS = 40
SMALLEST_PRINT = 15
"""Crop pixels."""
SCREENS = ("terminal", "browser")
STYLES = ("note", "note", "sign", *SCREENS)


def text_page(rng: random.Random, progress: float) -> Picture:
    """A page full of words: the most characters that one picture can teach the vision tower.

    Args:
        rng: Source of randomness.
        progress: From 0, where there is one font in one size, black on white, to 1: reading is
            learnt many times faster where what varies comes one after the other.
    """
    paper, ink = _page_colours(rng, progress)
    side = CROP * detail(rng) if rng.random() < 0.6 else rng.randint(CROP, 3 * CROP)
    canvas = Canvas(side, side, paper)
    canvas.fill_background(UNKNOWN)
    fonts = FONTS[: 1 + int(progress * 2 * (len(FONTS) - 1))]
    unit, line = canvas.unit, 0
    y = rng.uniform(0, 8) * unit
    while y < side - 20 * unit:
        size = unit * rng.uniform(max(14, 19 - 10 * progress), min(30, 22 + 16 * progress))
        font = font_path(rng.choice(rng.choice((fonts, fonts[:3]))))
        x = rng.uniform(1, 14) * unit
        while x < side - 14 * unit:
            word = _page_word(rng)
            while word and x + text_width(font, size, word) > side - unit:
                word = word[:-1]
            if not word:
                break
            canvas.text(x, y, word, font, size, ink, line)
            x += text_width(font, size, word + " ") + rng.uniform(0, 6) * unit
        line += 1
        y += size * 1.2 + rng.uniform(0, 5) * unit
    return canvas.finish(rng)


def _page_colours(rng: random.Random, progress: float) -> tuple[Colour, Colour]:
    black, white = (0, 0, 0), (255, 255, 255)
    if rng.random() < max(0.25, 1 - 3 * progress):
        return white, black
    return (black, white) if rng.random() < 0.3 else contrasting_pair(rng)


def _page_word(rng: random.Random) -> str:
    sort = rng.random()
    if sort < 0.6:
        return cased(random_word(rng, False), rng.choice(("title", "title", "upper", "lower")))
    if sort < 0.75:
        return str(rng.randint(0, 10 ** rng.randint(1, 4)))
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(1, 5)))


@dataclass
class DrawnNote:
    """A picture with some printed words.

    Attributes:
        text: The words, one space where a line ends.
        picture: It.
        cells: Of each character of the text.
    """

    text: str
    picture: Picture
    cells: tuple[Cell, ...]


def random_words(rng: random.Random, held_out: bool) -> str:
    """One to six words or numbers, at most MOST_CHARACTERS."""
    words: list[str] = []
    style = rng.choice(("title", "lower", "lower", "upper"))
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5, 6))):
        number = rng.random() < 0.2
        word = str(rng.randint(1, 9999)) if number else cased(random_word(rng, held_out), style)
        if len(" ".join((*words, word))) <= MOST_CHARACTERS:
            words.append(word)
    return " ".join(words)


def draw_note(
    rng: random.Random,
    held_out: bool,
    fonts: tuple[str, ...] = FONTS,
    size: tuple[int, int] | None = None,
) -> DrawnNote:
    """Draw a note, a sign or a part of a screen, with words that fit in print of some size."""
    while True:
        drawn = _print_note(rng, random_words(rng, held_out), fonts, size or random_size(rng))
        if drawn:
            return drawn


def _print_note(
    rng: random.Random, text: str, fonts: tuple[str, ...], size: tuple[int, int]
) -> DrawnNote | None:
    style = rng.choice(STYLES)
    paper, ink = _screen_colours(rng) if style == "terminal" else contrasting_pair(rng)
    canvas = Canvas(*size, paper)
    canvas.fill_background(UNKNOWN)
    unit, top = canvas.unit, 4 * canvas.unit
    if style in SCREENS:
        top = _draw_title_bar(rng, canvas) + 4 * unit
    elif style == "sign":
        edge = rng.uniform(2, 5) * unit
        canvas.draw.rectangle(
            (edge, edge, canvas.width - edge, canvas.height - edge),
            outline=ink, width=max(1, round(unit * rng.uniform(1, 3))),
        )  # fmt: skip
        top = 10 * unit
    monospaced = tuple(f for f in fonts if "Mono" in f) or fonts
    font = font_path(rng.choice(monospaced if style == "terminal" else fonts))
    laid_out = _fit(rng, canvas, text, font, canvas.height - top - 6 * unit)
    if not laid_out:
        return None
    lines, print_size = laid_out
    height = len(lines) * print_size * 1.25
    y = top if style in SCREENS else rng.uniform(top, canvas.height - height - 5 * unit)
    cells = _print(rng, canvas, lines, font, print_size, y, ink, centred=style == "sign")
    return DrawnNote(text, canvas.finish(rng), cells)


def _screen_colours(rng: random.Random) -> tuple[Colour, Colour]:
    if rng.random() < 0.2:
        return (255, 255, 255), (0, 0, 0)
    ink: tuple[Colour, ...] = ((230, 230, 230), (255, 255, 255), (120, 230, 120), (240, 220, 120))
    return rng.choice(((0, 0, 0), (30, 30, 40), (40, 10, 40))), rng.choice(ink)


def _draw_title_bar(rng: random.Random, canvas: Canvas) -> float:
    """The top of a window; returns where it ends."""
    height = rng.uniform(10, 18) * canvas.unit
    grey = rng.randint(170, 235)
    canvas.draw.rectangle((0, 0, canvas.width, height), fill=(grey, grey, grey + 5))
    r = height * 0.22
    for i, colour in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        x = height * (0.6 + 0.7 * i)
        canvas.draw.ellipse((x - r, height / 2 - r, x + r, height / 2 + r), fill=colour)
    if rng.random() < 0.5:
        box = (height * 2.8, height * 0.2, canvas.width - height, height * 0.8)
        canvas.draw.rounded_rectangle(box, height * 0.3, fill=(255, 255, 255))
    return height


def _fit(
    rng: random.Random, canvas: Canvas, text: str, font: Path, room: float
) -> tuple[list[str], float] | None:
    """Break a text into lines, in the largest print up to a random one that fits."""
    size = rng.uniform(SMALLEST_PRINT, 30)
    while size >= SMALLEST_PRINT - 0.5:
        lines = _wrap(text, font, size * canvas.unit, canvas.width * 0.92)
        if lines and len(lines) * size * canvas.unit * 1.25 < room:
            return lines, size * canvas.unit
        size -= 1
    return None


def _wrap(text: str, font: Path, size: float, width: float) -> list[str]:
    """Lines no wider than `width`; none where a word is too long."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(font, size, longer) <= width:
            lines[-1] = longer
        elif text_width(font, size, word) <= width:
            lines.append(word)
        else:
            return []
    return lines


def _print(
    rng: random.Random,
    canvas: Canvas,
    lines: list[str],
    font: Path,
    size: float,
    y: float,
    ink: Colour,
    centred: bool,
) -> tuple[Cell, ...]:
    cells: tuple[Cell, ...] = ()
    widest = max(text_width(font, size, line) for line in lines)
    left = rng.uniform(0.03 * canvas.width, canvas.width * 0.98 - widest)
    for i, line in enumerate(lines):
        x = (canvas.width - text_width(font, size, line)) / 2 if centred else left
        # The space between two lines is seen where the first one ends.
        cells += cells[-1:] + canvas.text(x, y, line, font, size, ink, i)
        y += size * 1.25
    return cells


def ask_text(rng: random.Random, drawn: DrawnNote) -> Turn:
    """All that is printed."""
    answer = Answer('It says "').quote(drawn.text, drawn.cells).say('".')
    return asked(rng, "describe" if rng.random() < 0.15 else "text", answer, "text")


def note_item(rng: random.Random, held_out: bool) -> Item:
    """A note, sign or screen and what it says."""
    drawn = draw_note(rng, held_out, HELD_OUT_FONTS if held_out else FONTS)
    return Item([drawn.picture], [[ask_text(rng, drawn)]], shared=1)
