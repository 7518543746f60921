"""Finding checkpoints: on this machine, in the cache of the hub, or on the hub."""

import os
from dataclasses import replace
from pathlib import Path

import torch

from phi3v_tui import memory
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache, download
from phi3v_tui.hub.download import Report
from phi3v_tui.hub.source import PINNED, Source
from phi3v_tui.paths import expanded
from phi3v_tui.phi3v import devices
from phi3v_tui.phi3v.checkpoint import Checkpoint, check, check_config
from phi3v_tui.phi3v.damage import DamagedFile

PUBLISHED = tuple(PINNED)
"""Published checkpoints, the one to prefer first."""

BUNDLED = Path(__file__).parent.parent / "demo" / "checkpoint"
BUNDLED_NAME = "Demo model"

_FULL_MODEL_COMMAND = f"phi3v-tui --model {PUBLISHED[0]}"
_DEMO_NOTICE = (
    "This is the small bundled demonstration model: it knows coloured shapes and simple charts, and"
    f" misreads much print. For the full model run: {_FULL_MODEL_COMMAND} (downloads 8.3 GB)."
)


def find(model: str, device: torch.device, dtype: torch.dtype, report: Report) -> Checkpoint:
    """Resolve the name of a model.

    Args:
        model: "auto", "demo", a folder, or a hub id, which is downloaded where it is missing;
            after it "@revision" may say which commit, branch or tag.
        device: Where it is to run; "auto" asks whether the published ones fit there.
        dtype: Its precision there.
        report: Told of a download.

    Raises:
        ModelError: There is no such model, or it is not one that can be run.
    """
    if model == "auto":
        return _automatic(device, dtype)
    if model == "demo":
        return _bundled()
    folder = expanded(model)
    if os.path.isdir(folder):
        return check(folder, folder.resolve().name)
    if os.path.exists(folder):
        raise ModelError(
            f"{model} is a file.", "Choose the folder that holds config.json and the weights."
        )
    source = Source.parse(model)
    if source is None:
        raise ModelError(
            f'There is no model folder "{model}".',
            f"Choose demo, a folder, or a hub id such as {PUBLISHED[0]}.",
        )
    return _from_hub(source, report)


def _automatic(device: torch.device, dtype: torch.dtype) -> Checkpoint:
    """The published weights where they are here and fit, else the bundled ones."""
    for repo in PUBLISHED:
        try:
            checkpoint = _cached(Source.pinned(repo))
        except DamagedFile as damage:
            return _bundled(f"The small bundled demonstration model answers: {damage}")
        if checkpoint is None:
            continue
        if fits(checkpoint, device, dtype):
            return checkpoint
        return _bundled(
            f"{checkpoint.name} is on this machine but does not fit into the memory of {device};"
            f" the small bundled demonstration model answers instead. phi3v-tui --model {repo} says"
            " what is missing."
        )
    return _bundled()


def fits(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there is room for a checkpoint on a device, quantised if it has to be."""
    try:
        memory.plan(checkpoint.shapes, devices.room(device, dtype))
    except memory.DoesNotFit:
        return False
    return True


def _bundled(notice: str = _DEMO_NOTICE) -> Checkpoint:
    checked = check(BUNDLED, BUNDLED_NAME)
    return replace(checked, source="demo", bundled=True, notice=notice)


def _from_hub(source: Source, report: Report) -> Checkpoint:
    checkpoint = _cached(source)
    if checkpoint is not None:
        return checkpoint
    found = download.find(source, report)
    # The config alone first: nobody should wait for gigabytes of a model that cannot be run.
    check_config(download.download_config(found), source.repo)
    snapshot = download.download(found, report)
    return _of_hub(source, snapshot)


def _cached(source: Source) -> Checkpoint | None:
    """A checkpoint from the hub that is on this machine already, and whole.

    Raises:
        DamagedFile: There is one, and a file of it cannot be used.
    """
    damage = None
    for snapshot in cache.snapshots(source):
        try:
            return _of_hub(source, snapshot)
        except DamagedFile as error:
            damage = damage or (None if error.is_cut else error)
        except ModelError:
            continue
    if damage is not None:
        raise damage
    return None


def _of_hub(source: Source, snapshot: cache.Snapshot) -> Checkpoint:
    checked = check(snapshot.folder, source.name)
    return replace(checked, source=source.asked, notice=snapshot.notice)
