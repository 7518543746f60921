"""What is generated equals a fresh forward pass over everything, whatever was kept or dropped.

Tokens are compared, and so is the work: how many tokens were prefilled, how many crops encoded.
"""

import pytest
import torch

from phi3v_tui.phi3v.generation import Ending, Generation
from phi3v_tui.phi3v.kv_cache import PictureCache
from phi3v_tui.phi3v.prompt import Prompt
from phi3v_tui.phi3v.sampling import Sampler
from tests.support.generation_bench import (
    NUM_CROPS,
    SWITCH,
    TALL,
    WIDE,
    Bench,
    answer,
    picture_prompt,
    random_prompt,
    user,
)
from tests.support.goldens import MODELS, cases, unroll
from tests.support.tiny_checkpoint import TINY_3, TINY_35

CROPS = {1: 1, 4: 5}  # of WIDE and TALL, by num_crops: one crop alone equals the global view


@pytest.fixture(scope="module")
def bench(load, checkpoint):
    def make(tiny=TINY_35, **options) -> Bench:
        return Bench.of(load(tiny), checkpoint(tiny), **options)

    return make


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
@pytest.mark.parametrize("name", ["text_only", "three_turns_text"])
def test_greedy_tokens_equal_the_reference(bench, tiny, name):
    case = cases(tiny)[name]
    b = bench(tiny, stop_ids=frozenset({32000}))
    prompt = Prompt(tuple(unroll(case["input_ids_rle"])))
    assert b.run(b.begin(prompt, 24)) == case["generate_24"]


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_pictures_equal_the_reference(bench, tiny):
    case = cases(tiny)["two_images"]
    num_crops = 16 if tiny is TINY_3 else 4
    b = bench(tiny)
    prompt = b.prompt(user("Compare the two images.", *case["images"]), num_crops=num_crops)
    assert list(prompt.ids) == unroll(case["input_ids_rle"])
    generation = b.begin(prompt, 24, num_crops)
    assert b.run(generation) == case["generate_24"]


@pytest.mark.parametrize("chunk", [1, 37, 1000])
def test_chunked_prefill_is_equal(bench, chunk):
    b = bench(chunk=chunk)
    generation = b.run_and_check(b.prompt(user("What is it?", WIDE)))
    assert generation.prefilled == len(generation.prompt.ids)


def test_a_follow_up_prefills_only_itself(bench):
    b = bench()
    first = b.prompt(user("What is it?", WIDE))
    ids = b.run(b.begin(first))
    later = b.prompt(user("What is it?", WIDE), answer(b, ids), user("Why?"))
    generation = b.run_and_check(later)
    # The last token made was never fed: it comes with the new turn.
    assert generation.reused == len(first.ids) + len(ids) - 1
    assert generation.prefilled == len(later.ids) - generation.reused
    assert generation.prefilled == 13
    assert generation.crops_encoded == 0


def test_regenerating_prefills_one_token(bench):
    b = bench()
    prompt = b.prompt(user("What is it?", WIDE))
    first = b.run(b.begin(prompt))
    again = b.begin(prompt)
    assert b.run(again) == first
    assert (again.reused, again.prefilled, again.crops_encoded) == (len(prompt.ids) - 1, 1, 0)


def test_an_edit_keeps_what_came_before_it(bench):
    b = bench()
    b.run(b.begin(b.prompt(user("What is it?", WIDE))))
    edited = b.prompt(user("Name the colours.", WIDE))
    generation = b.run_and_check(edited)
    assert generation.reused >= edited.pictures[0].end
    assert generation.prefilled == len(edited.ids) - generation.reused
    assert generation.crops_encoded == 0


def test_an_edit_before_a_picture_uses_its_features_again(bench):
    b = bench()
    b.run(b.begin(b.prompt(user("Hello"), user("What?", WIDE))))
    generation = b.run_and_check(b.prompt(user("Goodbye"), user("What?", WIDE)))
    assert generation.reused < 10
    assert generation.crops_encoded == 0


def test_a_second_picture_is_the_only_one_encoded(bench):
    b = bench()
    first = b.prompt(user("What?", WIDE), num_crops=4)
    ids = b.run(b.begin(first, num_crops=4))
    both = b.prompt(user("What?", WIDE), answer(b, ids), user("And this?", TALL), num_crops=4)
    generation = b.run_and_check(both, num_crops=4)
    assert generation.reused == len(first.ids) + len(ids) - 1
    assert generation.crops_encoded == CROPS[4]


