"""The models that are on this machine or could be, and what each needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from phi3v_tui import memory
from phi3v_tui.engine.models import Model, State
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache
from phi3v_tui.hub.cache import Snapshot
from phi3v_tui.hub.source import PINNED, PUBLISHED_BYTES, Source
from phi3v_tui.memory import Room
from phi3v_tui.phi3v import devices, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from phi3v_tui.phi3v.damage import DamagedFile
from phi3v_tui.shapes import PUBLISHED, Quantization, Shapes

CONTEXTS = (4096, 8192)
"""Tokens of prompt and answer for which the memory is told."""

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Need:
    """Memory that a model takes on a device.

    Attributes:
        device: The device.
        weights: How the weights are held, for people.
        quantization: The same, as `--quantize` takes it.
        context: Tokens of prompt and answer.
        size: Bytes in all.
        fits: Whether that much is free now.
    """

    device: str
    weights: str
    quantization: Quantization
    context: int
    size: int
    fits: bool


def rooms() -> list[Room]:
    """The devices that torch can use here, GPUs first."""
    gpus = [
        Room(f"cuda:{gpu.index} ({gpu.name})", gpu.free, torch.bfloat16.itemsize)
        for gpu in devices.gpus()
    ]
    return [*gpus, devices.room(_CPU, devices.choose_dtype(_CPU))]


def models(folders: list[Path]) -> Iterator[Model]:
    """The bundled model, those of the hub, and those in folders."""
    yield _in_folder("demo", weights.BUNDLED, is_bundled=True)
    for repo in dict.fromkeys((*PINNED, *cache.repos("phi3_v"))):
        yield _of_hub(repo)
    for folder in folders:
        yield _in_folder(str(folder), folder)


def needs(shapes: Shapes, room: Room) -> Iterator[Need]:
    """What a model takes on a device, by how its weights are held and by context."""
    for quantization in Quantization:
        words = memory.weights_in_words(quantization, room.itemsize)
        for context in CONTEXTS:
            size = memory.needed(shapes, room.itemsize, quantization, context)
            yield Need(room.place, words, quantization, context, size, size <= room.free)


def _in_folder(name: str, folder: Path, is_bundled: bool = False) -> Model:
    try:
        found = _check(folder)
    except ModelError as error:
        is_model = is_bundled or (folder / "config.json").is_file()
        state = State.DAMAGED if is_model else State.NONE
        return Model(name, state, folder, _files_size(folder), None, str(error), None, is_bundled)
    size = found.weight_bytes
    return Model(name, State.HERE, folder, size, size, "", found.shapes, is_bundled)


def _of_hub(repo: str) -> Model:
    here, remark, damage = cache.bytes_here(repo), "", ""
    for name, snapshot in _candidates(repo):
        try:
            found = _check(snapshot.folder)
        except ModelError as error:
            remark = remark or error.title
            if isinstance(error, DamagedFile) and not error.is_cut:
                damage = damage or str(error)
            continue
        folder, size = snapshot.folder, found.weight_bytes
        return Model(name, State.HERE, folder, here, size, snapshot.notice, found.shapes)
    whole, shapes = (PUBLISHED_BYTES, PUBLISHED) if repo in PINNED else (None, None)
    if damage:
        return Model(repo, State.DAMAGED, None, here, whole, damage, shapes)
    state = State.IN_PART if here else State.MISSING
    return Model(repo, state, None, here, whole, "" if repo in PINNED else remark, shapes)


def _candidates(repo: str) -> Iterator[tuple[str, Snapshot]]:
    """Revisions in the cache, each with what to give to `--model` for it."""
    source = Source.pinned(repo) if repo in PINNED else Source(repo)
    for snapshot in cache.snapshots(source):
        yield repo, snapshot
    if not source.is_pinned:
        for folder in cache.revisions(repo):
            yield f"{repo}@{folder.name}", Snapshot(folder)


def _check(folder: Path) -> Checkpoint:
    if not folder.exists():
        raise ModelError(f"There is no folder {folder}.", "")
    return weights.find(str(folder.absolute()), _CPU, torch.float32, lambda *_: None)


def _files_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
