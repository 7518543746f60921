"""How large a model is, from its config.json alone. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

GROUP_SIZE = 64
"""Weights of a row that share a scale and an offset in int4."""


class Quantization(StrEnum):
    """How the weights of the decoder's linear layers are held; all else keeps its precision."""

    NONE = "none"
    INT8 = "int8"
    INT4 = "int4"


@dataclass(frozen=True, slots=True)
class Shapes:
    """Sizes of a model, in numbers rather than bytes.

    Attributes:
        linear: Weights of the decoder's linear layers, which can be quantised.
        channels: Their output channels together.
        other: Embeddings, norms, head, vision tower and projection.
        kv_per_token: Keys and values of one token in all layers.
        longest: Most tokens of prompt and answer that it was made for.
    """

    linear: int
    channels: int
    other: int
    kv_per_token: int
    longest: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Shapes":
        """Read the sizes from a checkpoint's config.json, which may leave out those of Phi-3."""
        hidden, layers = config.get("hidden_size", 3072), config.get("num_hidden_layers", 32)
        inner, vocabulary = config.get("intermediate_size", 8192), config.get("vocab_size", 32064)
        heads = config.get("num_attention_heads", 32)
        kv_heads = config.get("num_key_value_heads") or heads
        qkv = (heads + 2 * kv_heads) * (hidden // heads)
        channels = layers * (qkv + hidden + 2 * inner + hidden)
        linear = layers * hidden * (qkv + hidden + 3 * inner)
        norms = (2 * layers + 1) * hidden
        other = 2 * vocabulary * hidden + norms + _vision(config, hidden)
        kv = 2 * layers * kv_heads * (hidden // heads)
        return cls(linear, channels, other, kv, config.get("max_position_embeddings", 131_072))

    def weights(self, quantization: Quantization, itemsize: int) -> int:
        """Bytes of all weights as they are loaded.

        Args:
            quantization: Of the decoder's linear layers.
            itemsize: Bytes of a number that is not quantised.
        """
        return self.other * itemsize + self._linear_bytes(quantization, itemsize)

    def _linear_bytes(self, quantization: Quantization, itemsize: int) -> int:
        match quantization:
            case Quantization.INT8:
                return self.linear + 2 * self.channels
            case Quantization.INT4:
                return self.linear // 2 + 4 * self.linear // GROUP_SIZE
        return self.linear * itemsize


def _vision(config: Mapping[str, Any], hidden: int) -> int:
    """Numbers of tower and projection; the tower's last layer is never loaded."""
    tower = (config.get("img_processor") or {}).get("vision_config") or {}
    width, inner = tower.get("hidden_size", 1024), tower.get("intermediate_size", 4096)
    layers, patch = tower.get("num_hidden_layers", 24) - 1, tower.get("patch_size", 14)
    positions = (tower.get("image_size", 336) // patch) ** 2 + 1
    layer = 4 * width * (width + 1) + 2 * width * inner + inner + width + 4 * width
    embeddings = width * (1 + 3 * patch**2 + positions) + 2 * width
    projection = 2 * 4 * width + (4 * width + 1) * hidden + (hidden + 1) * hidden
    return layers * layer + embeddings + projection


PUBLISHED = Shapes(
    linear=3_623_878_656,
    channels=1_015_808,
    other=510_144_512,
    kv_per_token=196_608,
    longest=131_072,
)
"""Of both published models, for when not even their config.json is here."""
