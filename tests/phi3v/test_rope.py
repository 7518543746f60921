"""Rope tables of the published configs, and that casting the model leaves them exact."""

import copy

import numpy as np
import pytest
import torch

from phi3v_tui.phi3v import Phi3VConfig
from phi3v_tui.phi3v.rope import Phi3VRotaryEmbedding
from tests.support.goldens import MODELS, read_json
from tests.support.tiny_checkpoint import GOLDEN

TABLES = [
    pytest.param(tiny.published, length, id=f"{tiny.published}-{length}")
    for tiny in MODELS
    for length in ("short", "long")
]


def embedding(published):
    return Phi3VRotaryEmbedding(Phi3VConfig.from_pretrained(GOLDEN / "published" / published))


def golden(published, length):
    with np.load(GOLDEN / "rope" / "rope.npz") as stored:
        prefix = f"{published}/{length}/"
        return {key.removeprefix(prefix): stored[key] for key in stored if key.startswith(prefix)}


def difference(found, expected):
    return np.abs(found.numpy() - expected).max()


@pytest.mark.parametrize(("published", "length"), TABLES)
def test_table(published, length):
    rope, expected = embedding(published), golden(published, length)
    positions = torch.from_numpy(expected["position_ids"]).long()
    assert (positions.max() >= 4096) == (length == "long")
    cos, sin = rope(torch.zeros(1), positions[None])
    assert difference(rope.inv_freq, expected["inv_freq"]) < 1e-9
    assert difference(cos[0], expected["cos"]) < 1e-6
    assert difference(sin[0], expected["sin"]) < 1e-6


@pytest.mark.parametrize("published", [tiny.published for tiny in MODELS])
def test_attention_scaling(published):
    scaling = read_json("rope", "rope.json")[published]["attention_scaling"]
    assert embedding(published).attention_scaling == pytest.approx(scaling, abs=1e-12)


def test_the_switch_lies_behind_4096_tokens():
    rope = embedding(MODELS[1].published)
    short = rope(torch.zeros(1), torch.tensor([[0, 4095]]))[0][0, 0]
    again = rope(torch.zeros(1), torch.tensor([[0, 1]]))
    beyond = rope(torch.zeros(1), torch.tensor([[1, 4096]]))[0][0, 0]
    at_one = again[0][0, 1]
    assert torch.equal(short, again[0][0, 0])
    assert (beyond - at_one).abs().max() > 1e-3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_casting_the_model_leaves_frequencies_exact(dtype):
    """transformers' own module would be off by radians at position 4000."""
    rope = embedding(MODELS[1].published)
    cast = copy.deepcopy(rope).to(dtype)
    for positions in (torch.tensor([[0, 4000]]), torch.tensor([[0, 100_000]])):
        exact = rope(torch.zeros(1), positions)
        for found, expected in zip(cast(torch.zeros(1), positions), exact, strict=True):
            assert torch.equal(found, expected)
