"""Bar and line charts with large print."""

import random
from dataclasses import dataclass
from itertools import pairwise

from phi3v_tui.demo.drawing import (
    COLOUR_ID,
    FONTS,
    KIND_ID,
    LEVELS,
    MARKS,
    PLANE,
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
          "Stock price", "Share price", "Births")  # fmt: skip
AXIS_ENDS = (10, 20, 40, 50, 100, 100, 200, 400, 500, 1000)
BAR_COLOURS = ("blue", "green", "red", "orange", "purple", "grey")


@dataclass(frozen=True)
class Chart:
    """What a chart says.

    Attributes:
        title: Printed above.
        names: Labels under the bars or points.
        values: From 0 to 100; how much of the value axis each takes, in percent.
        colour: Of all bars, or of the line.
        sort: "bar" or "line".
        axis_end: What stands at the end of the value axis, 0 where no axis is drawn.
    """

    title: str
    names: tuple[str, ...]
    values: tuple[int, ...]
    colour: str
    sort: str = "bar"
    axis_end: int = 0

    @property
    def highest(self) -> int:
        """Index of the highest bar."""
        return self.values.index(max(self.values))

    @property
    def lowest(self) -> int:
        """Index of the lowest bar."""
        return self.values.index(min(self.values))

    def level(self, index: int) -> int:
        """How far up the value axis a bar or point reaches, in steps of 1 / LEVELS."""
        return round(self.values[index] * LEVELS / 100)

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
    """A chart and the cells of its parts; `axis_cells` show the end of the value axis."""

    chart: Chart
    picture: Picture
    title_cells: tuple[Cell, ...]
    name_cells: list[tuple[Cell, ...]]
    bar_cells: list[tuple[Cell, ...]]
    axis_cells: tuple[Cell, ...]


