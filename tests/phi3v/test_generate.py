"""Greedy tokens of transformers' generate(), with and without crossing 4096 tokens."""

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from phi3v_tui.errors import ModelError
from tests.support.goldens import MODELS, cases, full, needs_full_goldens, reduced, thin
from tests.support.model_cases import PAD, formula_pixels, inputs_of

TOLERANCE = 2e-4
STOP = 32000

each_model = pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
ALL = [
    pytest.param(tiny, name, id=f"{tiny.name}-{name}")
    for tiny in MODELS
    for name in cases(tiny)
    if name != "two_images_reverse_order"
]


def generate(model, inputs, **settings):
    settings = {"max_new_tokens": 24, "do_sample": False, "eos_token_id": STOP} | settings
    out = model.generate(
        **inputs, **settings, pad_token_id=PAD, output_logits=True, return_dict_in_generate=True
    )
    tokens = out.sequences[:, inputs["input_ids"].shape[1] :].tolist()
    return tokens, torch.stack(out.logits, dim=1).numpy()


def expected_tokens(tiny, name):
    """What a fresh pass over everything at each step would generate.

    The first model's reference keeps keys under the short factors when a sequence grows beyond 4096
    tokens, so there its tokens hold only up to that point, and `no_cache_greedy` beyond it.
    """
    case = cases(tiny)[name]
    if "no_cache_greedy" in case:
        return [case["no_cache_greedy"]]
    tokens = case["generate_24"] if name.startswith("batch_") else [case["generate_24"]]
    length = case.get("input_len", 0)
    if tiny is MODELS[0] and length <= 4096 < length + 24:
        return [row[: 4097 - length] for row in tokens]
    return tokens


@pytest.fixture(scope="module")
def greedy(load):
    """Tokens and every 64th logit of each case, generated once."""
    runs = {}

    def get(tiny, name):
        key = tiny.name, name
        if key not in runs:
            steps = len(expected_tokens(tiny, name)[0])
            tokens, logits = generate(load(tiny), inputs_of(tiny, name), max_new_tokens=steps)
            runs[key] = tokens, logits[:, :, ::64].copy()
        return runs[key]

    return get


@pytest.mark.parametrize(("tiny", "name"), ALL)
def test_greedy_tokens_equal_the_reference(greedy, tiny, name):
    tokens, logits = greedy(tiny, name)
    assert tokens == expected_tokens(tiny, name)
    check_logits(reduced(tiny), thin, tiny, name, logits)


@needs_full_goldens
@pytest.mark.parametrize(("tiny", "name"), ALL)
def test_logits_of_each_step_equal_the_full_reference(greedy, tiny, name):
    _, logits = greedy(tiny, name)
    check_logits(full(tiny), lambda _, numbers: numbers, tiny, name, logits)


def check_logits(golden, keep, tiny, name, logits):
    """Compare the steps at which the reference is right."""
    key = f"{name}/generate_logits_strided"
    found = keep(key, logits)
    expected = golden[key].reshape(found.shape[0], -1, found.shape[2])[:, : found.shape[1]]
    length = cases(tiny)[name].get("input_len", 0)
    if tiny is MODELS[0] and length <= 4096:
        found, expected = found[:, : 4097 - length], expected[:, : 4097 - length]
    assert np.abs(found - expected).max() <= TOLERANCE


def test_all_cases_are_there():
    assert len(ALL) == 2 * 15


@each_model
def test_tokens_after_crossing_4096_equal_a_pass_over_everything(load, tiny):
    """long_4095 has no stored truth for the first model, so it is computed here."""
    model, inputs = load(tiny), inputs_of(tiny, "long_4095")
    tokens, _ = generate(model, inputs, max_new_tokens=6)
    ids = inputs["input_ids"]
    with torch.no_grad():
        for token in tokens[0]:
            best = model(input_ids=ids, use_cache=False, logits_to_keep=1).logits.argmax(-1)
            assert best.item() == token
            ids = torch.cat([ids, best], dim=1)


def test_left_padding_does_not_move_the_switch(load):
    """The 3.5 reference counts padding, so that 20 pads before 4090 tokens change its answer."""
    tiny = MODELS[1]
    inputs = inputs_of(tiny, "one_image_crossing_4096")
    padded = inputs | {
        name: torch.nn.functional.pad(inputs[name], (20, 0), value=value)
        for name, value in (("input_ids", PAD), ("attention_mask", 0))
    }
    tokens, _ = generate(load(tiny), padded, max_new_tokens=10)
    assert tokens == expected_tokens(tiny, "one_image_crossing_4096")


def test_a_batch_on_both_sides_of_4096_is_refused(load):
    """All rows would share one set of factors, and be silently wrong for some."""
    long = inputs_of(MODELS[1], "long_4097")["input_ids"]
    ids = torch.cat([long, long])
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    with pytest.raises(ModelError, match="both sides of 4096"):
        generate(load(MODELS[1]), {"input_ids": ids, "attention_mask": mask})


@each_model
def test_chunked_prefill_across_4096_is_refused(load, tiny):
    """Its first chunks would be cached under the short factors."""
    with pytest.raises(ModelError, match="KV cache"):
        generate(load(tiny), inputs_of(tiny, "long_4200"), prefill_chunk_size=2048)


