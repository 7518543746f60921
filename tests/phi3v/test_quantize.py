"""Linear layers with weights of 8 and 4 bits, and models that are loaded with them."""

import dataclasses

import pytest
import torch
from torch import nn

from phi3v_tui.phi3v import loading, quantize, weights
from phi3v_tui.phi3v.quantize import Int4Linear, Int8Linear
from phi3v_tui.shapes import Quantization
from tests.support import quantization_error as measured
from tests.support.goldens import MODELS

NONE, INT8, INT4 = Quantization
CPU = torch.device("cpu")
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def off_by(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found.float() - exact.float()).norm() / exact.float().norm())


def layers(weight: torch.Tensor) -> dict[str, nn.Module]:
    return {
        "int8 packed": Int8Linear(weight, packed_rows=99),
        "int8 written out": Int8Linear(weight, packed_rows=0),
        "int4 for the CPU": Int4Linear(weight, quantize.CPU_INT4),
        "int4 for anything": Int4Linear(weight, quantize.PLAIN_INT4),
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 192), (40, 192), (2, 5, 192)])
@pytest.mark.parametrize("name", layers(random(64, 192)))
def test_a_quantised_layer_stands_in_for_a_linear_one(name, shape, dtype):
    weight, x = random(64, 192), random(*shape).to(dtype)
    found = layers(weight)[name](x)
    exact = nn.functional.linear(x.float(), weight)
    assert (found.shape, found.dtype) == (exact.shape, dtype)
    assert off_by(found, exact) < (0.015 if "int8" in name else 0.13)


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_ways_to_multiply_agree(kind):
    x = random(7, 128)
    first, second = (layer(x) for name, layer in layers(random(96, 128)).items() if kind in name)
    assert off_by(first, second) < 0.01


def test_int8_is_off_by_half_a_step_at_most():
    weight = random(32, 64) * torch.logspace(-6, 3, 32)[:, None]
    codes, scale = quantize.to_int8(weight)
    error = (codes * scale.float()[:, None] - weight).abs()
    # The largest weight of a row may lie a little beyond what its rounded scale reaches.
    assert (error <= 0.51 * scale.float()[:, None] + weight.abs() / 256).all()


@pytest.mark.parametrize("group", [32, 64])
def test_int4_is_off_by_half_a_step_at_most(group):
    weight = random(16, 128) + 3
    codes, scales = quantize.to_int4(weight, group)
    assert codes.max() <= 15
    scale, offset = (part.T.repeat_interleave(group, 1).float() for part in scales.unbind(2))
    error = ((codes.float() - 8) * scale + offset - weight).abs()
    # Offsets are rounded to bfloat16, whose steps below 8 are 1/32.
    assert (error <= 0.51 * scale + 1 / 32).all()


def test_rows_of_zeros_stay_zero():
    zeros = torch.zeros(32, 64)
    for layer in layers(zeros).values():
        assert not layer(random(3, 64)).any()


def test_layers_that_cannot_be_quantised_are_told_apart():
    assert quantize.can_be_quantized(nn.Linear(64, 7, bias=False))
    assert not quantize.can_be_quantized(nn.Linear(64, 7))
    assert not quantize.can_be_quantized(nn.Linear(65, 7, bias=False))
    assert not quantize.can_be_quantized(nn.Embedding(64, 64))


def test_a_kernel_that_is_wrong_on_a_device_is_not_used(monkeypatch):
    assert quantize.int4_layout(CPU, torch.float32) is quantize.CPU_INT4
    right = quantize.CPU_INT4.multiply
    wrong = dataclasses.replace(quantize.CPU_INT4, multiply=lambda *given: right(*given) * 1.1)
    monkeypatch.setattr(quantize, "CPU_INT4", wrong)
    assert quantize.int4_layout(CPU, torch.float32) is quantize.PLAIN_INT4


