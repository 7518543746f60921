"""Packed training sequences equal the prompts that the app makes of the same conversations."""

import random

import pytest
import torch
from tokenizers import Tokenizer

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.demo.album import album_item
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.curriculum import MAKERS
from phi3v_tui.demo.exam_question import png
from phi3v_tui.demo.network import IMAGE_TOKENS
from phi3v_tui.demo.packing import DECISIVE_WEIGHT, IGNORED, IMAGE, pack
from phi3v_tui.demo.scene_questions import follow_up_item
from phi3v_tui.demo.talk import talk_item
from phi3v_tui.demo.tokenizer import build_tokenizer
from phi3v_tui.phi3v.prompt import PromptTokenizer, render


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_tokenizer(samples=20)


def packed_chain(batch, row: int, chain: int, first_turn: int) -> list[int]:
    """Ids that the first answer token of a turn can see: the prompt, as the model gets it."""
    start = int((batch.turn_of[row] == first_turn).nonzero()[0])
    return batch.ids[row][batch.allowed[row, start]].tolist()


def rendered(item, chain, tokenizer: Tokenizer, turns: int) -> list[int]:
    """The app's prompt for the same conversation up to its last question."""
    arrived, messages = 0, []
    for i, turn in enumerate(chain[:turns]):
        count = turn.new_pictures + (item.shared if i == 0 else 0)
        pictures = item.pictures[arrived : arrived + count]
        arrived += count
        files = tuple(Attachment.from_bytes(png(p), "p.png", "test") for p in pictures)
        messages.append(Message(Role.USER, turn.question, files))
        messages.append(Message(Role.ASSISTANT, turn.answer.text))
    prompt = render(
        messages[:-1], PromptTokenizer(tokenizer.to_str()), lambda attachment: IMAGE_TOKENS
    )
    return [IMAGE if i < 0 else i for i in prompt.ids]


@pytest.mark.parametrize("make", [follow_up_item, compare_item, talk_item, album_item])
def test_prompts_equal_the_app_s(make, tokenizer: Tokenizer) -> None:
    for seed in range(4):
        item = make(random.Random(seed), False)
        batch = pack([item], tokenizer)
        turn_number = 0
        for number, chain in enumerate(item.chains, 1):
            for turns in range(1, len(chain) + 1):
                turn_number += 1
                seen = packed_chain(batch, 0, number, turn_number)
                assert seen == rendered(item, chain, tokenizer, turns)


def test_positions_count_what_is_seen(tokenizer: Tokenizer) -> None:
    batch = pack([follow_up_item(random.Random(1), False)], tokenizer)
    seen = batch.allowed[0].sum(-1) - 1
    assert torch.equal(seen, batch.positions[0])


def test_answers_end_in_both_stop_tokens(tokenizer: Tokenizer) -> None:
    batch = pack([MAKERS["scene"](random.Random(2), False)], tokenizer)
    end, end_of_text = tokenizer.encode("<|end|><|endoftext|>", add_special_tokens=False).ids
    for turn, said in enumerate(batch.turns[0], 1):
        targets = batch.targets[0][batch.turn_of[0] == turn].tolist()
        assert targets[-2:] == [end, end_of_text]
        assert tokenizer.decode(targets[:-2]) == said.answer.text


def test_only_answers_are_learnt(tokenizer: Tokenizer) -> None:
    batch = pack([MAKERS["chart"](random.Random(2), False)], tokenizer)
    known = batch.targets != IGNORED
    assert torch.equal(known, batch.turn_of > 0)
    # Where the next token is part of the same answer, it is the target.
    next_ids = batch.ids[:, 1:][known[:, :-1] & (batch.targets[:, :-1] > 7)]
    targets = batch.targets[:, :-1][known[:, :-1] & (batch.targets[:, :-1] > 7)]
    assert torch.equal(next_ids, targets)


def test_a_verdict_looks_at_the_words_it_follows_from_and_counts_more(
    tokenizer: Tokenizer,
) -> None:
    batch = pack([compare_item(random.Random(1), False)], tokenizer)
    same = tokenizer.token_to_id(" same")
    verdicts = 0
    for (row, position), wanted in zip(batch.rows.tolist(), batch.wanted, strict=True):
        words = batch.ids[row][wanted]
        if batch.targets[row, position] == same and (words != IMAGE).all():
            verdicts += 1
            assert wanted.nonzero().max() <= position
            assert batch.weights[row, position] == DECISIVE_WEIGHT
    assert verdicts
    assert batch.weights.min() == 1


def test_supervised_attention_looks_only_at_what_it_may_see(tokenizer: Tokenizer) -> None:
    items = [album_item(random.Random(3), False), compare_item(random.Random(3), False)]
    batch = pack(items, tokenizer)
    assert len(batch.rows)
    for (row, position), wanted in zip(batch.rows.tolist(), batch.wanted, strict=True):
        assert wanted.any()
        seen = batch.ids[row][wanted] == IMAGE
        assert seen.all() or not seen.any()
        assert batch.allowed[row, position][wanted].all()
