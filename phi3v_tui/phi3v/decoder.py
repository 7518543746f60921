"""Phi-3's decoder over a KV slot: one function serves a chunk of the prompt and a single token.

It runs on the loaded model's own modules. Positions come as a tensor and lengths as buckets, so
that nothing in a step waits for the device.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from phi3v_tui.phi3v.kv_cache import KVCache
from phi3v_tui.phi3v.rope import RopeRegime


class RopeTables:
    """Tables of rotary embeddings for the regime in use.

    Attributes:
        cos: [capacity, head size].
        sin: The same shape; its first half is negated, for `rotate`.
    """

    def __init__(self, config: Any, dtype: torch.dtype, device: torch.device) -> None:
        self._config = config
        self._dtype = dtype
        self._device = device
        self._prepared: tuple[RopeRegime, int] | None = None
        self.cos = torch.empty(0)
        self.sin = torch.empty(0)

    def prepare(self, regime: RopeRegime, capacity: int) -> None:
        """Fill the tables for positions below `capacity`."""
        if self._prepared == (regime, capacity):
            return
        frequencies, scaling = self._frequencies(regime)
        positions = torch.arange(capacity, dtype=torch.float32, device=self._device)
        angles = positions[:, None] * frequencies[None, :].to(self._device)
        cos, sin = angles.cos() * scaling, angles.sin() * scaling
        self.cos = torch.cat((cos, cos), dim=-1).to(self._dtype)
        self.sin = torch.cat((-sin, sin), dim=-1).to(self._dtype)
        self._prepared = (regime, capacity)

    def _frequencies(self, regime: RopeRegime) -> tuple[Tensor, float]:
        """Inverse frequencies [head size / 2] in float32, and the attention scaling."""
        length = self._config.original_max_position_embeddings + regime.long
        return ROPE_INIT_FUNCTIONS["longrope"](self._config, self._device, seq_len=length)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate queries or keys [tokens, heads, head size] by tables [tokens, 1, head size]."""
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


class Decoder:
    """Embeddings -> logits, one chunk at a time, over a `KVCache`.

    Args:
        model: A loaded `Phi3VForCausalLM`.
    """

    def __init__(self, model: Any) -> None:
        config = model.config
        self.config = config
        self.dtype: torch.dtype = model.lm_head.weight.dtype
        self.device: torch.device = model.lm_head.weight.device
        self.rope = RopeTables(config, self.dtype, self.device)
        self._heads: int = config.num_attention_heads
        self._kv_heads: int = config.num_key_value_heads
        self._head_size: int = config.hidden_size // self._heads
        self._layers: list[Any] = list(model.model.layers)
        self._norm = model.model.norm
        self._embed_tokens = model.model.embed_tokens
        self._lm_head = model.lm_head

    @property
    def bytes_per_token(self) -> int:
        """Bytes that a token takes in the KV slot."""
        sizes = len(self._layers) * self._kv_heads * self._head_size
        return 2 * sizes * self.dtype.itemsize

    def new_cache(self, capacity: int) -> KVCache:
        """An empty slot that fits this decoder."""
        return KVCache(
            len(self._layers), self._kv_heads, self._head_size, capacity, self.dtype, self.device
        )

    def regime(self, length: int) -> RopeRegime:
        """Rope factors that a sequence of `length` tokens asks for."""
        return RopeRegime(long=length > self.config.original_max_position_embeddings)

    def embed(self, ids: Tensor) -> Tensor:
        """Ids [tokens] -> embeddings [tokens, hidden size]."""
        return self._embed_tokens(ids)

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states [tokens, hidden size] of the last layer -> logits [tokens, vocabulary]."""
        return self._lm_head(_rms_norm(self._norm, hidden))

    def forward(self, hidden: Tensor, positions: Tensor, cache: KVCache, bucket: int) -> Tensor:
        """Run all layers, and write keys and values into the slot.

        Args:
            hidden: Embeddings [tokens, hidden size].
            positions: Their places in the slot, int64 [tokens].
            cache: The slot; everything before `positions` is in it.
            bucket: Positions of the slot to attend over; above the largest of `positions`.

        Returns:
            [tokens, hidden size], before the last norm.
        """
        cos = self.rope.cos.index_select(0, positions)[:, None, :]
        sin = self.rope.sin.index_select(0, positions)[:, None, :]
        seen = torch.arange(bucket, device=hidden.device) <= positions[:, None]
        for index, layer in enumerate(self._layers):
            keys, values = cache.keys[index], cache.values[index]
            normed = _rms_norm(layer.input_layernorm, hidden)
            query = self._project(layer.self_attn, normed, cos, sin, positions, keys, values)
            mixed = self._attend(query, keys[:, :bucket], values[:, :bucket], seen)
            hidden = hidden + layer.self_attn.o_proj(mixed)
            hidden = hidden + _mlp(layer.mlp, _rms_norm(layer.post_attention_layernorm, hidden))
        return hidden

    def _project(
        self,
        attention: Any,
        hidden: Tensor,
        cos: Tensor,
        sin: Tensor,
        positions: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> Tensor:
        """Queries [tokens, heads, head size]; keys and values go into one layer's slot."""
        qkv = attention.qkv_proj(hidden).view(hidden.shape[0], -1, self._head_size)
        query_key, value = qkv.split((self._heads + self._kv_heads, self._kv_heads), dim=1)
        query, key = rotate(query_key, cos, sin).split((self._heads, self._kv_heads), dim=1)
        keys.index_copy_(1, positions, key.transpose(0, 1))
        values.index_copy_(1, positions, value.transpose(0, 1))
        return query

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Queries [tokens, heads, head size] over keys [kv heads, bucket, head size]."""
        mixed = F.scaled_dot_product_attention(
            query.transpose(0, 1)[None],
            keys[None],
            values[None],
            attn_mask=seen,
            enable_gqa=self._heads != self._kv_heads,
        )
        return mixed[0].transpose(0, 1).reshape(query.shape[0], -1)


def _rms_norm(norm: Any, hidden: Tensor) -> Tensor:
    return F.rms_norm(hidden, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _mlp(mlp: nn.Module, hidden: Tensor) -> Tensor:
    gate, up = mlp.gate_up_proj(hidden).chunk(2, dim=-1)  # type: ignore[operator]
    return mlp.down_proj(up * F.silu(gate))  # type: ignore[operator]
