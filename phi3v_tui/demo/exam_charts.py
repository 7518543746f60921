"""The evaluation's charts, which another program draws than in training."""

import io
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from PIL import Image

from phi3v_tui.demo import chart_questions as ask
from phi3v_tui.demo.charts import Chart, draw_chart, random_chart
from phi3v_tui.demo.dialogue import Turn
from phi3v_tui.demo.drawing import font_path, shade
from phi3v_tui.demo.exam_question import Question, png, question


def chart_questions(rng: random.Random, count: int) -> Iterator[Question]:
    """Charts drawn by matplotlib, which training never uses."""
    for sort in ("bar", "line"):
        wanted = dict.fromkeys(CHART_ROWS[sort], count)
        while any(wanted.values()):
            chart = replace(random_chart(rng, held_out=True), sort=sort)
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


def _about_chart(rng: random.Random, chart: Chart) -> list[Turn]:
    """Questions of training, with its answers, about a chart that another program draws."""
    drawn = draw_chart(rng, chart)
    index = rng.randrange(len(chart.values))
    turns = [
        ask.ask_extreme(rng, drawn, "highest"),
        ask.ask_extreme(rng, drawn, "lowest"),
        ask.ask_trend(rng, drawn),
        ask.ask_chart_title(rng, drawn),
        ask.ask_bars(rng, drawn),
    ]
    return turns + ([ask.ask_value(rng, drawn, index)] if chart.axis_end else [])


def _near(chart: Chart, name: str) -> Callable[[str], float]:
    """Whether the value at the end of an answer is within 5 % of the axis of the true one."""
    true = chart.values[chart.names.index(name)] / 100 * chart.axis_end

    def right(text: str) -> float:
        said = text.rstrip(".").rpartition(" ")[2]
        is_number = re.fullmatch(r"\d+(\.\d+)?", said)
        return bool(is_number) and name in text and abs(float(said) - true) <= 0.05 * chart.axis_end

    return right


def matplotlib_chart(rng: random.Random, chart: Chart) -> Image.Image:
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
