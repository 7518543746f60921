"""Arithmetic of memory: against the shapes of the published checkpoints, and for known cards."""

import json
import math

import pytest

from phi3v_tui.memory import WORKING_MEMORY, DoesNotFit, Room, longest_context, needed, plan
from phi3v_tui.shapes import PUBLISHED, Quantization, Shapes
from tests.support.goldens import MODELS, read_json
from tests.support.tiny_checkpoint import GOLDEN

MODEL_NAMES = ("Phi-3.5-vision-instruct", "Phi-3-vision-128k-instruct")
NONE, INT8, INT4 = Quantization

# What a card has free beside the driver and a desktop, in bytes.
CARD_6_GB, CARD_8_GB, CARD_16_GB, CARD_80_GB = 5_600_000_000, 7_600_000_000, 16 * 10**9, 84 * 10**9


def published(name: str) -> Shapes:
    config = (GOLDEN / "published" / name / "config.json").read_text()
    return Shapes.of(json.loads(config))


def room(free: float, itemsize: int = 2) -> Room:
    return Room("cuda:0", int(free), itemsize)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_sizes_are_those_of_the_published_tensors(name):
    index = read_json("checkpoint_index", f"{name}.json")
    loaded = set(index["shapes"]) - set(index["loaded_but_never_used"])
    sizes = {tensor: math.prod(index["shapes"][tensor]) for tensor in loaded}
    linear = [
        tensor
        for tensor in loaded
        if tensor.startswith("model.layers.") and len(index["shapes"][tensor]) == 2
    ]
    shapes = published(name)
    assert shapes.linear == sum(sizes[tensor] for tensor in linear)
    assert shapes.channels == sum(index["shapes"][tensor][0] for tensor in linear)
    assert shapes.linear + shapes.other == sum(sizes.values())
    assert shapes == PUBLISHED


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_sizes_are_those_of_a_loaded_model(tiny, tmp_path):
    import torch

    from phi3v_tui.phi3v import Phi3VConfig, Phi3VForCausalLM

    folder = GOLDEN / "model" / tiny.name
    with torch.device("meta"):
        model = Phi3VForCausalLM(Phi3VConfig.from_pretrained(folder))
    shapes = Shapes.of(json.loads((folder / "config.json").read_text()))
    assert shapes.linear + shapes.other == sum(p.numel() for p in model.parameters())


def test_sizes_that_a_config_leaves_out_are_those_of_phi_3():
    assert Shapes.of({}) == PUBLISHED


def test_bytes_of_the_full_model():
    assert PUBLISHED.weights(NONE, 2) == 2 * 4_134_023_168
    assert PUBLISHED.weights(NONE, 4) == 4 * 4_134_023_168
    assert 4.6e9 < PUBLISHED.weights(INT8, 2) < 4.7e9
    assert 3.0e9 < PUBLISHED.weights(INT4, 2) < 3.1e9
    assert PUBLISHED.kv_per_token * 2 == 393_216


def test_what_is_needed_adds_up():
    total = needed(PUBLISHED, 2, INT8, 4096)
    assert total == PUBLISHED.weights(INT8, 2) + 4096 * 393_216 + WORKING_MEMORY


@pytest.mark.parametrize(
    ("free", "context", "quantization", "tokens"),
    [
        (CARD_80_GB, None, NONE, 114_688),
        (CARD_16_GB, None, NONE, 8192),
        (CARD_8_GB, None, INT8, 4096),
        (CARD_8_GB, 4096, INT8, 4096),
        (CARD_8_GB, 8192, INT4, 8192),
        (CARD_6_GB, None, INT4, 4096),
        (CARD_6_GB, 4096, INT4, 4096),
        (5e9, None, INT4, 2048),
    ],
)
def test_the_finest_weights_that_fit_are_chosen(free, context, quantization, tokens):
    chosen = plan(PUBLISHED, room(free), context=context)
    assert chosen.quantization is quantization
    assert chosen.context == tokens if context else chosen.context >= tokens
    assert needed(PUBLISHED, 2, quantization, chosen.context) <= free


def test_an_8_gb_card_and_a_6_gb_card_hold_no_more_than_they_can():
    with pytest.raises(DoesNotFit):
        plan(PUBLISHED, room(CARD_8_GB), NONE)
    with pytest.raises(DoesNotFit):
        plan(PUBLISHED, room(CARD_8_GB), INT8, 8192)
    with pytest.raises(DoesNotFit):
        plan(PUBLISHED, room(CARD_6_GB), INT8, 4096)


@pytest.mark.parametrize("free", [12e9, 18e9, 24e9, 40e9, 84e9])
def test_a_slot_that_doubles_fits_with_its_copy(free):
    chosen = plan(PUBLISHED, room(free), NONE)
    held, most = chosen.first_slot, 0
    while held < chosen.context:
        larger = min(2 * held, chosen.context)
        most, held = held + larger, larger
    assert needed(PUBLISHED, 2, NONE, max(most, chosen.context)) <= free


def test_a_context_asked_for_is_allocated_at_once():
    assert plan(PUBLISHED, room(24e9), NONE, 32_768).first_slot == 32_768
    assert plan(PUBLISHED, room(24e9), NONE).first_slot == 8192


def test_more_context_than_a_model_was_made_for_counts_as_that_much():
    short = Shapes.of({"max_position_embeddings": 4096})
    assert plan(short, room(24e9), context=100_000).context == 4096


def test_a_refusal_says_what_would_fit():
    with pytest.raises(DoesNotFit) as refusal:
        plan(PUBLISHED, room(CARD_8_GB), INT8, 8192)
    longest = longest_context(PUBLISHED, room(CARD_8_GB), INT8)
    longest_int4 = longest_context(PUBLISHED, room(CARD_8_GB), INT4)
    assert str(refusal.value) == (
        "The model does not fit: int8 weights with 8,192 tokens of context take 8.7 GB, and cuda:0"
        f" has 7.6 GB free. What fits: --quantize int8 --context {longest} or --quantize int4"
        f" --context {longest_int4}."
    )
    assert plan(PUBLISHED, room(CARD_8_GB), INT8, longest).context == longest
    with pytest.raises(DoesNotFit):
        plan(PUBLISHED, room(CARD_8_GB), INT8, longest + 256)


def test_a_refusal_where_nothing_fits_says_so():
    with pytest.raises(DoesNotFit, match=r"int4 weights with 2,048 .* take 4\.7 GB.* 3\.0 GB free"):
        plan(PUBLISHED, room(3e9))


def test_a_plan_in_words():
    assert str(plan(PUBLISHED, room(CARD_8_GB), context=4096)) == (
        "int8 weights 4.6 GB, 4,096 tokens of context 1.6 GB, on cuda:0 with 7.6 GB free"
    )
    small = Shapes(2_000_000, 1000, 900_000, kv_per_token=1536, longest=4096)
    assert str(plan(small, room(CARD_8_GB))) == (
        "16-bit weights 5.8 MB, 4,096 tokens of context 12.6 MB, on cuda:0 with 7.6 GB free"
    )
    assert str(plan(PUBLISHED, room(22e9, itemsize=4), NONE, 2048)).startswith("32-bit weights 16")


def test_a_small_model_needs_little_memory_to_work():
    tiny = Shapes.of(json.loads((GOLDEN / "model" / MODELS[0].name / "config.json").read_text()))
    assert plan(tiny, room(4 * tiny.weights(NONE, 4), itemsize=4), NONE, 256).context == 256
