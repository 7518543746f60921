"""What is trained in which order, and on what.

Easy pictures come first; perception comes before language, and looking things up before all
other questions. README.md in this folder says what happened in other orders.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from phi3v_tui.demo import (
    album,
    chart_questions,
    charts,
    comparisons,
    covers,
    pages,
    scene_questions,
    scenes,
    tables,
    talk,
    unlike,
    which,
)
from phi3v_tui.demo.dialogue import Item
from phi3v_tui.demo.drawing import Picture

MAKERS: dict[str, Callable[[random.Random, bool], Item]] = {
    "bind": scene_questions.bind_item,
    "scene": scene_questions.scene_item,
    "several": scene_questions.several_item,
    "follow-up": scene_questions.follow_up_item,
    "compare": comparisons.compare_item,
    "more": which.more_item,
    "three": which.three_item,
    "chart": chart_questions.chart_item,
    "cover": covers.cover_item,
    "note": pages.note_item,
    "table": tables.table_item,
    "unlike": unlike.unlike_item,
    "talk": talk.talk_item,
    "album": album.album_item,
}
ITEMS_PER_STEP = {"bind": 4, "scene": 4, "several": 4, "follow-up": 4, "compare": 3, "more": 3,
                  "three": 2, "chart": 5, "cover": 6, "note": 8, "table": 6,
                  "unlike": 6, "talk": 6, "album": 3}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        name: Its name, also of its checkpoint.
        steps: Steps of each process.
        mix: Kinds of items and how often each comes; empty for dense perception.
        pictures: Pictures of a step of dense perception: with shapes, and with text.
        keep: Weight of staying near what the tower told of shapes when the stage began or went on.
        easy_first: Whether the text pictures of dense perception begin with easy ones.
        tower_rate: Learning rate of tower and projection, as a part of the decoder's.
        dense_weight: Weight of the dense losses.
        rate: Learning rate of AdamW.
        muon_rate: Learning rate of Muon.
        decay: Last part of the stage, over which the rates fall to 3 %.
    """

    name: str
    steps: int
    mix: dict[str, float]
    tower_rate: float
    dense_weight: float
    rate: float = 2e-3
    muon_rate: float = 5e-3
    decay: float = 0.35
    pictures: tuple[int, int] = (4, 4)
    keep: float = 0.0
    easy_first: bool = True


ALL = {
    "scene": 3,
    "follow-up": 1.5,
    "compare": 3,
    "more": 1,
    "three": 1,
    "chart": 3,
    "cover": 2,
    "note": 2,
    "table": 2,
    "unlike": 0.6,
    "talk": 0.6,
    "album": 1.5,
}
READING = Stage(
    "reading",
    11000,
    {},
    1.0,
    1.0,
    rate=1.5e-3,
    muon_rate=4e-3,
    decay=0.4,
    pictures=(4, 12),
    keep=1.0,
)
STAGES = (
    Stage("perception", 3800, {}, 1.0, 1.0),
    READING,
    replace(
        READING,
        name="reread",
        steps=3500,
        rate=9e-4,
        muon_rate=2.4e-3,
        decay=0.95,
        easy_first=False,
    ),
    Stage("bind", 250, {"bind": 1}, 0.0, 0.0, decay=0.2),
    Stage("read", 2400, {"bind": 0.3, **ALL}, 0.0, 0.0),
    Stage(
        "joint",
        1250,
        {**ALL, "scene": 2.5, "compare": 5, "chart": 5, "cover": 1.5},
        0.3,
        1.0,
        rate=1e-3,
        muon_rate=3e-3,
        decay=0.6,
    ),
    Stage(
        "polish",
        1100,
        {**ALL, "scene": 1.5, "compare": 9, "chart": 4.5, "cover": 0.3, "album": 1},
        0.2,
        0.7,
        rate=1e-3,
        muon_rate=3e-3,
        decay=0.6,
    ),
    Stage(
        "settle",
        2000,
        {
            **ALL,
            "scene": 4,
            "several": 4,
            "follow-up": 3,
            "compare": 7,
            "more": 1.5,
            "three": 3,
            "chart": 6,
            "cover": 1,
            "note": 3,
            "table": 3,
            "talk": 1.5,
            "unlike": 0.8,
        },
        0.0,
        0.0,
        rate=1e-3,
        muon_rate=2.5e-3,
        decay=0.9,
    ),
)


def perception_pictures(
    rng: random.Random, stage: Stage, step: int, size: int = 1
) -> tuple[list[Picture], int]:
    """Pictures of one step, easy ones first.

    Returns:
        Shape pictures followed by text pictures, and the number of shape pictures.
    """
    progress = step / stage.steps if stage.easy_first else 1.0
    shapes, texts = (count * size for count in stage.pictures)
    drawn = [_shape_picture(rng, 1.0 if stage.keep else progress) for _ in range(shapes)]
    return drawn + [_text_picture(rng, progress) for _ in range(texts)], shapes


def _shape_picture(rng: random.Random, progress: float) -> Picture:
    sort = rng.random()
    if sort < (0.85 if progress < 0.25 else 0.05):
        return scenes.draw_scene(rng, scenes.packed_scene(rng, easy=True))
    if sort < 0.5 or progress < 0.25:
        return scenes.draw_scene(rng, scenes.packed_scene(rng, easy=False))
    if sort < 0.9:
        count = rng.randint(1, 8)
        return scenes.draw_scene(rng, scenes.random_scene(rng, False, count))
    return unlike.draw_unlike(rng, unlike.TRAINED_KINDS)


def _text_picture(rng: random.Random, progress: float) -> Picture:
    sort = rng.random()
    if sort < 0.35:
        return pages.text_page(rng, progress)
    if sort < 0.55:
        draw = rng.choice((covers.draw_cover, pages.draw_note, tables.draw_table))
        return draw(rng, False).picture
    return charts.draw_chart(rng, charts.random_chart(rng, False)).picture
