"""The systems on real models: the same questions, the same answers, and that these are checked."""

from dataclasses import replace

import pytest
import torch

from phi3v_tui import memory
from phi3v_tui.bench import baseline, inputs, ours, probes, tasks
from phi3v_tui.bench.inputs import Turn, converse, text
from phi3v_tui.bench.reference import Reference, shortfalls
from phi3v_tui.bench.schedule import TOLERANCE
from phi3v_tui.bench.systems import open_system
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import Phi3VForCausalLM, Phi3VImageProcessor, devices, quantize
from phi3v_tui.phi3v.prompt import PromptTokenizer
from phi3v_tui.phi3v.quantize import to_int8
from phi3v_tui.phi3v.weights import BUNDLED
from phi3v_tui.shapes import PUBLISHED

BOTH = ("transformers", "ours")


@pytest.fixture
def count(small):
    tokenizer = PromptTokenizer.from_folder(small)
    return lambda written: len(tokenizer.plain(written))


@pytest.fixture(scope="module")
def reference(small):
    model = Phi3VForCausalLM.from_pretrained(small, dtype=torch.float32).eval()
    images = Phi3VImageProcessor.from_pretrained(small)
    return Reference(model, PromptTokenizer.from_folder(small), images)


@pytest.mark.parametrize("name", inputs.CHECKED)
def test_both_give_the_same_answers_and_these_are_right(setup, count, reference, name):
    given = inputs.checked(name, count)
    theirs, mine = (converse(open_system(system, setup).ask, given) for system in BOTH)
    assert [one.token_ids for one in theirs] == [one.token_ids for one in mine]
    assert [one.prompt_tokens for one in theirs] == [one.prompt_tokens for one in mine]
    assert {len(one.token_ids) for one in theirs} == {given.answer}
    verdict = reference.check(given, mine)
    assert verdict.shortfall < 0.001
    assert verdict.tokens == given.answer * len(given.turns)


@pytest.mark.parametrize("name", ["chat", "switch"])
def test_answers_are_right_while_the_slot_grows(setup, count, reference, name):
    given = inputs.checked(name, count)
    opened = open_system("ours", replace(setup, first_slot=64))
    verdict = reference.check(given, converse(opened.ask, given))
    assert verdict.shortfall < 0.001
    assert (
        opened._engine._chat.plan.first_slot == 64 < opened._engine._chat.generator.cache.capacity
    )


def test_there_are_no_cuda_graphs_on_a_cpu(setup):
    with pytest.raises(ModelError, match="no CUDA graphs on cpu"):
        open_system("graphs", setup)


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), "the engine's own"]
)
def test_a_conversation_too_large_for_the_memory_leaves_the_others(count, error):
    if isinstance(error, str):
        room = memory.Room("cuda:0", 10**9, 2)
        planned = memory.plan(PUBLISHED, memory.Room("cuda:0", 10**11, 2))
        error = memory.OutOfMemory("No answer", PUBLISHED, room, planned)

    class Full:
        def ask(self, messages, tokens):
            raise error

    found = list(tasks._hold(Full(), inputs.checked("text", count)))
    assert found == [{"input": "text", "failed": "the memory is full"}]


def test_what_the_bandwidth_is_measured_with_fits(monkeypatch):
    monkeypatch.setattr(devices, "free_memory", lambda _: 40_000)
    sizes = []
    ones = torch.ones
    monkeypatch.setattr(torch, "ones", lambda n, **where: sizes.append(n) or ones(n, **where))
    threads = torch.get_num_threads()
    assert probes.bandwidth("cpu", 1) > 0
    torch.set_num_threads(threads)
    assert sizes == [2500]


def test_a_wrong_token_is_found(setup, count, reference):
    given = inputs.checked("chat", count)
    replies = converse(open_system("ours", setup).ask, given)
    ids = replies[-1].token_ids
    wrong = replace(replies[-1], token_ids=(*ids[:2], ids[2] + 1, *ids[3:]))
    verdict = reference.check(given, [*replies[:-1], wrong])
    assert verdict.shortfall > 0.5
    assert verdict.equal < verdict.tokens
    assert verdict.where[0] == len(given.turns)
    assert verdict.where[1] >= 3


def test_a_shortfall_is_counted_in_standard_deviations():
    logits = torch.tensor([[1.0, 3.0, -1.0], [0.0, 0.0, 6.0]])
    found = shortfalls(logits, (0, 2))
    assert found[0] == pytest.approx(1.0)  # two below the largest; the deviation is two
    assert found[1] == 0


def test_the_checked_switch_crosses_in_both_directions(setup, count):
    given = inputs.checked("switch", count)
    replies = converse(open_system("ours", setup).ask, given)
    first, second = (reply.prompt_tokens for reply in replies)
    assert first <= inputs.SWITCH < first + given.answer - 1
    assert second < inputs.SWITCH


def test_the_timed_inputs_have_the_lengths_that_they_promise(setup, count):
    system = open_system("ours", setup)
    lengths = {}
    for name in ("text", "switch"):
        given = replace(inputs.timed(name, count), answer=1)
        (lengths[name],) = (reply.prompt_tokens for reply in converse(system.ask, given))
    assert 60 <= lengths["text"] <= 64
    assert 3996 <= lengths["switch"] <= 4000


