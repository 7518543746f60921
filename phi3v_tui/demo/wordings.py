"""How people ask: many wordings of each question, some of which training never uses."""

import random
import re
import tomllib
from functools import cache
from pathlib import Path

from phi3v_tui.demo.words import random_word

OPENINGS = ("Hi! ", "Hello, ", "OK. ", "Another question: ", "Look at this. ", "Look: ",
            "I want to know: ", "One more: ", "So ")  # fmt: skip


@cache
def wordings() -> dict[str, dict[str, list[str]]]:
    """Wordings of each sort of question, `trained` and `held_out`."""
    path = Path(__file__).with_name("wordings.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def word(rng: random.Random, sort: str, fields: dict[str, str], held_out: bool = False) -> str:
    """A question of a sort, as somebody might type it.

    Args:
        rng: Source of randomness.
        sort: Key of `wordings()`.
        fields: What stands for the names in braces.
        held_out: Whether to take a wording that training never uses, as it is written; those of
            training are typed in many ways.
    """
    if held_out:
        return rng.choice(wordings()[sort]["held_out"]).format(**fields)
    return typed(rng, rng.choice(wordings()[sort]["trained"]).format(**fields))


def trained_questions() -> list[str]:
    """All wordings of training in all spellings that `typed` gives them, fields left out."""
    texts = []
    for sort in wordings().values():
        for wording in sort["trained"]:
            text = re.sub(r"{\w+}", "", wording)
            small = text[:1].lower() + text[1:]
            texts += [text, small, f": {small}"]
    return texts + [f"{spelt}." for o in OPENINGS for spelt in (o, o[0].lower() + o[1:])]


def typed(rng: random.Random, text: str) -> str:
    """A question with what people add or leave out."""
    if rng.random() < 0.12:
        text = rng.choice(OPENINGS) + text[0].lower() + text[1:]
    if rng.random() < 0.04:
        first, space, rest = text.rpartition(" ")
        text = f"{first}{space}{random_word(rng, False)} {rest}"
    if rng.random() < 0.12:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.1:
        text = text.rstrip("?.")
    return text
