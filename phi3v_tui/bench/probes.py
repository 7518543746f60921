"""Measured beside the systems: the memory, and the vision tower with and without padding."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from phi3v_tui.bench.inputs import NUM_CROPS, picture
from phi3v_tui.bench.systems import Setup
from phi3v_tui.conversation.crops import CropLayout, crop_layout
from phi3v_tui.phi3v import Phi3VForCausalLM, Phi3VImageProcessor, devices
from phi3v_tui.phi3v.image_embedding import distinct_views
from phi3v_tui.phi3v.pictures import CROPS_AT_ONCE

_BUFFER = {"cpu": 512 * 1024**2, "cuda": 4 * 1024**3, "mps": 1024**3}
"""Bytes read to measure the bandwidth: many times what caches hold."""

_SHARE = 4
"""Of the free memory, the part that one buffer may take; there are two."""

_PASSES = 5

PICTURES = {"16:9": (1920, 1080), "4:3": (1280, 960), "2:1": (1600, 800)}
"""Pictures that are encoded, by their shape, which decides how many crops they have."""


def bandwidth(device: str, threads: int) -> float:
    """Bytes a second that large reads or copies reach on a device; the better of the two."""
    torch.set_num_threads(threads)
    place = torch.device(device)
    size = min(_BUFFER[place.type], devices.free_memory(place) // _SHARE)
    source = torch.ones(size // 4, device=place)
    target = torch.empty_like(source)
    reading = _fastest(source.sum, place)
    copying = _fastest(lambda: target.copy_(source), place)
    return max(size / reading, 2 * size / copying)


def _fastest(work: Callable[[], Any], device: torch.device) -> float:
    work()
    return min(seconds(work, device) for _ in range(_PASSES))


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """How long work takes, the device's part of it included."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def peak_memory(device: str) -> int:
    """Most bytes that this process has held: on the GPU if it runs there, else in main memory."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encoding a picture, only its real crops against all that the published code encodes.

    Attributes:
        shape: Of the picture, a key of `PICTURES`.
        crops: Its views, the global one included.
        padded_crops: The same with padding.
        real: Seconds for the real crops, as the app encodes them.
        padded: Seconds with padding, in one pass, as the published code encodes them.
        difference: Largest distance between both results, in standard deviations.
    """

    shape: str
    crops: int
    padded_crops: int
    real: float
    padded: float
    difference: float


@torch.inference_mode()
def encodings(setup: Setup, repeats: int) -> list[Encoding]:
    """Encode `PICTURES` both ways, taking turns; medians. Cutting them into crops is left out."""
    torch.set_num_threads(setup.threads)
    loaded = Phi3VForCausalLM.from_pretrained(setup.folder, dtype=setup.torch_dtype)
    model = loaded.to(setup.device).eval()
    images = Phi3VImageProcessor.from_pretrained(setup.folder)
    return [_encoding(model, images, shape, repeats) for shape in PICTURES]


def _encoding(model: Any, images: Phi3VImageProcessor, shape: str, repeats: int) -> Encoding:
    attachment = picture(*PICTURES[shape], seed=5)
    layout = crop_layout(attachment.width, attachment.height, NUM_CROPS, images.crop_size)
    image = attachment.image()
    crops = images.crops(image, layout).to(model.device)
    pixels = images(image, num_crops=NUM_CROPS, return_tensors="pt")["pixel_values"][0]
    padded = pixels.to(model.device)
    embedding = model.model.vision_embed_tokens

    def real_way() -> Tensor:
        return encode_real(embedding, crops, layout)

    def padded_way() -> Tensor:
        return encode_padded(embedding, padded, layout)

    one, other = real_way(), padded_way()
    times = [
        (seconds(real_way, model.device), seconds(padded_way, model.device)) for _ in range(repeats)
    ]
    return Encoding(
        shape=shape,
        crops=len(crops),
        padded_crops=len(padded),
        real=median(real for real, _ in times),
        padded=median(padded for _, padded in times),
        difference=float((one - other).abs().max() / other.std()),
    )


def encode_real(embedding: Any, crops: Tensor, layout: CropLayout) -> Tensor:
    """Features [tokens, hidden size] from the real crops, in passes as the app makes them."""
    passes = distinct_views(crops).split(CROPS_AT_ONCE[crops.device.type])
    return embedding.project(torch.cat([embedding.encode_crops(some) for some in passes]), layout)


def encode_padded(embedding: Any, crops: Tensor, layout: CropLayout) -> Tensor:
    """Features [tokens, hidden size] from one pass over real crops and padding."""
    return embedding.project(embedding.encode_crops(crops)[: layout.num_crops], layout)
