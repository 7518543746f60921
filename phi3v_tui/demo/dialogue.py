"""Questions and answers about drawn pictures, and where the model should look for each word."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from phi3v_tui.demo.drawing import Cell, Picture
from phi3v_tui.demo.wordings import word

NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass
class Span:
    """A part of an answer, and what shows that it is right.

    Attributes:
        start: First character.
        end: One past the last character.
        cells: (picture index, cell) pairs; empty for the separator between the two views.
        words: Earlier parts of the answer that it follows from, first and past the last
            character; where there are any, the model should look at them and not at cells.
    """

    start: int
    end: int
    cells: tuple[tuple[int, Cell], ...]
    words: tuple[tuple[int, int], ...] = ()

    @property
    def range(self) -> tuple[int, int]:
        """First character, and one past the last."""
        return self.start, self.end


@dataclass
class Answer:
    """An answer built piece by piece."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)

    def say(
        self,
        text: str,
        cells: Sequence[Cell] | None = None,
        picture: int = 0,
    ) -> "Answer":
        """Append text; `cells` are where in the picture it can be seen, none for nowhere."""
        if cells is not None:
            looked = tuple((picture, cell) for cell in cells)
            self.spans.append(Span(len(self.text), len(self.text) + len(text), looked))
        self.text += text
        return self

    def look(self, text: str, places: tuple[tuple[int, Cell], ...]) -> "Answer":
        """Append text that is seen in several pictures at once."""
        self.spans.append(Span(len(self.text), len(self.text) + len(text), places))
        self.text += text
        return self

    def conclude(self, text: str, *spans: Span) -> "Answer":
        """Append text that follows from words written before."""
        words = tuple(s.range for s in spans)
        self.spans.append(Span(len(self.text), len(self.text) + len(text), (), words))
        self.text += text
        return self

    def quote(self, text: str, cells: Sequence[Cell], picture: int = 0) -> "Answer":
        """Append a text that is printed in the picture, each character seen in its own cell."""
        for character, cell in zip(text, cells, strict=True):
            self.say(character, (cell,), picture)
        return self


@dataclass
class Turn:
    """One question with its answer.

    Attributes:
        question: What a person asks.
        answer: What the model should say.
        ability: Name of what this tests, for the evaluation.
        new_pictures: How many pictures come with the question.
        sort: Key of its wordings; the evaluation asks in others. Empty for small talk.
        fields: What the wordings need to be filled in.
    """

    question: str
    answer: Answer
    ability: str
    new_pictures: int = 0
    sort: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Item:
    """Pictures and conversations about them.

    Attributes:
        pictures: In the order of the conversation.
        chains: Conversations that know nothing of each other; all come after `shared` pictures.
        shared: How many pictures precede every chain; the others arrive with their turns.
    """

    pictures: list[Picture]
    chains: list[list[Turn]]
    shared: int


def asked(rng: random.Random, sort: str, answer: Answer, ability: str, **fields: str) -> Turn:
    """A turn whose question is one of the wordings of a sort."""
    return Turn(word(rng, sort, fields), answer, ability, sort=sort, fields=fields)
