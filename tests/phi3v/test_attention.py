"""Each way to attend equals softmax(q k / sqrt(d)) v, written out."""

import pytest
import torch

from phi3v_tui.phi3v.attention import causal, newest, newest_in_bucket

CAPACITY, KV_HEADS, SIZE = 96, 2, 8


def slot(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    keys, values = torch.randn(2, KV_HEADS, CAPACITY, SIZE, generator=generator)
    return keys.to(dtype), values.to(dtype)


def written_out(query, keys, values, positions) -> torch.Tensor:
    """The same in float32: each query sees the positions up to its own."""
    rows = []
    for row, position in zip(query.float(), positions, strict=True):
        for head, vector in enumerate(row):
            group = head // (len(row) // KV_HEADS)
            seen = slice(0, position + 1)
            weights = (keys[group, seen].float() @ vector / SIZE**0.5).softmax(-1)
            rows.append(weights @ values[group, seen].float())
    return torch.stack(rows).view(len(query), -1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("heads", [2, 6])
@pytest.mark.parametrize(
    ("way", "positions"),
    [
        (lambda dtype: causal(0, 5), range(5)),
        (lambda dtype: causal(40, 45), range(40, 45)),
        (lambda dtype: newest(50), [49]),
        (lambda dtype: newest_in_bucket(torch.tensor([49]), 64, dtype), [49]),
    ],
    ids=["first chunk", "later chunk", "newest", "bucket"],
)
def test_attention(way, positions, heads, dtype):
    keys, values = slot(dtype)
    shape = (len(positions), heads, SIZE)
    query = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    mixed = way(dtype)(query, keys, values)
    assert mixed.shape == (len(positions), heads * SIZE)
    assert mixed.dtype == dtype
    expected = written_out(query, keys, values, positions)
    assert torch.allclose(mixed.float(), expected, atol=1e-6 if dtype == torch.float32 else 2e-2)
