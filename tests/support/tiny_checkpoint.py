"""Small random checkpoints in the published layout, made from a formula.

The goldens of the model were computed with these weights. torch's CPU generator gives the same
numbers on every machine, and `digest` proves it.
"""

import hashlib
import json
import lzma
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent.parent / "golden"


@dataclass(frozen=True, slots=True)
class Tiny:
    """One checkpoint.

    Attributes:
        name: Folder of its config.json in golden/model, and first part of its goldens' names.
        published: Folder of its other files in golden/published.
        seed: Of its weights.
        digest: sha256 of all its tensors.
    """

    name: str
    published: str
    seed: int
    digest: str


TINY_3 = Tiny(
    "tiny-phi-3-vision",
    "Phi-3-vision-128k-instruct",
    1001,
    "c1e5b3449845d4a2c2bf868242ad3f7831bb66277ba000fac7fdd83e15e03f34",
)
TINY_35 = Tiny(
    "tiny-phi-3.5-vision",
    "Phi-3.5-vision-instruct",
    2002,
    "613644674806dc3cf181dc7783543c61b87c40bec03f4cff3c7fa17022cccea6",
)


def write_checkpoint(tiny: Tiny, folder: Path) -> Path:
    """Write a whole checkpoint: configs, tokenizer and weights."""
    from safetensors.torch import save_file

    shutil.copytree(GOLDEN / "published" / tiny.published, folder)
    shutil.copy(GOLDEN / "model" / tiny.name / "config.json", folder)
    write_tokenizer(folder)
    tensors = weights(json.loads((folder / "config.json").read_text()), tiny.seed)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_tokenizer(folder: Path) -> None:
    """Unpack the published tokenizer."""
    packed = (GOLDEN / "published" / "tokenizer.json.xz").read_bytes()
    (folder / "tokenizer.json").write_bytes(lzma.decompress(packed))


def weights(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Draw all tensors in the order of their names, in bfloat16."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {
        name: _scaled(name, torch.randn(shape, generator=generator)).to(torch.bfloat16)
        for name, shape in sorted(shapes(config))
    }


def digest(tensors: dict[str, Any]) -> str:
    """sha256 of names and bits of all tensors."""
    import torch

    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].contiguous().view(torch.int16).numpy().tobytes())
    return total.hexdigest()


def shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Published name and shape of each tensor."""
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    yield "model.embed_tokens.weight", (vocab, hidden)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (vocab, hidden)
    for layer in range(config["num_hidden_layers"]):
        yield from _prefixed(f"model.layers.{layer}.", _decoder_layer(config))
    yield from _prefixed("model.vision_embed_tokens.", _vision(config))


def _decoder_layer(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    return {
        "self_attn.qkv_proj.weight": ((heads + 2 * kv_heads) * (hidden // heads), hidden),
        "self_attn.o_proj.weight": (hidden, hidden),
        "mlp.gate_up_proj.weight": (2 * inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


def _vision(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, tower = config["hidden_size"], config["img_processor"]["vision_config"]
    width, patch = tower["hidden_size"], tower["patch_size"]
    found = {
        "glb_GN": (1, 1, 4 * width),
        "sub_GN": (1, 1, 1, 4 * width),
        "img_projection.0.weight": (hidden, 4 * width),
        "img_projection.0.bias": (hidden,),
        "img_projection.2.weight": (hidden, hidden),
        "img_projection.2.bias": (hidden,),
    }
    inner = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, patch, patch),
        "embeddings.position_embedding.weight": ((tower["image_size"] // patch) ** 2 + 1, width),
        **_norm("pre_layrnorm", width),
        **_norm("post_layernorm", width),
    }
    for layer in range(tower["num_hidden_layers"]):
        inner |= dict(_prefixed(f"encoder.layers.{layer}.", _tower_layer(tower)))
    return found | dict(_prefixed("img_processor.vision_model.", inner))


def _tower_layer(tower: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    found = {
        "mlp.fc1.weight": (inner, width),
        "mlp.fc1.bias": (inner,),
        "mlp.fc2.weight": (width, inner),
        "mlp.fc2.bias": (width,),
        **_norm("layer_norm1", width),
        **_norm("layer_norm2", width),
    }
    for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
        found |= {
            f"self_attn.{name}.weight": (width, width),
            f"self_attn.{name}.bias": (width,),
        }
    return found


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _prefixed(
    prefix: str, found: dict[str, tuple[int, ...]]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, shape in found.items():
        yield prefix + name, shape


# Spread of a tensor by the first of these that its name contains; the order matters.
_SPREADS = (
    (".bias", 0.05),
    ("_GN", 0.6),
    ("embed_tokens.weight", 0.3),
    ("patch_embedding", 0.05),
    ("class_embedding", 0.3),
    ("position_embedding", 0.3),
    ("qkv_proj", 0.16),
    ("lm_head", 0.12),
    ("img_processor", 0.15),
    ("img_projection.0", 0.06),
    ("", 0.1),
)


def _scaled(name: str, noise: Any) -> Any:
    """Spread of each tensor, so that activations stay of a sensible size."""
    if any(part in name for part in ("layernorm.", "layrnorm.", "layer_norm", "model.norm.")):
        return 0.1 * noise if name.endswith(".bias") else 1 + 0.1 * noise
    return next(spread for part, spread in _SPREADS if part in name) * noise
