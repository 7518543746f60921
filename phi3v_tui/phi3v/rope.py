"""Rope with two sets of factors, and what follows from the switch between them.

Sequences up to the original context (4096 tokens) use the short factors, longer ones the long
factors, for all their tokens. Keys that were cached under one set are wrong under the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding

from phi3v_tui.errors import ModelError


class Phi3VRotaryEmbedding(Phi3RotaryEmbedding):
    """Rope whose frequencies stay in float32, whatever the model is cast to.

    In bfloat16 they would be off by more than half a turn at position 4000.
    """

    def _apply(
        self, fn: Callable[[Tensor], Tensor], recurse: bool = True
    ) -> "Phi3VRotaryEmbedding":
        exact = {name: buffer.float() for name, buffer in self.named_buffers()}
        super()._apply(fn, recurse)
        for name, buffer in self.named_buffers():
            if buffer.dtype != torch.float32:
                setattr(self, name, exact[name].to(buffer.device))
        return self


@dataclass(frozen=True, slots=True)
class RopeRegime:
    """Which factors a sequence uses.

    Attributes:
        long: Whether they are the long ones.
    """

    long: bool

    @classmethod
    def of(cls, position_ids: Tensor, length: int, original_context: int) -> "RopeRegime":
        """Find the factors for a batch.

        Args:
            position_ids: [rows, new tokens] of the tokens now to be computed.
            length: Tokens of the longest row, padding and cached ones included; no position is
                beyond it. Saves reading positions from the device for short sequences.
            original_context: Tokens up to which the short factors hold.

        Raises:
            ModelError: Some rows of the batch need the short factors and some the long ones.
        """
        if length <= original_context:
            return cls(long=False)
        needs_long = position_ids.amax(dim=-1) >= original_context
        if needs_long.any() and not needs_long.all():
            raise ModelError(
                f"The rows of this batch lie on both sides of {original_context} tokens, where the "
                "model changes its position encoding.",
                "Run the rows one by one.",
            )
        return cls(long=bool(needs_long.any()))

    def check(self, cache: Cache | None) -> None:
        """Make sure that what is cached was computed with the same factors.

        Raises:
            ModelError: It was not, so that the result would be silently wrong.
        """
        if getattr(cache, "rope_regime", self) != self:
            raise ModelError(
                "The KV cache holds keys of the other position encoding, which the model changes "
                "at its original context length.",
                "Start again from an empty cache, or generate without prefill_chunk_size, "
                "an assistant or prompt lookup.",
            )

    def mark(self, cache: Any) -> None:
        """Write down with which factors the cache was filled."""
        if cache is not None:
            cache.rope_regime = self
