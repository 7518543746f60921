"""One question of the evaluation, and what counts as right."""

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from phi3v_tui.demo.dialogue import Turn
from phi3v_tui.demo.drawing import Picture
from phi3v_tui.demo.wordings import word

SIZES = (
    (640, 480),
    (480, 640),
    (800, 600),
    (512, 512),
    (1280, 720),
    (300, 200),
    (1000, 800),
    (720, 720),
)
"""Sizes of pictures that training never draws."""


@dataclass(frozen=True)
class Question:
    """One question of the evaluation.

    Attributes:
        ability: Row of the table.
        pictures: PNG bytes, one tuple for each user's message of the conversation.
        prompts: What the person says, one for each message; the last answer counts.
        right: How much of an answer to the last prompt is right, 0 to 1; for most all or nothing.
        expected: What it should say, for the list of failures.
        reworded: The last prompt in a wording that training never saw; may be empty.
        swapped: Other pictures, of which the same prompts have another answer; where there are
            any, it is right to answer them otherwise.
    """

    ability: str
    pictures: tuple[tuple[bytes, ...], ...]
    prompts: tuple[str, ...]
    right: Callable[[str], float]
    expected: str
    reworded: str = ""
    swapped: tuple[tuple[bytes, ...], ...] = ()


def png(picture: Picture | Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    image = picture.image if isinstance(picture, Picture) else picture
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def plain(text: str) -> str:
    """Text without differences of case and space."""
    return " ".join(text.lower().split())


def same_as(expected: str) -> Callable[[str], bool]:
    """Every word has to be right."""
    return lambda text: plain(text) == plain(expected)


def ends_like(expected: str, mark: str) -> Callable[[str], bool]:
    """What comes after the last `mark` has to be right."""
    return lambda text: plain(text).rpartition(mark)[2] == plain(expected).rpartition(mark)[2]


def question(rng: random.Random, turn: Turn, ability: str, *files: bytes) -> Question:
    """A turn about the given pictures as a question."""
    return conversation(rng, [turn], ability, (files,))


def conversation(
    rng: random.Random, turns: Sequence[Turn], ability: str, pictures: tuple[tuple[bytes, ...], ...]
) -> Question:
    """The last of some turns as a question, the others before it."""
    last = turns[-1]
    expected = last.answer.text
    return Question(
        ability, pictures, tuple(t.question for t in turns), right_like(last), expected,
        word(rng, last.sort, last.fields, held_out=True),
    )  # fmt: skip


def right_like(turn: Turn) -> Callable[[str], bool]:
    """What counts: a number or a conclusion after a list, else every word."""
    mark = {"how many": " that makes ", "what differs": " so ", "are they the same": " so ",
            "which has more": " so ", "which has most": " so "}.get(turn.ability)  # fmt: skip
    return ends_like(turn.answer.text, mark) if mark else same_as(turn.answer.text)