def test_a_kernel_that_does_not_run_on_a_device_is_not_used(monkeypatch):
    monkeypatch.setattr(quantize, "CPU_INT4", quantize.GPU_INT4)
    assert quantize.int4_layout(CPU, torch.float32) is quantize.PLAIN_INT4


def test_rows_too_short_for_a_kernel_are_multiplied_without_it(monkeypatch):
    def refuse(codes):
        assert codes.shape[1] % 128 == 0
        return quantize.PLAIN_INT4.pack(codes)

    kernel = dataclasses.replace(quantize.PLAIN_INT4, pack=refuse, width=quantize.GPU_INT4.width)
    monkeypatch.setattr(quantize, "CPU_INT4", kernel)
    make = quantize.quantizer(Quantization.INT4, CPU, torch.float32)
    for width in (256, 192):
        weight, x = random(8, width), random(2, width)
        assert off_by(make(weight)(x), x @ weight.T) < 0.2


@pytest.mark.parametrize(
    ("kernel", "pays"),
    [
        (lambda x, weight, scale: quantize.multiply_written_out(x, weight, scale) * 1.1, False),
        (lambda *_: (_ for _ in ()).throw(NotImplementedError("on this device")), False),
    ],
)
def test_an_int8_kernel_that_is_wrong_or_missing_does_not_pay(monkeypatch, kernel, pays):
    monkeypatch.setattr(quantize, "multiply_int8", kernel)
    assert quantize.int8_pays(CPU, torch.float32) is pays


def test_an_int8_kernel_pays_where_it_is_faster(monkeypatch):
    seconds = iter((1.0, 2.0, 2.0, 1.0))
    monkeypatch.setattr(quantize, "_seconds", lambda kernel: next(seconds))
    assert quantize.int8_pays(CPU, torch.float32)
    assert not quantize.int8_pays(CPU, torch.float32)


def decoder_weights(model: nn.Module) -> dict[str, torch.dtype]:
    return {
        name: tensor.dtype
        for name, tensor in model.model.layers.state_dict().items()
        if name.endswith("proj.weight")
    }


@pytest.mark.parametrize(("quantization", "kind"), [(INT8, torch.int8), (INT4, torch.uint8)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_only_the_decoders_linear_layers_are_quantised(
    tiny_checkpoint_35, quantization, kind, dtype
):
    plain = measured.load(tiny_checkpoint_35, dtype, NONE).state_dict()
    model = measured.load(tiny_checkpoint_35, dtype, quantization)
    small = decoder_weights(model)
    assert len(small) == 4 * model.config.num_hidden_layers
    assert set(small.values()) == {kind}
    others = [name for name in plain if not (name.startswith("model.layers") and "proj" in name)]
    assert any("img_processor" in name for name in others)
    assert all(torch.equal(model.state_dict()[name], plain[name]) for name in others)


@pytest.mark.parametrize("quantization", Quantization)
def test_a_model_takes_the_bytes_that_were_worked_out(
    tiny_checkpoint_35, quantization, monkeypatch
):
    # Weights that are laid out for the CPU take as many, but cannot be asked.
    monkeypatch.setattr(loading, "packing_works", lambda: False)
    checkpoint = weights.find(str(tiny_checkpoint_35), CPU, torch.bfloat16, lambda *_: None)
    model = measured.load(tiny_checkpoint_35, torch.bfloat16, quantization)
    taken = sum(tensor.nbytes for tensor in model.state_dict().values())
    assert taken == pytest.approx(checkpoint.shapes.weights(quantization, 2), rel=0.01)


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_logits_stay_close(checkpoint, tiny):
    folder, names = checkpoint(tiny), measured.short_cases(tiny, most=3)
    exact = measured.logits(measured.load(folder, torch.float32, NONE), tiny, names)

    def error(quantization: Quantization) -> measured.Error:
        model = measured.load(folder, torch.float32, quantization)
        return measured.error(measured.logits(model, tiny, names), exact)

    assert 0 < error(INT8).relative < 0.05
    assert error(INT8).divergence < 0.005
    assert error(INT4).relative < 0.5