@pytest.mark.parametrize("num_crops", CROPS)
def test_crops_are_counted_as_the_tower_sees_them(bench, monkeypatch, num_crops):
    b = bench()
    embedding, seen = b.model.model.vision_embed_tokens, []
    encode = embedding.encode_crops
    monkeypatch.setattr(
        embedding, "encode_crops", lambda crops: seen.extend(crops) or encode(crops)
    )
    generation = b.begin(b.prompt(user("?", WIDE, TALL), num_crops=num_crops), num_crops=num_crops)
    b.run(generation)
    assert generation.crops_encoded == len(seen) == 2 * CROPS[num_crops]


def test_another_picture_of_the_same_size_is_not_mistaken(bench):
    b = bench()
    one = b.prompt(user("What?", WIDE))
    other = b.prompt(user("What?", TALL))
    assert one.ids == other.ids
    b.run(b.begin(one))
    generation = b.run_and_check(other)
    assert generation.reused == one.pictures[0].start
    assert generation.crops_encoded == CROPS[1]


def test_more_crops_encode_again(bench):
    b = bench()
    b.run(b.begin(b.prompt(user("What?", WIDE))))
    generation = b.run_and_check(b.prompt(user("What?", WIDE), num_crops=4), num_crops=4)
    assert generation.crops_encoded == CROPS[4]


def test_removing_a_turn_uses_the_rest(bench):
    b = bench()
    first = b.prompt(user("What?", WIDE))
    ids = b.run(b.begin(first))
    b.run(b.begin(b.prompt(user("What?", WIDE), answer(b, ids), user("Why?"))))
    generation = b.run_and_check(first)
    assert (generation.reused, generation.prefilled) == (len(first.ids) - 1, 1)


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_crossing_the_switch_while_generating(bench, tiny):
    b = bench(tiny, chunk=1024)
    notes = []
    generation = b.begin(picture_prompt(b, SWITCH - 3), most=9)
    generation.on_prefill = lambda *counts: notes.append(counts)
    ids = b.run(generation)
    assert ids == b.fresh(generation.prompt, ids)
    # 4093 tokens, three more one by one, then all 4097 again under the other factors.
    assert generation.prefilled == SWITCH - 3 + SWITCH + 1
    assert generation.crops_encoded == CROPS[1]
    assert {switched for *_, switched in notes} == {False, True}


def test_crossing_equals_the_reference_without_a_cache(bench):
    for tiny in MODELS:
        case = cases(tiny)["long_4096"]
        truth = case.get("no_cache_greedy") or case["generate_24"]
        b = bench(tiny, chunk=1024)
        assert b.run(b.begin(random_prompt(4096), len(truth))) == truth


def test_a_prompt_past_the_switch_drops_the_slot(bench):
    b = bench(chunk=1024)
    short = picture_prompt(b, SWITCH)
    b.run(b.begin(short, most=1))
    long = Prompt((*short.ids, 7, 8, 9), short.pictures)
    generation = b.run_and_check(long, most=4)
    assert (generation.reused, generation.prefilled) == (0, len(long.ids))
    assert generation.crops_encoded == 0


def test_going_back_below_the_switch_drops_the_slot(bench):
    b = bench(chunk=1024)
    long = picture_prompt(b, SWITCH + 5)
    b.run(b.begin(long, most=2))
    short = Prompt(long.ids[:1000], long.pictures)
    generation = b.run_and_check(short, most=4)
    assert (generation.reused, generation.prefilled) == (0, 1000)
    assert generation.crops_encoded == 0


def test_past_the_switch_turns_are_reused_too(bench):
    b = bench(chunk=1024)
    prompt = picture_prompt(b, SWITCH + 5)
    b.run(b.begin(prompt, most=1))
    more = Prompt((*prompt.ids, 11, 12), prompt.pictures)
    generation = b.run_and_check(more, most=4)
    assert (generation.reused, generation.prefilled) == (len(prompt.ids), 2)


def test_the_slot_grows_and_keeps_what_it_holds(bench):
    b = bench(first_slot=16)
    prompt = random_prompt(14)
    ids = b.run(b.begin(prompt, most=12))
    assert ids == b.fresh(prompt, ids)
    assert b.generator.cache.capacity == 32
    again = b.begin(Prompt((*prompt.ids, *ids, 5)))
    assert b.run(again) == b.fresh(again.prompt, b.run(b.begin(again.prompt)))
    assert again.reused == 14 + 12 - 1


