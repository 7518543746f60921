"""Checkpoints with random weights, in the published layout."""

import json
import math
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from phi3v_tui.bench.tokenizer import build_tokenizer
from phi3v_tui.errors import ModelError

PUBLISHED = Path(__file__).parent / "published"
"""Settings of Phi-3.5-vision-instruct."""

SEED = 2024
SHARD_BYTES = 1024**3
"""Largest weight file; what is held in memory while a checkpoint is written."""

_CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + "
    "'<|end|>\n' }}{% endfor %}{% if add_generation_prompt and messages[-1]['role'] != "
    "'assistant' %}{{- '<|assistant|>\n' -}}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a decoder and its vision tower.

    Attributes:
        decoder: Settings of config.json that differ from the published ones.
        tower: CLIP settings that differ from CLIP-L/336; None leaves it as published.
    """

    decoder: dict[str, int]
    tower: dict[str, int] | None


def _shape(
    decoder: tuple[int, int, int, int, int], tower: tuple[int, int, int, int] | None
) -> Shape:
    """Hidden size, MLP size, layers and heads of both; the decoder's KV heads last."""
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    settings = dict(zip((*names, "num_key_value_heads"), decoder, strict=True))
    return Shape(settings, dict(zip(names, tower, strict=True)) if tower else None)


SIZES = {
    "small": _shape((96, 192, 3, 4, 2), (64, 128, 4, 4)),
    "medium": _shape((512, 1376, 8, 8, 8), (256, 1024, 6, 4)),
    "full": _shape((3072, 8192, 32, 32, 32), None),
}
"""small is the shape that the reference numbers in tests were made with, full the published one."""


def config(size: str) -> dict[str, Any]:
    """The published config.json with the sizes of one of `SIZES`."""
    settings = json.loads((PUBLISHED / "config.json").read_text("utf-8"))
    shape = SIZES[size]
    settings |= shape.decoder
    heads = settings["num_attention_heads"]
    _thin_out(settings["rope_scaling"], settings["hidden_size"] // heads // 2)
    if shape.tower:
        vision = shape.tower | {"image_size": 336, "patch_size": 14, "projection_dim": 32}
        settings["img_processor"] |= {
            "image_dim_out": vision["hidden_size"],
            "vision_config": vision,
        }
    return settings


def _thin_out(rope_scaling: dict[str, Any], count: int) -> None:
    """Keep `count` of the rope factors, spread evenly."""
    for name in ("short_factor", "long_factor"):
        factors = rope_scaling[name]
        rope_scaling[name] = [
            factors[(2 * n + 1) * len(factors) // (2 * count)] for n in range(count)
        ]


def make(size: str, folder: Path) -> Path:
    """Write a checkpoint, unless it is there already.

    Args:
        size: One of `SIZES`.
        folder: Where checkpoints of all sizes are kept.

    Returns:
        Its own folder.

    Raises:
        ModelError: The disk has no room for it.
    """
    ready = folder / f"random-{size}"
    if _holds(ready, config(size)):
        return ready
    shutil.rmtree(ready, ignore_errors=True)
    partial = folder / f"random-{size}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(config(size), partial)
        partial.replace(ready)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return ready


def _holds(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether a folder has a checkpoint of these settings; config.json is written last."""
    path = folder / "config.json"
    return path.is_file() and json.loads(path.read_text("utf-8")) == settings


def _write(settings: dict[str, Any], folder: Path) -> None:
    _write_weights(settings, folder)
    for name in ("preprocessor_config.json", "generation_config.json"):
        shutil.copy(PUBLISHED / name, folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(settings["vocab_size"]),
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        chat_template=_CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=settings["max_position_embeddings"],
    )
    fast.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(settings, indent=2), "utf-8")


def _write_weights(settings: dict[str, Any], folder: Path) -> None:
    """Write shard by shard, so that never more than one is in memory."""
    shards = _shards(dict(sorted(shapes(settings))))
    total = sum(_bytes(shape) for shard in shards for shape in shard.values())
    _require_room(folder, total)
    names = ["model.safetensors"]
    if len(shards) > 1:
        names = [f"model-{n + 1:05}-of-{len(shards):05}.safetensors" for n in range(len(shards))]
        _write_index(folder, names, shards, total)
    for name, shard in zip(names, shards, strict=True):
        tensors = {key: draw(key, shape) for key, shape in shard.items()}
        save_file(tensors, folder / name, metadata={"format": "pt"})


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"The checkpoint takes {needed / 1e9:.1f} GB; {folder} has {free / 1e9:.1f} GB left.",
            "Make room, or choose a smaller one with --random.",
        )


def _write_index(
    folder: Path, names: list[str], shards: list[dict[str, tuple[int, ...]]], total: int
) -> None:
    where = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def _shards(found: dict[str, tuple[int, ...]]) -> list[dict[str, tuple[int, ...]]]:
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    held = 0
    for name, shape in found.items():
        if shards[-1] and held + _bytes(shape) > SHARD_BYTES:
            shards.append({})
            held = 0
        shards[-1][name] = shape
        held += _bytes(shape)
    return shards


def _bytes(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * torch.bfloat16.itemsize


def draw(name: str, shape: tuple[int, ...]) -> Tensor:
    """Draw one tensor in bfloat16; its name and `SEED` decide its numbers.

    Spreads keep activations of a sensible size in every layer, so that the likeliest token depends
    on all that was read.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode(), SEED))
    noise = torch.randn(shape, generator=generator)
    if "norm" in name or "layrnorm" in name:
        drawn = noise.mul_(0.1) if name.endswith(".bias") else noise.mul_(0.1).add_(1)
    else:
        drawn = noise.mul_(_spread(name, shape))
    return drawn.to(torch.bfloat16)


def _spread(name: str, shape: tuple[int, ...]) -> float:
    if name.endswith(".bias"):
        return 0.05
    if name.endswith(("embed_tokens.weight", "class_embedding", "position_embedding.weight")):
        return 0.3
    if "_GN" in name:
        return 0.6
    inputs = math.prod(shape[1:])
    return (1.5 if "qkv_proj" in name else 1.0) / math.sqrt(inputs)


def shapes(settings: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Published name and shape of each tensor of a config."""
    from phi3v_tui.phi3v.configuration import Phi3VConfig
    from phi3v_tui.phi3v.modeling import Phi3VForCausalLM

    with torch.device("meta"):
        model = Phi3VForCausalLM(Phi3VConfig(**json.loads(json.dumps(settings))))
    for name, tensor in model.state_dict().items():
        yield name.replace(".img_processor.", ".img_processor.vision_model."), tuple(tensor.shape)
