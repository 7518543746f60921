"""Packed training sequences equal the prompts that the app makes of the same conversations."""

import random

import pytest
import torch
from tokenizers import Tokenizer

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import image_tokens
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.demo.album import album_item
from phi3v_tui.demo.comparisons import compare_item
from phi3v_tui.demo.curriculum import MAKERS
from phi3v_tui.demo.drawing import CHARACTER_ID, CROP, Labels, cut_into
from phi3v_tui.demo.exam_question import png
from phi3v_tui.demo.packing import DECISIVE_WEIGHT, IGNORED, IMAGE, block_mask, pack
from phi3v_tui.demo.pages import note_item
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
    return batch.ids[row][block_mask(batch.chain)[row, start]].tolist()


def rendered(item, chain, tokenizer: Tokenizer, turns: int, num_crops: int) -> list[int]:
    """The app's prompt for the same conversation up to its last question."""

    def tokens_of(attachment: Attachment) -> int:
        return image_tokens(attachment.width, attachment.height, num_crops, CROP)

    arrived, messages = 0, []
    for i, turn in enumerate(chain[:turns]):
        count = turn.new_pictures + (item.shared if i == 0 else 0)
        pictures = item.pictures[arrived : arrived + count]
        arrived += count
        files = tuple(Attachment.from_bytes(png(p), "p.png", "test") for p in pictures)
        messages.append(Message(Role.USER, turn.question, files))
        messages.append(Message(Role.ASSISTANT, turn.answer.text))
    prompt = render(messages[:-1], PromptTokenizer(tokenizer.to_str()), tokens_of)
    return [IMAGE if i < 0 else i for i in prompt.ids]


@pytest.mark.parametrize("num_crops", [1, 4])
@pytest.mark.parametrize("make", [follow_up_item, compare_item, talk_item, album_item])
def test_prompts_equal_the_app_s(make, num_crops: int, tokenizer: Tokenizer) -> None:
    for seed in range(4):
        with cut_into(num_crops):
            item = make(random.Random(seed), False)
        batch = pack([item], tokenizer)
        turn_number = 0
        for number, chain in enumerate(item.chains, 1):
            for turns in range(1, len(chain) + 1):
                turn_number += 1
                seen = packed_chain(batch, 0, number, turn_number)
                assert seen == rendered(item, chain, tokenizer, turns, num_crops)


def test_positions_count_what_is_seen(tokenizer: Tokenizer) -> None:
    batch = pack([follow_up_item(random.Random(1), False)], tokenizer)
    seen = block_mask(batch.chain)[0].sum(-1) - 1
    is_said = batch.chain[0] >= 0
    assert torch.equal(seen[is_said], batch.positions[0][is_said])


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


@pytest.mark.parametrize("num_crops", [1, 4])
def test_supervised_attention_looks_only_at_what_it_may_see(
    num_crops: int, tokenizer: Tokenizer
) -> None:
    with cut_into(num_crops):
        items = [album_item(random.Random(3), False), compare_item(random.Random(3), False)]
    batch = pack(items, tokenizer)
    allowed = block_mask(batch.chain)
    assert len(batch.rows)
    for (row, position), wanted in zip(batch.rows.tolist(), batch.wanted, strict=True):
        assert wanted.any()
        seen = batch.ids[row][wanted] == IMAGE
        assert seen.all() or not seen.any()
        assert allowed[row, position][wanted].all()


@pytest.mark.parametrize("num_crops", [1, 4])
def test_the_tokens_to_look_at_show_what_is_said(num_crops: int, tokenizer: Tokenizer) -> None:
    """Laid out like the model's tokens, a picture's labels say there what the answer says."""
    with cut_into(num_crops):
        item = note_item(random.Random(4), False)
    batch, picture = pack([item], tokenizer), item.pictures[0]
    start = int((batch.ids[0] == IMAGE).nonzero()[0])
    shown = [*_lines(picture.labels), set(), *_lines(picture.overview)]
    answer = item.chains[0][0].answer
    looked = [wanted.nonzero().flatten() - start for wanted in batch.wanted]
    said = [answer.text[span.start] for span in answer.spans]
    assert len(said) == len(looked)
    for character, places in zip(said, looked, strict=True):
        if character != " ":
            assert len(places) == 2
            assert CHARACTER_ID[character] in shown[places[0]]
            assert places[1] > 8 * picture.grid.rows * (8 * picture.grid.cols + 1)


def _lines(labels: Labels) -> list[set[int]]:
    """Characters of the cells line by line, each line with its end."""
    return [
        cell for row in labels.characters() for cell in (*(set(c.tolist()) for c in row), set())
    ]
