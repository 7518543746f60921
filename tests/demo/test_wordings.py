"""Wordings: training never uses those of the evaluation, though it knows their words."""

import random
import re

import pytest
from tokenizers import Tokenizer

from phi3v_tui.demo.curriculum import MAKERS
from phi3v_tui.demo.exam import all_questions
from phi3v_tui.demo.tokenizer import PIECE, build_tokenizer
from phi3v_tui.demo.wordings import typed, word, wordings

FIELDS = {"kind": "star", "kinds": "stars", "place": "top left", "noun": "star", "nth": "first",
          "which": "highest", "more": "largest", "thing": "a red star", "name": "2020"}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_tokenizer(samples=40)


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


@pytest.mark.parametrize("sort", sorted(wordings()))
def test_ten_wordings_or_more_of_each_sort_are_held_out(sort: str) -> None:
    held_out = {plain(w.format(**FIELDS)) for w in wordings()[sort]["held_out"]}
    trained = {
        plain(w.format(**FIELDS)) for all_of in wordings().values() for w in all_of["trained"]
    }
    assert len(held_out) >= 10
    assert not held_out & trained


@pytest.mark.parametrize("sort", sorted(wordings()))
def test_the_words_of_held_out_wordings_are_known(sort: str, tokenizer: Tokenizer) -> None:
    known = tokenizer.get_vocab()
    for wording in wordings()[sort]["held_out"]:
        unknown = [w for w in re.findall(PIECE, wording.format(**FIELDS)) if w not in known]
        assert not unknown, wording


def test_training_asks_in_wordings_of_training_only() -> None:
    rng = random.Random(1)
    for make in MAKERS.values():
        for _ in range(10):
            for turn in (t for chain in make(rng, False).chains for t in chain):
                held_out = [
                    plain(w.format(**turn.fields)) for w in wordings()[turn.sort]["held_out"]
                ]
                assert plain(turn.question) not in held_out


def test_a_question_can_be_typed_in_many_ways_and_stays_the_question() -> None:
    rng = random.Random(2)
    spelt = {typed(rng, "Where is the star?") for _ in range(200)}
    assert len(spelt) > 10
    assert all("star" in text and len(text) < 60 for text in spelt)
    assert word(rng, "where", {"kind": "star"}, held_out=True) not in spelt


def test_the_evaluation_asks_everything_again_in_other_words() -> None:
    abilities = set()
    for question in all_questions(2, seed=1):
        abilities.add(question.ability)
        assert plain(question.reworded) != plain(question.prompts[-1])
    assert len(abilities) > 20
