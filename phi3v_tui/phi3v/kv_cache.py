"""The KV slot that lasts over turns, and projected picture features that outlast it."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from phi3v_tui.memory import FIRST_SLOT
from phi3v_tui.phi3v.rope import RopeRegime

FIRST_CAPACITY = FIRST_SLOT
"""Positions allocated at first."""


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Number of leading items that two sequences share."""
    for n, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return n
    return min(len(a), len(b))


class KVCache:
    """Keys and values of one conversation, in buffers that are allocated once.

    Its length is a Python int: to crop is to set it.

    Attributes:
        keys: [layers, kv heads, capacity, head size], rotated.
        values: The same shape.
        tokens: What the slot holds, one item a position, as `Prompt.keys` writes them.
        regime: The rope factors with which `keys` were rotated.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_size: int,
        capacity: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        # Zeros, not garbage: masked positions are still multiplied, and 0 times NaN is NaN.
        shape = (layers, kv_heads, capacity, head_size)
        self.keys: Tensor = torch.zeros(shape, dtype=dtype, device=device)
        self.values: Tensor = torch.zeros(shape, dtype=dtype, device=device)
        self.tokens: list[int] = []
        self.regime = RopeRegime(long=False)

    @property
    def length(self) -> int:
        """Positions in use."""
        return len(self.tokens)

    @property
    def capacity(self) -> int:
        """Positions that fit without growing."""
        return self.keys.shape[2]

    def reuse(self, tokens: Sequence[int], regime: RopeRegime) -> int:
        """Keep the longest common prefix with a new prompt, and drop the rest.

        At least the last token is left to compute, for its logits.

        Args:
            tokens: The prompt, as `Prompt.keys` writes it.
            regime: Rope factors that its length asks for.

        Returns:
            Positions kept.
        """
        kept = common_prefix(self.tokens, tokens[:-1]) if regime == self.regime else 0
        self.regime = regime
        del self.tokens[kept:]
        return kept

    def reserve(self, length: int, limit: int) -> None:
        """Make room for `length` positions; what is held stays.

        The capacity is doubled until they fit, up to `limit`: it is what `memory.plan` counts on.

        Args:
            length: At most `limit`.
            limit: Most positions there will ever be.
        """
        if length <= self.capacity:
            return
        capacity = self.capacity
        while capacity < length:
            capacity *= 2
        capacity = min(capacity, limit)
        # Both are allocated before either is replaced: the second may not fit.
        self.keys, self.values = (
            self._grown(self.keys, capacity),
            self._grown(self.values, capacity),
        )

    def _grown(self, buffer: Tensor, capacity: int) -> Tensor:
        layers, heads, _, size = buffer.shape
        grown = buffer.new_zeros(layers, heads, capacity, size)
        grown[:, :, : self.length] = buffer[:, :, : self.length]
        return grown


class PictureCache:
    """Projected picture features by content and num_crops; the least recently used go first.

    Args:
        max_bytes: Room for all features together; the newest is kept even if it is larger.
    """

    def __init__(self, max_bytes: int = 512 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._features: OrderedDict[tuple[str, int], Tensor] = OrderedDict()

    def get(self, digest: str, num_crops: int) -> Tensor | None:
        """Features [tokens, hidden size] of a picture, or None where it must be encoded."""
        features = self._features.get((digest, num_crops))
        if features is not None:
            self._features.move_to_end((digest, num_crops))
        return features

    def put(self, digest: str, num_crops: int, features: Tensor) -> None:
        """Keep features [tokens, hidden size]."""
        self._features[digest, num_crops] = features
        self._features.move_to_end((digest, num_crops))
        while len(self._features) > 1 and self.size > self._max_bytes:
            self._features.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes in use."""
        return sum(features.nbytes for features in self._features.values())
