"""Bar charts with large print."""

import random
from dataclasses import dataclass
from itertools import pairwise

from phi3v_tui.demo.dialogue import NUMBER_WORDS, Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import (
    COLOUR_ID,
    KIND_ID,
    MARKS,
    UNKNOWN,
    Canvas,
    Cell,
    Colour,
    Picture,
    contrasting_pair,
    font_path,
    luminance,
    random_size,
    shade,
    text_width,
)
from phi3v_tui.demo.words import random_word

TOPICS = ("Revenue", "Sales", "Profit", "Visitors", "Rainfall", "Exports", "Orders", "Users",
          "Stock price", "Share price", "Exports", "Births")  # fmt: skip
BAR_COLOURS = ("blue", "green", "red", "orange", "purple", "grey")
FONTS = ("DejaVuSans-Bold", "DejaVuSans", "DejaVuSerif-Bold")


@dataclass(frozen=True)
class Chart:
    """What a bar chart says; `names` are the labels under the bars."""

    title: str
    names: tuple[str, ...]
    values: tuple[int, ...]
    colour: str

    @property
    def highest(self) -> int:
        """Index of the highest bar."""
        return self.values.index(max(self.values))

    @property
    def lowest(self) -> int:
        """Index of the lowest bar."""
        return self.values.index(min(self.values))

    @property
    def trend(self) -> str:
        """What the values do from left to right."""
        if list(self.values) == sorted(self.values):
            return "rises"
        return (
            "falls"
            if list(self.values) == sorted(self.values, reverse=True)
            else "goes up and down"
        )


@dataclass
class DrawnChart:
    """A chart and the cells of its parts."""

    chart: Chart
    picture: Picture
    title_cells: tuple[Cell, ...]
    name_cells: list[tuple[Cell, ...]]
    bar_cells: list[tuple[Cell, ...]]


def random_chart(rng: random.Random, held_out: bool) -> Chart:
    """A chart whose highest and lowest bars stand out by 7 % of its height or more."""
    number = rng.choice((3, 4, 4, 5))
    topic = rng.choice(TOPICS)
    title = topic if rng.random() < 0.3 else f"{topic} of {random_word(rng, held_out).capitalize()}"
    return Chart(
        title, _random_names(rng, number), _random_values(rng, number), rng.choice(BAR_COLOURS)
    )


def _random_names(rng: random.Random, number: int) -> tuple[str, ...]:
    if rng.random() < 0.75:
        first = rng.randint(1990, 2026 - number)
        return tuple(str(first + i) for i in range(number))
    if rng.random() < 0.5:
        return tuple("ABCDE"[:number])
    return tuple(f"Q{i + 1}" for i in range(number)) if number < 5 else tuple("VWXYZ")


def _random_values(rng: random.Random, number: int) -> tuple[int, ...]:
    shape = rng.choice(("rises", "falls", "mixed", "mixed"))
    while True:
        values = rng.sample(range(8, 100), number)
        ordered = sorted(values)
        steps = [b - a for a, b in pairwise(ordered)]
        if steps[0] < 7 or steps[-1] < 7 or min(steps) < 3:
            continue
        if shape != "mixed":
            return tuple(ordered if shape == "rises" else reversed(ordered))
        if values not in (ordered, ordered[::-1]):
            return tuple(values)


def draw_chart(rng: random.Random, chart: Chart) -> DrawnChart:
    """Draw a chart with its title above and a name under each bar."""
    while True:
        width, height = random_size(rng, square=0.5)
        if width >= height:
            break
    paper, ink = ((255, 255, 255), (0, 0, 0)) if rng.random() < 0.75 else contrasting_pair(rng)
    fill = shade(chart.colour, rng)
    while abs(luminance(fill) - luminance(paper)) < 35:
        paper, ink = contrasting_pair(rng)
    canvas = Canvas(width, height, paper)
    canvas.fill_background(UNKNOWN)
    title_cells = _draw_title(rng, canvas, chart.title, ink)
    return _draw_bars(rng, canvas, chart, ink, fill, title_cells)


def _draw_title(rng: random.Random, canvas: Canvas, title: str, ink: Colour) -> tuple[Cell, ...]:
    font = font_path(rng.choice(FONTS))
    size = 20 * canvas.unit
    while text_width(font, size, title) > canvas.width * 0.97:
        size -= canvas.unit
    x = (canvas.width - text_width(font, size, title)) / 2
    return canvas.text(x, 3 * canvas.unit, title, font, size, ink, 0)


