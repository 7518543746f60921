"""Long conversations in which pictures of several kinds arrive one after the other."""

import random
from dataclasses import replace

from phi3v_tui.demo.chart_questions import chart_item
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.covers import cover_item
from phi3v_tui.demo.dialogue import Answer, Item, Turn
from phi3v_tui.demo.scene_questions import scene_item

MAKERS = (scene_item, scene_item, chart_item, cover_item, compare_item)
MOST_PICTURES = 4


def album_item(rng: random.Random, held_out: bool) -> Item:
    """Two or three items as one conversation; each question is about the newest pictures."""
    album = Item([], [[]], shared=0)
    for _ in range(rng.choice((2, 3))):
        item = rng.choice(MAKERS)(rng, held_out)
        if len(album.pictures) + len(item.pictures) <= MOST_PICTURES:
            _append(album, item, rng.choice(item.chains)[:2])
    return album


def _append(album: Item, item: Item, chain: list[Turn]) -> None:
    for i, turn in enumerate(chain):
        arriving = turn.new_pictures + (item.shared if i == 0 else 0)
        answer = _shifted(turn.answer, len(album.pictures))
        album.chains[0].append(replace(turn, answer=answer, new_pictures=arriving))
    arrived = item.shared + sum(turn.new_pictures for turn in chain)
    album.pictures += item.pictures[:arrived]


def _shifted(answer: Answer, by: int) -> Answer:
    """The same answer about pictures that come later in the conversation."""
    spans = [
        replace(s, cells=tuple((picture + by, cell) for picture, cell in s.cells))
        for s in answer.spans
    ]
    return Answer(answer.text, spans)
