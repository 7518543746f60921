"""Every way to run decode steps gives the tokens of a fresh forward pass.

The ways: exact attention lengths, buckets, graphs that are captured and replayed, and steps
launched before the last token is read.
"""

from collections.abc import Callable

import pytest
import torch

from phi3v_tui.phi3v.generation import Ending, Generation
from phi3v_tui.phi3v.prompt import Prompt
from phi3v_tui.phi3v.sampling import Sampler
from phi3v_tui.phi3v.stepper import rounded
from tests.support.generation_bench import (
    NUM_CROPS,
    SWITCH,
    WIDE,
    Bench,
    answer,
    picture_prompt,
    random_prompt,
    user,
)
from tests.support.recorded_graph import Recorder
from tests.support.tiny_checkpoint import TINY_35

PATHS: dict[str, Callable[[], dict[str, object]]] = {
    "exact": lambda: {"bucket": 1},
    "buckets": lambda: {"bucket": 64},
    "ahead": lambda: {"bucket": 1, "lookahead": True},
    "graphs": lambda: {"bucket": 64, "capture": Recorder()},
    "graphs ahead": lambda: {"bucket": 64, "capture": Recorder(), "lookahead": True},
}
GRAPHS = "graphs ahead"


@pytest.fixture(params=PATHS)
def path(request):
    return request.param


@pytest.fixture
def bench(load, checkpoint):
    def make(path: str, **options) -> Bench:
        return Bench.of(load(TINY_35), checkpoint(TINY_35), **PATHS[path](), **options)

    return make


def contents(b: Bench) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """What the slot holds."""
    cache = b.generator.cache
    held = cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]
    return list(cache.tokens), *(tensor.clone() for tensor in held)


def assert_slot_is_what_its_tokens_say(b: Bench, prompt: Prompt, made: list[int]) -> None:
    """Compare with a slot that another generator filled in one prefill."""
    tokens, keys, values = contents(b)
    length = len(tokens)
    ids = [*prompt.ids, *made][:length]
    whole = Prompt((*ids, 5), prompt.pictures)
    assert tokens == whole.keys(NUM_CROPS)[:length]
    fresh = Bench.of(b.model, b.folder, bucket=1)
    fresh.run(fresh.begin(whole, most=1))
    _, fresh_keys, fresh_values = contents(fresh)
    assert torch.allclose(keys, fresh_keys[:, :, :length], atol=1e-4)
    assert torch.allclose(values, fresh_values[:, :, :length], atol=1e-4)


def test_a_conversation(bench, path):
    b = bench(path)
    first = b.prompt(user("What is it?", WIDE))
    ids = b.run(b.begin(first))
    assert ids == b.fresh(first, ids)
    again = b.begin(first)
    assert b.run(again) == ids
    assert again.prefilled == 1
    follow_up = b.prompt(user("What is it?", WIDE), answer(b, ids), user("Why?"))
    assert b.run_and_check(follow_up).reused == len(first.ids) + len(ids) - 1
    edited = b.prompt(user("Name the colours.", WIDE))
    assert b.run_and_check(edited).reused >= edited.pictures[0].end


@pytest.mark.parametrize("chunk", [29, 256])
def test_chunks_do_not_matter(bench, path, chunk):
    b = bench(path, chunk=chunk)
    b.run_and_check(b.prompt(user("What is it?", WIDE)), most=4)


def test_over_the_switch_and_back(bench, path):
    b = bench(path, chunk=1024)
    prompt = picture_prompt(b, SWITCH - 3)
    crossing = b.run_and_check(prompt, most=9)
    assert crossing.prefilled == SWITCH - 3 + SWITCH + 1
    back = b.run_and_check(Prompt(prompt.ids[:900], prompt.pictures), most=4)
    assert (back.reused, back.prefilled, back.crops_encoded) == (0, 900, 0)


@pytest.mark.parametrize("steps", range(6))
def test_cancelled_at_any_token_the_slot_can_be_used(bench, path, steps):
    b = bench(path)
    prompt, made = random_prompt(60), []
    generation = b.begin(prompt, most=100)
    # Before the tokens of the answer, and then between any two.
    generation.cancelled = lambda: len(made) == steps
    for token in b.generator.generate(generation):
        made.append(token)
    assert generation.ending is Ending.CANCELLED
    assert len(made) == steps
    assert_slot_is_what_its_tokens_say(b, prompt, made)
    b.run_and_check(Prompt((*prompt.ids, *made, 9)))


def test_an_answer_left_halfway_leaves_a_slot_that_can_be_used(bench, path):
    b = bench(path)
    prompt = random_prompt(60)
    answer_ = b.generator.generate(b.begin(prompt, most=100))
    made = [next(answer_) for _ in range(3)]
    answer_.close()
    assert_slot_is_what_its_tokens_say(b, prompt, made)
    b.run_and_check(Prompt((*prompt.ids, *made, 9)))


@pytest.mark.parametrize("most", [1, 2, 7])
def test_after_the_longest_answer(bench, path, most):
    b = bench(path)
    prompt = random_prompt(60)
    generation = b.begin(prompt, most)
    made = b.run(generation)
    assert generation.ending is Ending.LENGTH
    assert_slot_is_what_its_tokens_say(b, prompt, made)
    assert b.generator.cache.length == 60 + most - 1


def test_after_a_stop_token(bench, path):
    prompt = random_prompt(20)
    ids = bench("exact").run(bench("exact").begin(prompt))
    b = bench(path, stop_ids=frozenset({ids[3]}))
    generation = b.begin(prompt)
    made = b.run(generation)
    assert made == ids[: ids.index(ids[3])]
    assert generation.ending is Ending.STOP
    assert_slot_is_what_its_tokens_say(b, prompt, made)
    assert b.generator.cache.length == 20 + len(made)


