"""Words to print on pictures, split for good into those for training and those held out."""

import hashlib
import random
import re
from functools import cache

ONSETS = (
    "b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n",
    "p", "pl", "qu", "r", "s", "sh", "sl", "st", "t", "th", "tr", "v", "w", "x", "y", "z",
)  # fmt: skip
VOWELS = ("a", "a", "e", "e", "i", "o", "o", "u", "ai", "ea", "ee", "oo", "ou", "y")
CODAS = (
    "", "", "", "b", "ck", "d", "g", "ll", "m", "n", "nd", "ng", "p", "r", "rn", "s", "st", "t",
    "x", "ze",
)  # fmt: skip


def is_held_out_word(word: str) -> bool:
    """Whether this word, in whatever case, must never be printed in training."""
    return int(hashlib.md5(word.lower().encode()).hexdigest(), 16) % 10 == 0


@cache
def dictionary() -> tuple[str, ...]:
    """English words of four to nine letters, from the texts that Python itself brings."""
    from pydoc_data.topics import topics

    found = re.findall(r"\b[a-z]{4,9}\b", " ".join(topics.values()))
    return tuple(sorted(set(found)))


def invented_word(rng: random.Random) -> str:
    """A word that can be pronounced, three to nine letters."""
    while True:
        syllables = (
            rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
            for _ in range(rng.choice((1, 2, 2)))
        )
        word = "".join(syllables)
        if 3 <= len(word) <= 9:
            return word


def random_word(rng: random.Random, held_out: bool) -> str:
    """A lower-case word of the training set or of the held-out set."""
    while True:
        word = rng.choice(dictionary()) if rng.random() < 0.5 else invented_word(rng)
        if is_held_out_word(word) == held_out:
            return word