def test_cancelling_prefill_keeps_the_chunks_done(bench):
    b = bench(chunk=100)
    prompt = random_prompt(1000)
    stopped = b.begin(prompt)
    done = []
    stopped.on_prefill = lambda count, *_: done.append(count)
    stopped.cancelled = lambda: len(done) > 3
    assert b.run(stopped) == []
    assert stopped.ending is Ending.CANCELLED
    assert stopped.prefilled == 300
    generation = b.run_and_check(prompt)
    assert (generation.reused, generation.prefilled) == (300, 700)


def test_cancelling_is_heard_within_one_token(bench):
    b = bench()
    prompt = random_prompt(50)
    generation = b.begin(prompt, most=100)
    made = []
    generation.cancelled = lambda: len(made) == 5
    for token in b.generator.generate(generation):
        made.append(token)
    assert len(made) == 5
    assert generation.ending is Ending.CANCELLED
    follow_up = b.run_and_check(Prompt((*prompt.ids, *made, 9)))
    assert follow_up.reused == 50 + 4


def test_cancelling_is_heard_between_crops(bench):
    b = bench()
    asked = []
    generation = b.begin(b.prompt(user("What?", WIDE), num_crops=4), num_crops=4)
    generation.cancelled = lambda: len(asked) == 2 or asked.append(1)
    assert b.run(generation) == []
    assert generation.ending is Ending.CANCELLED
    assert generation.crops_encoded == 1
    assert b.generator.cache.length == 0
    b.run_and_check(generation.prompt, num_crops=4)


def test_a_failure_leaves_a_slot_that_can_be_used(bench, monkeypatch):
    b = bench(chunk=100)
    prompt = picture_prompt(b, 1000)
    later = Prompt((*random_prompt(150, seed=7).ids, *prompt.ids), ())
    b.run(b.begin(Prompt(later.ids[:150])))

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(b.generator.pictures, "encode", fail)
        with pytest.raises(RuntimeError):
            b.run(b.begin(prompt))
    b.run_and_check(prompt)


def test_a_stop_token_ends_and_is_not_given(bench):
    b = bench()
    prompt = random_prompt(20)
    ids = b.run(b.begin(prompt))
    stopping = bench(stop_ids=frozenset({ids[3]}))
    generation = stopping.begin(prompt)
    assert stopping.run(generation) == ids[: ids.index(ids[3])]
    assert generation.ending is Ending.STOP


def test_the_longest_answer_ends(bench):
    b = bench()
    generation = b.begin(random_prompt(20), most=3)
    assert len(b.run(generation)) == 3
    assert generation.ending is Ending.LENGTH


def test_a_full_context_ends(bench):
    b = bench(context_length=25)
    generation = b.begin(random_prompt(20), most=100)
    assert len(b.run(generation)) == 5
    assert generation.ending is Ending.CONTEXT
    assert b.generator.cache.capacity == 25


def test_features_are_encoded_again_once_dropped(bench):
    b = bench(features=PictureCache(max_bytes=1))
    b.run(b.begin(b.prompt(user("What?", WIDE, TALL))))
    generation = b.run_and_check(b.prompt(user("So?"), user("What?", WIDE, TALL)))
    assert generation.crops_encoded == 2 * CROPS[1]


def test_a_seed_makes_sampling_repeatable(bench):
    b = bench()

    def sample(seed: int) -> list[int]:
        sampler = Sampler(temperature=1.5, top_p=0.9, seed=seed)
        return b.run(Generation(random_prompt(20), sampler, 8, NUM_CROPS))

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_on_a_cpu_the_vocabulary_is_sorted_only_for_wide_choices(bench, monkeypatch):
    b, sorted_by = bench(), []
    sort = torch.Tensor.sort

    def noted(*arguments: object, **options: object) -> object:
        sorted_by.append(arguments)
        return sort(*arguments, **options)

    monkeypatch.setattr(torch.Tensor, "sort", noted)
    for temperature in (0.05, 100.0):
        sampler = Sampler(temperature, top_p=0.9, seed=1)
        assert len(b.run(Generation(random_prompt(20), sampler, 5, NUM_CROPS))) == 5
        assert len(sorted_by) == (0 if temperature < 1 else 5)
