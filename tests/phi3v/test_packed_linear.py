"""Linear layers laid out for the CPU."""

import pytest
import torch
import torch.nn.functional as F

from phi3v_tui.phi3v import loading, packed_linear, weights
from phi3v_tui.phi3v.packed_linear import PackedLinear
from phi3v_tui.shapes import Quantization

CPU = torch.device("cpu")


@pytest.fixture
def _has_the_kernels():
    if not packed_linear.packing_works():
        pytest.skip("this torch, or this CPU, cannot lay out weights")


@pytest.mark.usefixtures("_has_the_kernels")
@pytest.mark.parametrize("shape", [(1, 96), (70, 96), (2, 3, 96)])
def test_it_gives_what_an_ordinary_layer_gives(shape):
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(64, 96, generator=generator).bfloat16()
    x = torch.randn(shape, generator=generator).bfloat16()
    found = PackedLinear(weight)(x)
    assert found.shape == (*shape[:-1], 64)
    torch.testing.assert_close(found, F.linear(x, weight))


def _logits(folder, dtype, quantization=Quantization.NONE):
    checkpoint = weights.find(str(folder), CPU, dtype, lambda *_: None)
    network = loading.load(checkpoint, CPU, dtype, lambda *_: None, quantization)
    layers = [type(layer).__name__ for layer in network.modules()]
    with torch.inference_mode():
        return layers, network(input_ids=torch.arange(1, 40)[None]).logits.float()


@pytest.mark.usefixtures("_has_the_kernels")
def test_a_model_in_bfloat16_is_loaded_with_them_and_says_the_same(tiny_checkpoint_35, monkeypatch):
    layers, packed = _logits(tiny_checkpoint_35, torch.bfloat16)
    assert layers.count("PackedLinear") == 3 * 4 + 1
    monkeypatch.setattr(loading, "packing_works", lambda: False)
    layers, ordinary = _logits(tiny_checkpoint_35, torch.bfloat16)
    assert "PackedLinear" not in layers
    torch.testing.assert_close(packed, ordinary)


@pytest.mark.usefixtures("_has_the_kernels")
def test_only_bfloat16_is_packed_and_of_a_quantised_model_only_the_head(tiny_checkpoint_35):
    assert "PackedLinear" not in _logits(tiny_checkpoint_35, torch.float32)[0]
    layers, _ = _logits(tiny_checkpoint_35, torch.bfloat16, Quantization.INT8)
    assert (layers.count("PackedLinear"), layers.count("Int8Linear")) == (1, 3 * 4)


def test_torch_without_the_kernels_does_without(monkeypatch):
    packed_linear.packing_works.cache_clear()

    def missing(weight):
        raise AttributeError("no such operator")

    monkeypatch.setattr(packed_linear, "_pack", missing)
    assert not packed_linear.packing_works()
    monkeypatch.undo()
    packed_linear.packing_works.cache_clear()
