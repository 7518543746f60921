"""Inputs of the model goldens, made from what their json files say."""

import re
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from phi3v_tui.phi3v import Phi3VForCausalLM, Phi3VImageProcessor
from tests.support.goldens import IMAGES, cases, read_json, unroll
from tests.support.tiny_checkpoint import Tiny

PAD = 32000
"""`<|endoftext|>`, with which rows of a batch are padded."""

NUM_CROPS = {"tiny-phi-3-vision": 16, "tiny-phi-3.5-vision": 4}


@cache
def formula_pixels(tiny: Tiny, name: str) -> tuple[Tensor, Tensor]:
    """pixel_values and image_sizes that need no image processor."""
    golden = read_json("model", f"{tiny.name}.golden.json")["vision"][name]
    noise = np.random.RandomState(golden["seed"]).standard_normal(
        (golden["num_images"], golden["num_crops"] + 1, 3, 336, 336)
    )
    pixels = torch.from_numpy(noise.astype(np.float32))
    for crops, (height, width) in zip(pixels, golden["sizes"], strict=True):
        crops[1 + (height // 336) * (width // 336) :] = 0
    return pixels, torch.tensor(golden["sizes"])


@cache
def picture_pixels(tiny: Tiny, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """pixel_values and image_sizes of sample pictures."""
    processor = Phi3VImageProcessor(num_crops=NUM_CROPS[tiny.name])
    processed = processor([Image.open(IMAGES / name) for name in names], return_tensors="pt")
    return processed["pixel_values"], processed["image_sizes"]


def ids_of(case: dict[str, Any]) -> list[int]:
    """Input ids of a case."""
    if "input_ids_rle" in case:
        return unroll(case["input_ids_rle"])
    formula = case["ids_formula"]
    seed, size = re.search(
        r"RandomState\((\d+)\)\.randint\(3, 32000, size=(\d+)\)", formula
    ).groups()
    random = np.random.RandomState(int(seed)).randint(3, 32000, size=int(size)).tolist()
    if not formula.startswith("["):
        return random
    head, count = re.match(r"\[([\d, ]+)\] \+ \[-1\]\*(\d+) \+ ", formula).groups()
    return [*map(int, head.split(",")), *[-1] * int(count), *random]


def inputs_of(tiny: Tiny, name: str) -> dict[str, Tensor]:
    """What to call the model with."""
    case = cases(tiny)[name]
    if "rows" in case:
        return _batch([inputs_of(tiny, row) for row in case["rows"]])
    ids = torch.tensor([ids_of(case)])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if "pixels" in case:
        pixels, sizes = formula_pixels(tiny, case["pixels"].removeprefix("vision."))
    elif case.get("images"):
        pixels, sizes = picture_pixels(tiny, tuple(case["images"]))
    else:
        return inputs
    return inputs | {"pixel_values": pixels, "image_sizes": sizes}


def _batch(rows: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Rows of different length, padded on the left."""
    length = max(row["input_ids"].shape[1] for row in rows)
    batch = {
        name: torch.cat([_pad_left(row[name], length, value) for row in rows])
        for name, value in (("input_ids", PAD), ("attention_mask", 0))
    }
    if "pixel_values" in rows[0]:
        for name in ("pixel_values", "image_sizes"):
            batch[name] = torch.cat([row[name] for row in rows])
    return batch


def _pad_left(row: Tensor, length: int, value: int) -> Tensor:
    return torch.nn.functional.pad(row, (length - row.shape[1], 0), value=value)


class Forward:
    """Numbers of one forward pass without a cache, at all positions of a single row.

    The head is applied to a part of the positions at a time: all logits of the longest prompt would
    take 800 MB.

    Attributes:
        logits_last: [vocabulary] at the last position.
        last64_strided: [up to 64, 501] at the last positions, every 64th id of the vocabulary.
        argmax: [length].
        logsumexp: [length].
    """

    @torch.no_grad()
    def __init__(self, model: Phi3VForCausalLM, inputs: dict[str, Tensor]) -> None:
        hidden = []
        hook = model.model.norm.register_forward_hook(lambda *call: hidden.append(call[2][0]))
        try:
            last = model(**inputs, use_cache=False, logits_to_keep=64).logits[0]
        finally:
            hook.remove()
        best, total = [], []
        for part in hidden[0].split(512):
            logits = model.lm_head(part)
            best.append(logits.argmax(-1))
            total.append(logits.logsumexp(-1))
        self.logits_last = last[-1].numpy().copy()
        self.last64_strided = last[:, ::64].numpy().copy()
        self.argmax = torch.cat(best).numpy()
        self.logsumexp = torch.cat(total).numpy()
