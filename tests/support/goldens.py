"""Numbers of the reference code to compare with.

tests/golden holds what a fresh clone needs. The full set, several times as large, is used too where
the environment variable PHI3V_GOLDEN names its folder.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.support.tiny_checkpoint import GOLDEN, TINY_3, TINY_35, Tiny

IMAGES = GOLDEN / "image_processor" / "images"
MODELS = (TINY_3, TINY_35)
FULL = os.environ.get("PHI3V_GOLDEN")

needs_full_goldens = pytest.mark.skipif(
    not FULL, reason="PHI3V_GOLDEN does not name the folder of the full goldens"
)


def read_json(*parts: str) -> Any:
    """A file of tests/golden."""
    return json.loads(GOLDEN.joinpath(*parts).read_text(encoding="utf-8"))


def cases(tiny: Tiny) -> dict[str, Any]:
    """Inputs and greedy tokens of one tiny checkpoint, by case."""
    return read_json("model", f"{tiny.name}.golden.json")["cases"]


def reduced(tiny: Tiny) -> dict[str, np.ndarray]:
    """Numbers of one tiny checkpoint, thinned out as `thin` does."""
    return load_file(GOLDEN / "model" / f"{tiny.name}.reduced.safetensors")


def full(tiny: Tiny) -> dict[str, np.ndarray]:
    """All numbers of one tiny checkpoint."""
    return load_file(Path(str(FULL)) / "model" / f"{tiny.name}.golden.safetensors")


def unroll(pairs: list[list[int]]) -> list[int]:
    """Ids from [id, repeat count] pairs."""
    return [token for token, count in pairs for _ in range(count)]


def thin(name: str, numbers: np.ndarray) -> np.ndarray | None:
    """What tests/golden keeps of a tensor of the full goldens; None for nothing."""
    kind = name.split("/")[1]
    if kind == "argmax":
        return numbers.astype(np.uint16)
    if kind == "logits_last64_strided":
        return None
    stride = {"logits_last": 16, "logsumexp": 16, "generate_logits_strided": 16}.get(kind)
    if stride:
        return np.ascontiguousarray(numbers[..., ::stride])
    return np.ascontiguousarray(numbers[::12])


def thinned(numbers: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """All that tests/golden keeps."""
    for name, values in sorted(numbers.items()):
        kept = thin(name, values)
        if kept is not None:
            yield name, kept
