"""How queries meet the keys and values of one layer's slot.

Each function here makes an `Attend` for one forward pass, which all layers then share.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries [tokens, heads, head size] over keys and values [kv heads, capacity, head size]
-> [tokens, heads * head size]."""


def causal(start: int, end: int) -> Attend:
    """A chunk of the prompt: the query at position p sees all up to p.

    Args:
        start: Position of the first query.
        end: Position behind the last.
    """
    masks: list[Tensor] = []

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        if start and not masks:
            masks.append(_bias(torch.arange(start, end, device=query.device), end, query.dtype))
        mixed = F.scaled_dot_product_attention(
            query.transpose(0, 1)[None],
            keys[None, :, :end],
            values[None, :, :end],
            attn_mask=masks[0] if start else None,
            # Behind a prefix torch would count from the left end of both.
            is_causal=not start,
            enable_gqa=query.shape[1] != keys.shape[0],
        )
        return mixed[0].transpose(0, 1).flatten(1)

    return attend


def newest(length: int) -> Attend:
    """One token over the first `length` positions, itself the last of them."""

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return _one_token(query, keys[:, :length], values[:, :length], None)

    return attend


def newest_in_bucket(position: Tensor, bucket: int, dtype: torch.dtype) -> Attend:
    """One token whose position only the device knows.

    Args:
        position: Its position, int64 [1].
        bucket: Positions that are read; those behind `position` count for nothing.
        dtype: Of the queries.
    """
    bias = _bias(position, bucket, dtype)

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return _one_token(query, keys[:, :bucket], values[:, :bucket], bias)

    return attend


def _one_token(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
    """Attend with one query a head; heads that share keys go together, as rows of one query."""
    kv_heads, _, size = keys.shape
    rows = query.view(1, kv_heads, -1, size)
    group = rows.shape[2]
    if group == 1 and query.dtype == torch.bfloat16 and query.device.type == "cpu":
        # A single row takes a path in torch that is four times slower than that for two.
        rows = rows.expand(-1, -1, 2, -1)
    mixed = F.scaled_dot_product_attention(rows, keys[None], values[None], attn_mask=bias)
    return mixed[:, :, :group].reshape(1, -1)


def _bias(positions: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """[tokens, length]: 0 where a query may look, else minus infinity."""
    hidden = torch.arange(length, device=positions.device) > positions[:, None]
    bias = torch.zeros(hidden.shape, dtype=dtype, device=positions.device)
    return bias.masked_fill_(hidden, -torch.inf)
