"""Weights in 8 or 4 bits, for the linear layers of the decoder.

Only weights are made small: activations, embeddings, norms, the head and the whole vision tower
keep their precision. torch brings kernels for such weights, and they are the ones used; of the
libraries that were tried none did better (docs/measurements.md has the figures).

On CUDA and mps none of this has run yet. There, a kernel of torch is used only if it gives, on that
very device, the same as plain arithmetic does. All forward passes have fixed shapes and wait for
nothing, so that a CUDA graph can hold them.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from phi3v_tui.shapes import GROUP_SIZE, Quantization

_CHUNK = 2**22
"""Weights that are quantised at once: so few that a CPU's cache holds them."""

_TOLERANCE = 0.02
"""How far a kernel may be off, relative to the result: bfloat16 sums in another order."""


class Int8Linear(nn.Module):
    """A linear layer without bias, its weights in int8 with one scale for each output channel.

    Args:
        weight: [out, in], of floating point.
        packed_rows: Up to how many rows of input torch's kernel for int8 weights is used. For
            more of them it pays to write the weights out and multiply as ever.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, packed_rows: int) -> None:
        super().__init__()
        codes, scale = to_int8(weight)
        self.register_buffer("weight", codes)
        self.register_buffer("scale", scale)
        self._packed_rows = packed_rows

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out], in the precision of `x`."""
        rows = x.flatten(0, -2)
        multiply = multiply_int8 if len(rows) <= self._packed_rows else multiply_written_out
        return multiply(rows, self.weight, self.scale).view(*x.shape[:-1], -1)


class Int4Linear(nn.Module):
    """A linear layer without bias, its weights in int4 with a scale and an offset for each group.

    Args:
        weight: [out, in], of floating point; `in` is a multiple of 32.
        layout: How the weights lie in memory.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor, layout: "Int4Layout") -> None:
        super().__init__()
        self._group = group_size(weight.shape[1])
        codes, scales = to_int4(weight, self._group)
        self.register_buffer("weight", layout.pack(codes))
        self.register_buffer("scales", scales)
        self._multiply = layout.multiply

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out], in the precision of `x`."""
        rows = x.flatten(0, -2)
        return self._multiply(rows, self.weight, self._group, self.scales).view(*x.shape[:-1], -1)


LayerMaker = Callable[[Tensor], nn.Module]
"""Makes a linear layer from its weights [out, in] on the device where it is to run."""


def quantizer(
    quantization: Quantization, device: torch.device, dtype: torch.dtype
) -> LayerMaker | None:
    """What makes quantised layers; None where they stay as they are.

    Args:
        quantization: As planned.
        device: Where the layers are to run.
        dtype: Precision of their inputs.
    """
    if quantization is Quantization.INT8:
        rows = packed_rows(device, dtype)
        return lambda weight: Int8Linear(weight, rows)
    if quantization is Quantization.INT4:
        layout = int4_layout(device, dtype)

        def make(weight: Tensor) -> nn.Module:
            fits = weight.shape[1] % layout.width == 0
            return Int4Linear(weight, layout if fits else PLAIN_INT4)

        return make
    return None


def can_be_quantized(layer: nn.Module) -> bool:
    """Whether a layer is a linear one that both kinds can stand in for."""
    return isinstance(layer, nn.Linear) and layer.bias is None and layer.in_features % 32 == 0


# Eight bits.


def to_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise each row by its largest weight: int8 [out, in], bfloat16 [out]."""
    codes = torch.empty_like(weight, dtype=torch.int8)
    scale = torch.empty(weight.shape[0], dtype=torch.bfloat16, device=weight.device)
    for first, rows in _chunks(weight):
        last = first + len(rows)
        scale[first:last] = rows.abs().amax(dim=1).clamp(min=1e-30) / 127
        rows /= scale[first:last, None].float()
        codes[first:last] = rows.round_().clamp_(-127, 127)
    return codes, scale


def multiply_int8(x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    """[rows, in] by int8 [out, in], in bfloat16: in float32 torch's kernel for CPUs is slow."""
    return torch._weight_int8pack_mm(x.to(torch.bfloat16), weight, scale).to(x.dtype)