@pytest.mark.parametrize("name", ["cache", "past_key_values"], ids=["today", "old-name"])
@torch.no_grad()
def test_a_cache_cut_back_below_4096_is_refused(load, name):
    model, ids = load(MODELS[1]), inputs_of(MODELS[1], "long_4097")["input_ids"]
    cache = DynamicCache()
    model(input_ids=ids, **{name: cache}, logits_to_keep=1)
    cache.crop(-3997)
    with pytest.raises(ModelError, match="KV cache"):
        model(input_ids=ids[:, 100:101], **{name: cache})


def test_a_static_cache_crosses_4096_with_a_picture(load):
    tiny, name = MODELS[1], "one_image_crossing_4096"
    settings = {"cache_implementation": "static", "max_new_tokens": 10}
    tokens, _ = generate(load(tiny), inputs_of(tiny, name), **settings)
    assert tokens == expected_tokens(tiny, name)


def test_guessing_ahead_across_4096_is_refused(load):
    """Guesses on both sides of the switch are checked together, with one set of factors."""
    model, settings = load(MODELS[1]), {"prompt_lookup_num_tokens": 3}
    with pytest.raises(ModelError, match="guessing tokens ahead"):
        generate(model, inputs_of(MODELS[1], "one_image_crossing_4096"), **settings)
    out = model.generate(
        **inputs_of(MODELS[1], "text_only"), **settings, max_new_tokens=24, eos_token_id=STOP
    )
    assert [out[0, 22:].tolist()] == expected_tokens(MODELS[1], "text_only")


def test_each_sample_of_a_prompt_sees_its_pictures_in_order(load):
    """transformers by itself would give the first sample the first picture twice."""
    inputs = inputs_of(MODELS[1], "two_images")
    settings = {"do_sample": True, "top_k": 1, "num_return_sequences": 2, "max_new_tokens": 6}
    tokens, _ = generate(load(MODELS[1]), inputs, **settings)
    assert tokens == [cases(MODELS[1])["two_images"]["generate_24"][:6]] * 2


def test_stops_at_the_end_of_a_turn_without_being_told(load):
    """The published files name `</s>` only, which never ends a turn."""
    model = load(MODELS[1])
    inputs = inputs_of(MODELS[1], "text_only")
    out = model.generate(**inputs, max_new_tokens=1, do_sample=False)
    assert out.shape[1] == inputs["input_ids"].shape[1] + 1
    assert model.generation_config.eos_token_id == [32007, 32000, 2]


class TestMismatch:
    """The reference fails on these with shape mismatches and index errors, or ignores a picture."""

    @pytest.fixture
    def model(self, load):
        return load(MODELS[1])

    def forward(self, model, ids, pictures=0):
        pixels, sizes = formula_pixels(MODELS[1], "vision_embed_1")
        given = {"pixel_values": pixels, "image_sizes": sizes} if pictures else {}
        with torch.no_grad():
            return model(input_ids=torch.tensor([ids]), **given)

    def test_more_places_than_features(self, model):
        with pytest.raises(ModelError, match="has 758 places"):
            self.forward(model, [1, *[-1] * 758, 1], pictures=1)

    def test_fewer_places_than_features(self, model):
        with pytest.raises(ModelError, match="has 756 places"):
            self.forward(model, [1, *[-1] * 756, 1], pictures=1)

    def test_no_pictures(self, model):
        with pytest.raises(ModelError, match="no pictures were given"):
            self.forward(model, [1, *[-1] * 757, 1])

    def test_no_place(self, model):
        with pytest.raises(ModelError, match="names 0 pictures, and 1 were given"):
            self.forward(model, [1, 5], pictures=1)

    def test_more_pictures_named_than_given(self, model):
        with pytest.raises(ModelError, match="names 2 pictures"):
            self.forward(model, [*[-1] * 757, *[-2] * 757], pictures=1)

    def test_a_gap_in_the_numbers(self, model):
        with pytest.raises(ModelError, match=r"without a gap, not \[2\]"):
            self.forward(model, [-2] * 757, pictures=1)

    def test_no_image_sizes(self, model):
        pixels, _ = formula_pixels(MODELS[1], "vision_embed_1")
        with pytest.raises(ModelError, match="without image_sizes"):
            model(input_ids=torch.tensor([[-1] * 757]), pixel_values=pixels)


@torch.no_grad()
def test_a_picture_named_twice_stands_in_both_places(load):
    """The reference fails here with a shape mismatch."""
    model = load(MODELS[1])
    pixels, sizes = formula_pixels(MODELS[1], "vision_embed_1")
    twice = [1, *[-1] * 757, 1, *[-2] * 757, 1]
    again = [1, *[-1] * 757, 1, *[-1] * 757, 1]
    expected = model(
        input_ids=torch.tensor([twice]),
        pixel_values=pixels.expand(2, -1, -1, -1, -1),
        image_sizes=sizes.expand(2, -1),
        logits_to_keep=8,
    )
    found = model(
        input_ids=torch.tensor([again]), pixel_values=pixels, image_sizes=sizes, logits_to_keep=8
    )
    assert (found.logits - expected.logits).abs().max() <= TOLERANCE


@torch.no_grad()
def test_the_callers_ids_are_left_alone(load):
    """The first model's reference overwrites placeholders with 0."""
    inputs = inputs_of(MODELS[0], "one_image_formula_pixels")
    before = inputs["input_ids"].clone()
    load(MODELS[0])(**inputs)
    assert torch.equal(inputs["input_ids"], before)