def test_a_full_context(bench, path):
    b = bench(path, context_length=25)
    prompt = random_prompt(20)
    generation = b.begin(prompt, most=100)
    assert len(b.run(generation)) == 5
    assert generation.ending is Ending.CONTEXT
    assert b.generator.cache.capacity == 25


def test_the_slot_grows_while_generating(bench, path):
    b = bench(path, first_slot=16)
    prompt = random_prompt(14)
    ids = b.run(b.begin(prompt, most=24))
    assert ids == b.fresh(prompt, ids)
    assert b.generator.cache.capacity == 64
    assert_slot_is_what_its_tokens_say(b, prompt, ids)


@pytest.mark.parametrize("choice", [{"temperature": 1.5}, {"temperature": 1.5, "top_p": 0.9}])
def test_a_seed_gives_the_same_tokens_on_every_path(bench, path, choice):
    def sample(b: Bench, seed: int) -> list[int]:
        return b.run(Generation(random_prompt(20), Sampler(seed=seed, **choice), 8, NUM_CROPS))

    plain, b = bench("exact"), bench(path)
    assert [sample(b, seed) for seed in (1, 2, 1)] == [sample(plain, seed) for seed in (1, 2, 1)]
    assert sample(b, 1) != sample(b, 2)


def test_one_graph_serves_all_answers_of_its_shape(bench):
    b = bench(GRAPHS)
    recorder = b.generator.capture
    for temperature in (0.7, 1.5, 0.7):
        sampler = Sampler(temperature=temperature, seed=3)
        b.run(Generation(random_prompt(20), sampler, 8, NUM_CROPS))
    assert len(recorder.captures) == 1
    b.run_and_check(random_prompt(20))
    assert len(recorder.captures) == 2


def test_a_graph_for_each_bucket(bench):
    b = bench(GRAPHS)
    b.run_and_check(random_prompt(60), most=80)
    # Lengths 61 to 139, in steps of 64.
    assert len(b.generator.capture.captures) == 3


def test_graphs_outlive_the_switch(bench):
    b = bench(GRAPHS, chunk=1024)
    b.run_and_check(random_prompt(SWITCH + 5), most=4)
    b.run_and_check(random_prompt(20), most=4)
    b.run_and_check(random_prompt(SWITCH + 5), most=4)
    assert len(b.generator.capture.captures) == 2


def test_graphs_go_when_the_slot_grows(bench):
    b = bench(GRAPHS, first_slot=64)
    b.run_and_check(random_prompt(20), most=8)
    assert len(b.generator.capture.captures) == 1
    b.run(b.begin(random_prompt(70), most=1))
    assert b.generator.cache.capacity == 128
    # The same shape as before; its graph would write into the old slot.
    b.run_and_check(random_prompt(20, seed=6), most=8)
    assert len(b.generator.capture.captures) == 2


def test_warming_up_leaves_the_conversation_alone_and_nothing_to_capture(bench):
    b = bench(GRAPHS)
    prompt = random_prompt(60)
    ids = b.run(b.begin(prompt))
    before = contents(b)
    b.generator.warm_up(lambda: True, tokens=200)
    after = contents(b)
    assert before[0] == after[0]
    assert torch.equal(before[1], after[1])
    assert torch.equal(before[2], after[2])
    captured = len(b.generator.capture.captures)
    assert captured > 2
    b.run_and_check(Prompt((*prompt.ids, *ids, 5)), most=100)
    assert len(b.generator.capture.captures) == captured


def test_warming_up_amid_a_prompt_leaves_what_was_read_of_it_alone(bench):
    b = bench(GRAPHS, chunk=29)
    b.run(b.begin(random_prompt(20)))
    stopped = b.begin(random_prompt(200))
    stopped.cancelled = lambda: b.generator.cache.length > 100
    b.run(stopped)
    before = contents(b)
    b.generator.warm_up(lambda: True, tokens=100)
    assert torch.equal(before[1], contents(b)[1])
    assert torch.equal(before[2], contents(b)[2])


def test_warming_up_ends_when_something_else_is_to_be_done(bench):
    b = bench(GRAPHS)
    recorder = b.generator.capture
    b.generator.warm_up(lambda: len(recorder.captures) < 2)
    assert len(recorder.captures) == 2


@pytest.mark.parametrize("length", [24, 25])
def test_a_full_slot_is_not_warmed_up(bench, length):
    b = bench(GRAPHS, context_length=25)
    b.run(b.begin(random_prompt(length), most=100))
    b.generator.cache.tokens += [1] * (25 - b.generator.cache.length)
    before = contents(b)
    b.generator.warm_up(lambda: True)
    assert torch.equal(before[1], contents(b)[1])


def test_no_step_is_launched_in_vain_before_the_end(bench, monkeypatch):
    b = bench("ahead")
    launched = []
    launch = b.generator._launch
    monkeypatch.setattr(
        b.generator, "_launch", lambda *args: launched.append(args) or launch(*args)
    )
    b.run_and_check(random_prompt(20), most=5)
    assert len(launched) == 4


@pytest.mark.parametrize(
    ("length", "bucket"),
    [(1, 256), (256, 256), (257, 512), (2048, 2048), (4097, 4608), (40000, 40960)],
)
def test_buckets_get_wider(length, bucket):
    assert rounded(length, 256) == bucket


def test_where_capturing_fails_the_answers_come_all_the_same(bench, caplog):
    def fail(step: Callable[[], None]) -> None:
        step()
        raise RuntimeError("operation not permitted when stream is capturing")

    b = bench("buckets", capture=fail)
    b.run_and_check(random_prompt(20))
    assert [record.message for record in caplog.records] == ["Decode steps run without CUDA graphs"]
