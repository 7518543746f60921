"""Linear layers whose bfloat16 weights lie as the CPU's kernels want them.

torch lays a weight out anew at each multiplication, which for a single row of input takes longer
than the multiplication itself. Laid out once, when it is loaded, a token takes half the time or
less, and the results are the same to the bit (docs/measurements.md).
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_OPS = torch.ops.mkldnn


class PackedLinear(nn.Module):
    """A linear layer without bias.

    Args:
        weight: [out, in], bfloat16, on the CPU; it is copied.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        # Not a buffer: an opaque tensor can neither be saved nor moved.
        self._packed = _pack(weight)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return _multiply(x, self._packed)


@functools.cache
def packing_works() -> bool:
    """Whether torch has what this takes, and it gives here what an ordinary layer gives."""
    weight, x = torch.randn(64, 96).bfloat16(), torch.randn(3, 96).bfloat16()
    try:
        return torch.allclose(_multiply(x, _pack(weight)), F.linear(x, weight), rtol=0.02)
    except (RuntimeError, NotImplementedError, AttributeError):
        return False


def _pack(weight: Tensor) -> Tensor:
    # The layout is for one row of input at a time; more of them are no slower in it.
    return _OPS._reorder_linear_weight(weight, 1)


def _multiply(x: Tensor, packed: Tensor) -> Tensor:
    return _OPS._linear_pointwise(x, packed, None, "none", [], "")