def _draw_bars(
    rng: random.Random,
    canvas: Canvas,
    chart: Chart,
    ink: Colour,
    fill: Colour,
    title_cells: tuple[Cell, ...],
) -> DrawnChart:
    unit, number = canvas.unit, len(chart.values)
    left, right = rng.uniform(4, 14) * unit, canvas.width - rng.uniform(2, 8) * unit
    top, bottom = rng.uniform(28, 36) * unit, canvas.height - rng.uniform(20, 26) * unit
    canvas.draw.line((left, top, left, bottom), fill=ink)
    canvas.draw.line((left, bottom, right, bottom), fill=ink)
    step = (right - left) / number
    half = step * rng.uniform(0.25, 0.43)
    ceiling = rng.choice((100, max(chart.values) + 5))
    font, name_cells = font_path(rng.choice(FONTS)), []
    size = rng.uniform(14, 17) * unit
    while max(text_width(font, size, n) for n in chart.names) > step * 0.95:
        size -= unit
    for i, (name, value) in enumerate(zip(chart.names, chart.values, strict=True)):
        x, y = left + step * (i + 0.5), bottom - (bottom - top) * value / ceiling
        canvas.draw.rectangle((x - half, y, x + half, bottom - 1), fill=fill)
        mark = (
            MARKS["highest"] if i == chart.highest else MARKS["lowest"] if i == chart.lowest else 0
        )
        box = (x - half, y, x + half, bottom)
        canvas.mark(
            box, kind=KIND_ID["bar"], colour=COLOUR_ID[chart.colour], place=i + 1, mark=mark
        )
        label_x = x - text_width(font, size, name) / 2
        cells = canvas.text(label_x, bottom + 2 * unit, name, font, size, ink, 100 + i)
        for cell in cells:
            canvas.mark_cell(cell, place=i + 1, mark=mark)
        name_cells.append(cells)
    picture = canvas.finish(rng)
    bars = [
        tuple(c for c in picture.labels.cells("kind", KIND_ID["bar"])
              if picture.labels.planes[2][c] == i + 1)
        for i in range(number)
    ]  # fmt: skip
    return DrawnChart(chart, picture, title_cells, name_cells, bars)


def say_bar(answer: Answer, drawn: DrawnChart, index: int, words: str) -> Answer:
    """Append words and the name of a bar, read from under it."""
    answer.say(words, drawn.bar_cells[index] or drawn.name_cells[index][:1])
    name = drawn.chart.names[index]
    answer.say(f" {name[0]}", drawn.name_cells[index][:1])
    return answer.quote(name[1:], drawn.name_cells[index][1:])


def ask_extreme(rng: random.Random, drawn: DrawnChart, which: str) -> Turn:
    """Which bar is the highest, or the lowest."""
    index = drawn.chart.highest if which == "highest" else drawn.chart.lowest
    answer = say_bar(Answer(), drawn, index, f"The {which} bar is").say(".")
    are_years = drawn.chart.names[0].isdigit()
    sort = "year" if are_years and rng.random() < 0.35 else "bar"
    more = "largest" if which == "highest" else "smallest"
    return asked(rng, sort, answer, f"chart {which}", which=which, more=more)


def ask_trend(rng: random.Random, drawn: DrawnChart) -> Turn:
    """What the bars do from left to right."""
    return asked(rng, "trend", Answer(f"From left to right it {drawn.chart.trend}."), "chart trend")


def ask_chart_title(rng: random.Random, drawn: DrawnChart) -> Turn:
    """The title printed above."""
    answer = Answer('The title is "').quote(drawn.chart.title, drawn.title_cells).say('".')
    return asked(rng, "chart title", answer, "chart title")


def ask_bars(rng: random.Random, drawn: DrawnChart) -> Turn:
    """How many bars."""
    count = NUMBER_WORDS[len(drawn.chart.values)]
    return asked(rng, "how many bars", Answer(f"There are {count} bars."), "chart bars")


def ask_describe_chart(rng: random.Random, drawn: DrawnChart) -> Turn:
    """All of it."""
    chart = drawn.chart
    answer = Answer('This is a bar chart titled "').quote(chart.title, drawn.title_cells)
    answer.say(f'" with {NUMBER_WORDS[len(chart.values)]} {chart.colour} bars.')
    say_bar(answer, drawn, chart.highest, " The highest bar is")
    say_bar(answer, drawn, chart.lowest, " and the lowest is")
    return asked(
        rng,
        rng.choice(("describe", "describe a chart")),
        answer.say(f". From left to right it {chart.trend}."),
        "chart describe",
    )


def chart_questions(rng: random.Random, drawn: DrawnChart) -> list[Turn]:
    """One of each, shuffled."""
    turns = [
        ask_extreme(rng, drawn, "highest"),
        ask_extreme(rng, drawn, "lowest"),
        ask_trend(rng, drawn),
        ask_chart_title(rng, drawn),
        ask_bars(rng, drawn),
        ask_describe_chart(rng, drawn),
    ]
    rng.shuffle(turns)
    return turns


def chart_item(rng: random.Random, held_out: bool) -> Item:
    """A chart with independent questions, or with a conversation of two or three turns."""
    drawn = draw_chart(rng, random_chart(rng, held_out))
    turns = chart_questions(rng, drawn)
    chains = [turns[:3], turns[3:5]] if rng.random() < 0.25 else [[t] for t in turns]
    return Item([drawn.picture], chains, shared=1)
