"""Questions and answers about one chart."""

import random

from phi3v_tui.demo.charts import DrawnChart, draw_chart, random_chart
from phi3v_tui.demo.dialogue import NUMBER_WORDS, Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import LEVELS, level_percent


def say_bar(answer: Answer, drawn: DrawnChart, index: int, words: str) -> Answer:
    """Append words and the name of a bar, read from under it."""
    answer.say(words, drawn.bar_cells[index] or drawn.name_cells[index][:1])
    name = drawn.chart.names[index]
    answer.say(f" {name[0]}", drawn.name_cells[index][:1])
    return answer.quote(name[1:], drawn.name_cells[index][1:])


def ask_extreme(rng: random.Random, drawn: DrawnChart, which: str) -> Turn:
    """Which bar is the highest, or the lowest."""
    index = drawn.chart.highest if which == "highest" else drawn.chart.lowest
    sort = "bar" if drawn.chart.sort == "bar" else "point"
    answer = say_bar(Answer(), drawn, index, f"The {which} {sort} is").say(".")
    if drawn.chart.names[0].isdigit() and rng.random() < 0.35:
        sort = "year"
    more = "largest" if which == "highest" else "smallest"
    return asked(rng, sort, answer, f"chart {which}", which=which, more=more)


def ask_trend(rng: random.Random, drawn: DrawnChart) -> Turn:
    """What the bars do from left to right."""
    return asked(rng, "trend", Answer(f"From left to right it {drawn.chart.trend}."), "chart trend")


def ask_chart_title(rng: random.Random, drawn: DrawnChart) -> Turn:
    """The title printed above."""
    answer = Answer('The title is "').quote(drawn.chart.title, drawn.title_cells).say('".')
    return asked(rng, "chart title", answer, "chart title")


def ask_value(rng: random.Random, drawn: DrawnChart, index: int) -> Turn:
    """How high a bar or a point stands on the value axis."""
    chart = drawn.chart
    name, places = chart.names[index], drawn.name_cells[index]
    level = chart.level(index)
    marked = drawn.picture.labels.cells("level", level + 1)
    # Another bar may end as high: the nearest to the name is its own.
    own = sorted(marked, key=lambda cell: abs(cell[1] - places[len(places) // 2][1]))[:1]
    answer = Answer("The axis ends at").say(f" {chart.axis_end}", drawn.axis_cells)
    answer.say(f" and {name} stands at")
    answer.say(f" {level_percent(level)}%", own)
    part, end = answer.spans[-1], answer.spans[0]
    answer.say(" of it, so about").conclude(f" {level * chart.axis_end / LEVELS:g}", part, end)
    return asked(rng, "value", answer.say("."), "chart value", name=name)


def ask_bars(rng: random.Random, drawn: DrawnChart) -> Turn:
    """How many bars."""
    count = NUMBER_WORDS[len(drawn.chart.values)]
    return asked(rng, "how many bars", Answer(f"There are {count} bars."), "chart bars")


def ask_describe_chart(rng: random.Random, drawn: DrawnChart) -> Turn:
    """All of it."""
    chart = drawn.chart
    of = "bars" if chart.sort == "bar" else "points"
    answer = Answer(f'This is a {chart.sort} chart titled "').quote(chart.title, drawn.title_cells)
    answer.say(f'" with {NUMBER_WORDS[len(chart.values)]} {chart.colour} {of}.')
    say_bar(answer, drawn, chart.highest, f" The highest {of[:-1]} is")
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
        ask_describe_chart(rng, drawn),
    ]
    if drawn.chart.sort == "bar":
        turns.append(ask_bars(rng, drawn))
    if drawn.chart.axis_end:
        places = rng.sample(range(len(drawn.chart.values)), 2)
        turns += [ask_value(rng, drawn, place) for place in places]
    rng.shuffle(turns)
    return turns


def chart_item(rng: random.Random, held_out: bool) -> Item:
    """A chart with independent questions, or with a conversation of two or three turns."""
    drawn = draw_chart(rng, random_chart(rng, held_out))
    turns = chart_questions(rng, drawn)
    chains = [turns[:3], turns[3:6]] if rng.random() < 0.25 else [[t] for t in turns]
    return Item([drawn.picture], chains, shared=1)
