"""Phi-3's decoder over a KV slot: one function serves a chunk of the prompt and a single token.

It runs on the loaded model's own modules. Positions come as a tensor, so that nothing in a step
waits for the device.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from phi3v_tui.phi3v.attention import Attend
from phi3v_tui.phi3v.kv_cache import KVCache
from phi3v_tui.phi3v.prefill_attention import choose_causal
from phi3v_tui.phi3v.rope import RopeRegime


class RopeTables:
    """Tables of rotary embeddings for the regime in use.

    They lie at fixed addresses for as long as the capacity stays: another regime fills them anew.

    Attributes:
        cos: [capacity, head size].
        sin: The same shape; its first half is negated, for `rotate`.
    """

    def __init__(self, config: Any, dtype: torch.dtype, device: torch.device) -> None:
        self._config = config
        self._dtype = dtype
        self._device = device
        self._regime: RopeRegime | None = None
        self.cos = torch.empty(0)
        self.sin = torch.empty(0)

    def prepare(self, regime: RopeRegime, capacity: int) -> None:
        """Fill the tables for positions below `capacity`."""
        grows = capacity > len(self.cos)
        if regime == self._regime and not grows:
            return
        cos, sin = self._tables(regime, max(capacity, len(self.cos)))
        if grows:
            self.cos, self.sin = cos, sin
        else:
            self.cos.copy_(cos)
            self.sin.copy_(sin)
        self._regime = regime

    def _tables(self, regime: RopeRegime, capacity: int) -> tuple[Tensor, Tensor]:
        frequencies, scaling = self._frequencies(regime)
        positions = torch.arange(capacity, dtype=torch.float32, device=self._device)
        angles = positions[:, None] * frequencies[None, :].to(self._device)
        cos, sin = angles.cos() * scaling, angles.sin() * scaling
        cos, sin = torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)
        return cos.to(self._dtype), sin.to(self._dtype)

    def _frequencies(self, regime: RopeRegime) -> tuple[Tensor, float]:
        """Inverse frequencies [head size / 2] in float32, and the attention scaling."""
        length = self._config.original_max_position_embeddings + regime.long
        return ROPE_INIT_FUNCTIONS["longrope"](self._config, self._device, seq_len=length)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate queries or keys [tokens, heads, head size] by tables [tokens, 1, head size]."""
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


@dataclass(frozen=True, slots=True)
class _Norm:
    """A layer norm; on plain fields, for looking them up in a module costs more than its work."""

    weight: Tensor
    shape: tuple[int, ...]
    epsilon: float

    @classmethod
    def of(cls, module: Any) -> "_Norm":
        return cls(module.weight, tuple(module.weight.shape), module.variance_epsilon)

    def __call__(self, hidden: Tensor) -> Tensor:
        return F.rms_norm(hidden, self.shape, self.weight, self.epsilon)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The parts of one layer. The linear ones are called as modules: they may be quantised."""

    attention_norm: _Norm
    qkv: Any
    out: Any
    mlp_norm: _Norm
    gate_up: Any
    down: Any

    @classmethod
    def of(cls, layer: Any) -> "_Layer":
        return cls(
            _Norm.of(layer.input_layernorm),
            layer.self_attn.qkv_proj,
            layer.self_attn.o_proj,
            _Norm.of(layer.post_attention_layernorm),
            layer.mlp.gate_up_proj,
            layer.mlp.down_proj,
        )

    def mlp(self, hidden: Tensor) -> Tensor:
        gate, up = self.gate_up(self.mlp_norm(hidden)).chunk(2, dim=-1)
        return self.down(up * F.silu(gate))


class Decoder:
    """Embeddings -> logits, one chunk at a time, over a `KVCache`.

    It takes the model's parts when it is made: what is replaced in the model later is not seen.

    Args:
        model: A loaded `Phi3VForCausalLM`.

    Attributes:
        causal: Makes the attention for a chunk of the prompt.
    """

    def __init__(self, model: Any) -> None:
        config = model.config
        self.config = config
        self.dtype: torch.dtype = model.model.norm.weight.dtype
        self.device: torch.device = model.model.norm.weight.device
        self.rope = RopeTables(config, self.dtype, self.device)
        self._heads: int = config.num_attention_heads
        self._kv_heads: int = config.num_key_value_heads
        self._head_size: int = config.hidden_size // self._heads
        self.causal = choose_causal(
            self._heads, self._kv_heads, self._head_size, self.dtype, self.device
        )
        self._layers = [_Layer.of(layer) for layer in model.model.layers]
        self._norm = _Norm.of(model.model.norm)
        self._embed_tokens = model.model.embed_tokens
        self._lm_head = model.lm_head

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
        return self._lm_head(self._norm(hidden))

    def forward(self, hidden: Tensor, positions: Tensor, cache: KVCache, attend: Attend) -> Tensor:
        """Run all layers, and write keys and values into the slot.

        Args:
            hidden: Embeddings [tokens, hidden size].
            positions: Their places in the slot, int64 [tokens].
            cache: The slot; everything before `positions` is in it.
            attend: How they look at what is in the slot.

        Returns:
            [tokens, hidden size], before the last norm.
        """
        cos = self.rope.cos.index_select(0, positions)[:, None, :]
        sin = self.rope.sin.index_select(0, positions)[:, None, :]
        for layer, keys, values in zip(self._layers, cache.keys, cache.values, strict=True):
            qkv = layer.qkv(layer.attention_norm(hidden))
            query = self._write(qkv, cos, sin, positions, keys, values)
            hidden = hidden + layer.out(attend(query, keys, values))
            hidden = hidden + layer.mlp(hidden)
        return hidden

    def _write(
        self,
        qkv: Tensor,
        cos: Tensor,
        sin: Tensor,
        positions: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> Tensor:
        """Put keys and values into one layer's slot; queries [tokens, heads, head size]."""
        qkv = qkv.view(qkv.shape[0], -1, self._head_size)
        query_key, value = qkv.split((self._heads + self._kv_heads, self._kv_heads), dim=1)
        query, key = rotate(query_key, cos, sin).split((self._heads, self._kv_heads), dim=1)
        keys.index_copy_(1, positions, key.transpose(0, 1))
        values.index_copy_(1, positions, value.transpose(0, 1))
        return query