def random_chart(rng: random.Random, held_out: bool) -> Chart:
    """A chart whose highest and lowest bars stand out by 7 % of its height or more."""
    number = rng.choice((3, 4, 4, 5))
    topic = rng.choice(TOPICS)
    title = topic if rng.random() < 0.3 else f"{topic} of {random_word(rng, held_out).capitalize()}"
    return Chart(
        title,
        _random_names(rng, number),
        _random_values(rng, number),
        rng.choice(BAR_COLOURS),
        "line" if rng.random() < 0.3 else "bar",
        rng.choice(AXIS_ENDS) if rng.random() < 0.5 else 0,
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
    return _draw_plot(rng, canvas, chart, ink, fill, title_cells)


def _draw_title(rng: random.Random, canvas: Canvas, title: str, ink: Colour) -> tuple[Cell, ...]:
    font = font_path(rng.choice(FONTS[:3]))
    size = 20 * canvas.unit
    while text_width(font, size, title) > canvas.width * 0.97:
        size -= canvas.unit
    x = (canvas.width - text_width(font, size, title)) / 2
    return canvas.text(x, 3 * canvas.unit, title, font, size, ink, 0)


@dataclass
class _Plot:
    """Where the plot lies in the drawing, and how it is printed."""

    left: float
    top: float
    right: float
    bottom: float
    ink: Colour
    fill: Colour


def _draw_plot(
    rng: random.Random,
    canvas: Canvas,
    chart: Chart,
    ink: Colour,
    fill: Colour,
    title_cells: tuple[Cell, ...],
) -> DrawnChart:
    unit, number = canvas.unit, len(chart.values)
    plot = _Plot(
        rng.uniform(4, 14) * unit,
        rng.uniform(28, 36) * unit,
        canvas.width - rng.uniform(2, 8) * unit,
        canvas.height - rng.uniform(20, 26) * unit,
        ink,
        fill,
    )
    axis_cells: tuple[Cell, ...] = ()
    if chart.axis_end:
        axis_cells = _draw_axis(rng, canvas, chart, plot)
    canvas.draw.line((plot.left, plot.top, plot.left, plot.bottom), fill=ink)
    canvas.draw.line((plot.left, plot.bottom, plot.right, plot.bottom), fill=ink)
    draw = _draw_bars if chart.sort == "bar" else _draw_line
    shown = draw(rng, canvas, chart, plot)
    name_cells = _draw_names(rng, canvas, chart, plot)
    picture = canvas.finish(rng)
    planes = picture.labels.planes
    bars = [
        tuple(c for c in picture.labels.cells("kind", KIND_ID[shown])
              if planes[PLANE["place"]][c] == i + 1)
        for i in range(number)
    ]  # fmt: skip
    return DrawnChart(chart, picture, title_cells, name_cells, bars, axis_cells)


def _draw_axis(rng: random.Random, canvas: Canvas, chart: Chart, plot: _Plot) -> tuple[Cell, ...]:
    """Print 0, the middle and the end of the value axis left of the plot; the end's cells."""
    unit = canvas.unit
    font, size = font_path(rng.choice(FONTS[:3])), rng.uniform(13, 16) * unit
    texts = ("0", f"{chart.axis_end / 2:g}", str(chart.axis_end))
    plot.left = 5 * unit + max(text_width(font, size, t) for t in texts)
    cells: tuple[Cell, ...] = ()
    grid = rng.random() < 0.3
    for i, text in enumerate(texts):
        y = plot.bottom - (plot.bottom - plot.top) * i / 2
        x = plot.left - 3 * unit - text_width(font, size, text)
        cells = canvas.text(x, y - size * 0.6, text, font, size, plot.ink, 50 + i)
        end = plot.right if grid else plot.left
        canvas.draw.line((plot.left - 2 * unit, y, end, y), fill=(170, 170, 170))
    return cells


def _ceiling(rng: random.Random, chart: Chart) -> int:
    """Which value reaches the top of the plot."""
    return 100 if chart.axis_end else rng.choice((100, max(chart.values) + 5))


def _labels_of(chart: Chart, index: int) -> dict[str, int]:
    """Dense labels of the cells of a bar or point."""
    mark = {chart.highest: MARKS["highest"], chart.lowest: MARKS["lowest"]}.get(index, 0)
    return {
        "colour": COLOUR_ID[chart.colour],
        "place": index + 1,
        "mark": mark,
        "level": UNKNOWN,
    }


def _mark_top(canvas: Canvas, chart: Chart, index: int, x: float, y: float) -> None:
    """Label the cell where a bar or point ends with its level."""
    if chart.axis_end:
        canvas.mark_cell(canvas.cell_at(x, y), level=chart.level(index) + 1)


def _draw_bars(rng: random.Random, canvas: Canvas, chart: Chart, plot: _Plot) -> str:
    """Draw the bars; returns the kind that their cells are labelled with."""
    step = (plot.right - plot.left) / len(chart.values)
    half, ceiling = step * rng.uniform(0.25, 0.43), _ceiling(rng, chart)
    for i, value in enumerate(chart.values):
        x = plot.left + step * (i + 0.5)
        y = plot.bottom - (plot.bottom - plot.top) * value / ceiling
        canvas.draw.rectangle((x - half, y, x + half, plot.bottom - 1), fill=plot.fill)
        box = (x - half, y, x + half, plot.bottom)
        canvas.mark(box, kind=KIND_ID["bar"], **_labels_of(chart, i))
        _mark_top(canvas, chart, i, x, y)
    return "bar"


def _draw_line(rng: random.Random, canvas: Canvas, chart: Chart, plot: _Plot) -> str:
    """Draw a line with a point for each value; returns the kind of the points' cells."""
    step = (plot.right - plot.left) / len(chart.values)
    ceiling, unit = _ceiling(rng, chart), canvas.unit
    points = [
        (plot.left + step * (i + 0.5), plot.bottom - (plot.bottom - plot.top) * v / ceiling)
        for i, v in enumerate(chart.values)
    ]
    width = max(1, round(rng.uniform(1, 3) * unit))
    canvas.draw.line(points, fill=plot.fill, width=width, joint="curve")
    r = rng.uniform(2.5, 4.5) * unit
    for i, (x, y) in enumerate(points):
        canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=plot.fill)
        canvas.mark_cell(canvas.cell_at(x, y), kind=KIND_ID["point"], **_labels_of(chart, i))
        _mark_top(canvas, chart, i, x, y)
    return "point"


def _draw_names(
    rng: random.Random, canvas: Canvas, chart: Chart, plot: _Plot
) -> list[tuple[Cell, ...]]:
    step, unit = (plot.right - plot.left) / len(chart.names), canvas.unit
    font, size = font_path(rng.choice(FONTS[:3])), rng.uniform(14, 17) * unit
    while max(text_width(font, size, n) for n in chart.names) > step * 0.95:
        size -= unit
    name_cells = []
    for i, name in enumerate(chart.names):
        x = plot.left + step * (i + 0.5) - text_width(font, size, name) / 2
        cells = canvas.text(x, plot.bottom + 2 * unit, name, font, size, plot.ink, 100 + i)
        labels = _labels_of(chart, i)
        for cell in cells:
            canvas.mark_cell(cell, place=labels["place"], mark=labels["mark"])
        name_cells.append(cells)
    return name_cells