def test_no_prompt_finds_another_ones_start_in_the_cache(setup, count):
    system = open_system("ours", setup)
    system.ask(inputs.opening("Hello."), 3)
    for name in ("text", "picture", "chat"):
        first = converse(system.ask, replace(inputs.timed(name, count), answer=2))[0]
        assert first.reused_tokens <= 5


def test_turns_that_are_given_up_are_not_part_of_the_prompt():
    asked = []

    def ask(messages, tokens):
        asked.append([message.text for message in messages])
        return inputs.Reply(f"r{len(asked)}", (), 0, 0, 0, 0.0, 0.0)

    turns = (Turn("a"), Turn("b"), Turn("c", after=1), Turn("d", after=0))
    converse(ask, inputs.Input("any", turns, 1))
    assert asked == [["a"], ["a", "r1", "b"], ["a", "r1", "c"], ["d"]]


@pytest.mark.parametrize("system", BOTH)
def test_stop_tokens_end_no_answer_and_are_part_of_it(setup, system):
    """The bundled model is done with this one after a few words."""
    opened = open_system(system, replace(setup, folder=BUNDLED))
    question = inputs.opening("What are you?")
    ids = opened.ask(question, 60).token_ids
    assert len(ids) == 60
    stops = PromptTokenizer.from_folder(BUNDLED).stop_ids()
    first = next(place for place, token_id in enumerate(ids, 1) if token_id in stops)
    assert opened.ask(question, first).token_ids == ids[:first]


@pytest.mark.parametrize("reading", [True, False])
@pytest.mark.parametrize("system", BOTH)
def test_a_cancel_ends_it(setup, count, monkeypatch, system, reading):
    module = {"transformers": baseline, "ours": ours}[system]
    monkeypatch.setattr(module, "CANCEL_LIMIT", 50_000)
    opened = open_system(system, setup)
    question = inputs.opening(text(300, count, seed=1))
    assert 0 < opened.cancel(question, reading) < 30
    assert len(opened.ask(question, 2).token_ids) == 2


def test_a_failure_in_the_thread_of_generate_is_raised(setup, monkeypatch):
    opened = open_system("transformers", setup)
    monkeypatch.setattr(Phi3VForCausalLM, "generate", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        opened.ask(inputs.opening("Hello."), 2)


@pytest.mark.parametrize("name", ["text", "chat"])
def test_int8_answers_within_its_tolerance_and_not_exactly(setup, count, reference, name):
    given = inputs.checked(name, count)
    verdict = reference.check(given, converse(open_system("int8", setup).ask, given))
    assert 0 < verdict.shortfall <= TOLERANCE["int8"]


def scales_of_other_rows(weight):
    codes, scale = to_int8(weight)
    return codes, scale.roll(1)


def one_scale_for_all_rows(weight):
    codes, scale = to_int8(weight)
    return codes, scale.float().mean().to(scale.dtype).expand_as(scale).contiguous()


def codes_of_the_wrong_axis(weight):
    """Quantised by columns, and read as if it had been by rows."""
    codes, _ = to_int8(weight.T.contiguous())
    return codes.T.contiguous(), to_int8(weight)[1]


def six_bits(weight):
    codes, scale = to_int8(weight)
    return (codes & ~3).to(codes.dtype), scale


BROKEN = (scales_of_other_rows, one_scale_for_all_rows, codes_of_the_wrong_axis)


@pytest.mark.parametrize(
    ("is_bundled", "broken"),
    # To the bundled model, which is trained, six bits are as good as eight.
    [(False, six_bits), *((is_bundled, one) for is_bundled in (False, True) for one in BROKEN)],
)
def test_a_broken_int8_is_found_out(setup, small, monkeypatch, is_bundled, broken):
    setup = replace(setup, folder=BUNDLED if is_bundled else small)
    model = Phi3VForCausalLM.from_pretrained(setup.folder, dtype=torch.float32).eval()
    tokenizer = PromptTokenizer.from_folder(setup.folder)
    images = Phi3VImageProcessor.from_pretrained(setup.folder)
    reference = Reference(model, tokenizer, images)
    monkeypatch.setattr(quantize, "to_int8", broken)
    system = open_system("int8", setup)
    worst = 0.0
    for name in ("text", "picture", "chat"):
        given = inputs.checked(name, lambda written: len(tokenizer.plain(written)))
        worst = max(worst, reference.check(given, converse(system.ask, given)).shortfall)
    assert worst > TOLERANCE["int8"]


def test_real_crops_and_padding_give_the_same_features(setup):
    found = probes.encodings(setup, repeats=1)
    assert [(one.shape, one.crops, one.padded_crops) for one in found] == [
        ("16:9", 5, 5),
        ("4:3", 5, 5),
        ("2:1", 3, 5),
    ]
    assert all(one.difference < 0.001 for one in found)
    assert all(one.real > 0 for one in found)
