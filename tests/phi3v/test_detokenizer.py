"""Streaming text: whole, and never half a character."""

import random

import pytest

from phi3v_tui.phi3v.detokenizer import StreamDecoder
from phi3v_tui.phi3v.prompt import PromptTokenizer

TEXTS = [
    "It shows a cat.",
    "Größe: 日本語で 🙂👩‍👩‍👧 — done\n\n  indented",
    "```python\n\tdef f(x):\n```",
    "  two spaces first",
    "🙂",
    "a \ufffd b",
]


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint_35) -> PromptTokenizer:
    return PromptTokenizer.from_folder(tiny_checkpoint_35)


def stream(tokenizer: PromptTokenizer, ids: list[int]) -> list[str]:
    decoder = StreamDecoder(tokenizer)
    return [*(decoder.push(i) for i in ids), decoder.flush()]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_make_the_whole(tokenizer, text):
    assert "".join(stream(tokenizer, tokenizer.plain(text))) == text


def test_a_character_comes_only_when_complete(tokenizer):
    ids = tokenizer.plain("🙂")
    assert len(ids) > 3
    pieces = stream(tokenizer, ids)
    assert [piece for piece in pieces if piece] == ["🙂"]


def test_the_tail_of_a_stopped_answer_is_given(tokenizer):
    ids = tokenizer.plain("ok 🙂")
    pieces = stream(tokenizer, ids[:-1])
    assert "".join(pieces).startswith("ok ")
    assert pieces[-1].endswith("\ufffd")


def test_only_half_a_character_is_held_and_no_control_token(tokenizer):
    decoder = StreamDecoder(tokenizer)
    for token_id in (*tokenizer.plain("ok"), tokenizer.control("<|end|>")):
        decoder.push(token_id)
    assert decoder.held == 0
    assert decoder.push(tokenizer.plain("🙂")[1]) == ""
    assert decoder.held > 0


def test_flushing_twice_gives_nothing_more(tokenizer):
    decoder = StreamDecoder(tokenizer)
    decoder.push(tokenizer.plain("🙂")[1])
    assert decoder.flush()
    assert decoder.flush() == ""


def test_bytes_that_are_no_text_spoil_only_themselves(tokenizer):
    chance = random.Random(1)
    for _ in range(200):
        broken = [chance.randrange(130, 259) for _ in range(8)]
        ids = tokenizer.plain("before") + broken + tokenizer.plain("after")
        text = "".join(stream(tokenizer, ids))
        assert text.startswith("before")
        assert text.endswith(" after")