def multiply_written_out(x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    """The same with weights that are written out in the precision of `x` for the moment."""
    return F.linear(x, weight.to(x.dtype)) * scale.to(x.dtype)


def packed_rows(device: torch.device, dtype: torch.dtype) -> int:
    """Up to how many rows of input `multiply_int8` is the faster way."""
    if device.type != "cpu":
        return 8 if int8_pays(device, dtype) else 0
    # On a CPU, writing large weights out takes longer than it saves (docs/measurements.md).
    return sys.maxsize


def int8_pays(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether `multiply_int8` is right on a device, and faster for a single row."""
    weight, scale = to_int8(torch.randn(4096, 4096, device=device))
    x = torch.randn(1, 4096, device=device, dtype=dtype)

    def plain() -> Tensor:
        return multiply_written_out(x, weight, scale)

    def packed() -> Tensor:
        return multiply_int8(x, weight, scale)

    return _is_right(packed, plain()) and _seconds(packed) < _seconds(plain)


# Four bits.


@dataclass(frozen=True, slots=True)
class Int4Layout:
    """A way to hold weights of four bits.

    Attributes:
        pack: From codes, uint8 [out, in] of 0 to 15, to what is kept.
        multiply: From input [rows, in], what is kept, the group size, and the scales and offsets
            [groups, out, 2], to [rows, out].
        width: `in` must be a multiple of it.
    """

    pack: Callable[[Tensor], Tensor]
    multiply: Callable[[Tensor, Tensor, int, Tensor], Tensor]
    width: int = 32


def group_size(width: int) -> int:
    """Weights of a row that share a scale: `shapes.GROUP_SIZE` where the row is long enough."""
    return GROUP_SIZE if width % GROUP_SIZE == 0 else 32


def to_int4(weight: Tensor, group: int) -> tuple[Tensor, Tensor]:
    """Quantise groups of each row between their smallest and largest weight.

    A weight is about (code - 8) * scale + offset.

    Returns:
        Codes, uint8 [out, in] of 0 to 15; bfloat16 [groups, out, 2] with scale and offset.
    """
    out, width = weight.shape
    codes = torch.empty_like(weight, dtype=torch.uint8)
    shape = (width // group, out, 2)
    scales = torch.empty(shape, dtype=torch.bfloat16, device=weight.device)
    for first, rows in _chunks(weight):
        last = first + len(rows)
        groups = rows.view(len(rows), -1, group)
        low, high = groups.aminmax(dim=2)
        scales[:, first:last, 0] = ((high - low).clamp(min=1e-30) / 15).T
        scales[:, first:last, 1] = low.T + 8 * scales[:, first:last, 0].float()
        scale, offset = scales[:, first:last].float().permute(2, 1, 0).unsqueeze(3)
        groups.sub_(offset).div_(scale).add_(8)
        codes[first:last] = rows.round_().clamp_(0, 15)
    return codes, scales


def _written_out(packed: Tensor, group: int, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Weights [out, in] in a precision, from two codes a byte [out, in / 2]."""
    codes = torch.stack((packed & 15, packed >> 4), dim=2).view(packed.shape[0], -1, group)
    scale, offset = scales.to(dtype).permute(2, 1, 0).unsqueeze(3)
    return ((codes.to(dtype) - 8) * scale + offset).flatten(1)


PLAIN_INT4 = Int4Layout(
    pack=lambda codes: codes[:, ::2] | (codes[:, 1::2] << 4),
    multiply=lambda x, packed, group, scales: F.linear(
        x, _written_out(packed, group, scales, x.dtype)
    ),
)
"""Arithmetic that runs anywhere: the weights are written out for each multiplication."""

CPU_INT4 = Int4Layout(
    pack=lambda codes: torch._convert_weight_to_int4pack_for_cpu(codes.int(), 1),
    multiply=lambda x, packed, group, scales: torch._weight_int4pack_mm_for_cpu(
        x.to(torch.bfloat16), packed, group, scales
    ).to(x.dtype),
)
"""torch's kernel for CPUs."""

GPU_INT4 = Int4Layout(
    # Eight tiles of 16 weights lie together: the widest that torch offers.
    width=128,
    pack=lambda codes: torch._convert_weight_to_int4pack((codes[:, ::2] << 4) | codes[:, 1::2], 8),
    multiply=lambda x, packed, group, scales: torch._weight_int4pack_mm(
        x.to(torch.bfloat16), packed, group, scales
    ).to(x.dtype),
)
"""torch's kernel for GPUs ("tinygemm"), for NVIDIA's from Ampere on."""


def int4_layout(device: torch.device, dtype: torch.dtype) -> Int4Layout:
    """The fastest layout that is known to be right on a device."""
    layout = CPU_INT4 if device.type == "cpu" else GPU_INT4
    codes, scales = to_int4(torch.randn(256, 1024, device=device), GROUP_SIZE)
    x = torch.randn(4, 1024, device=device, dtype=dtype)
    plain = PLAIN_INT4.multiply(x, PLAIN_INT4.pack(codes), GROUP_SIZE, scales)

    def packed() -> Tensor:
        return layout.multiply(x, layout.pack(codes), GROUP_SIZE, scales)

    return layout if _is_right(packed, plain) else PLAIN_INT4


# What both share.


def _chunks(weight: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield some rows after others as float32 copies, each with the index of its first row."""
    count = max(1, _CHUNK // weight.shape[1])
    for first in range(0, weight.shape[0], count):
        yield first, weight[first : first + count].to(torch.float32, copy=True)


def _is_right(kernel: Callable[[], Tensor], expected: Tensor) -> bool:
    """Whether a kernel runs at all, and gives what it should."""
    try:
        error = (kernel().float() - expected.float()).norm()
    except (RuntimeError, NotImplementedError, AttributeError):
        return False
    return bool(error <= _TOLERANCE * expected.float().norm())


def _seconds(kernel: Callable[[], Tensor], times: int = 20) -> float:
    """Duration of some runs, the work of the device included."""
    float(kernel()[0, 0])
    started = time.perf_counter()
    for _ in range(times):
        result = kernel()
    float(result[0, 0])
    return time.perf_counter() - started
