"""Finding and checking checkpoints. Only data is read: no code, no pickle."""

import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from phi3v_tui import memory
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache, download
from phi3v_tui.hub.download import Report
from phi3v_tui.hub.source import PINNED, Source
from phi3v_tui.memory import Shapes
from phi3v_tui.phi3v import devices

PUBLISHED = tuple(PINNED)
"""Published checkpoints, the one to prefer first."""

BUNDLED = Path(__file__).parent.parent / "demo" / "checkpoint"
BUNDLED_NAME = "Demo model"

_FULL_MODEL_COMMAND = f"phi3v-tui --model {PUBLISHED[0]}"
_DEMO_NOTICE = (
    "This is the small bundled demonstration model: it knows simple drawings, charts and covers"
    f" only. For the full model run: {_FULL_MODEL_COMMAND} (downloads 8.3 GB)."
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this machine that has been checked.

    Attributes:
        folder: Where its files are.
        name: For people.
        bundled: Whether it is the demonstration model.
        notice: A sentence that people should read once, or empty.
    """

    folder: Path
    name: str
    bundled: bool = False
    notice: str = ""

    @property
    def weight_files(self) -> list[Path]:
        """Its safetensors files."""
        return _weight_files(self.folder)

    @property
    def weight_bytes(self) -> int:
        """Size of its weights on the disk."""
        return sum(path.stat().st_size for path in self.weight_files)

    @property
    def shapes(self) -> Shapes:
        """Its sizes in numbers, by its config.json."""
        return Shapes.of(_read_json(self.folder / "config.json"))


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
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _checked(folder, folder.resolve().name)
    if folder.exists():
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
        checkpoint = _cached(Source.pinned(repo))
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
    checked = _checked(BUNDLED, BUNDLED_NAME)
    return Checkpoint(checked.folder, checked.name, bundled=True, notice=notice)


def _from_hub(source: Source, report: Report) -> Checkpoint:
    checkpoint = _cached(source)
    if checkpoint is not None:
        return checkpoint
    found = download.find(source, report)
    # The config alone first: nobody should wait for gigabytes of a model that cannot be run.
    _check_config(download.download_config(found), source.repo)
    snapshot = download.download(found, report)
    return replace(_checked(snapshot.folder, source.name), notice=snapshot.notice)


def _cached(source: Source) -> Checkpoint | None:
    """A checkpoint from the hub that is on this machine already, and whole."""
    for snapshot in cache.snapshots(source):
        try:
            return replace(_checked(snapshot.folder, source.name), notice=snapshot.notice)
        except ModelError:
            continue
    return None


def _checked(folder: Path, name: str) -> Checkpoint:
    """Check all that can be checked without reading the weights.

    Raises:
        ModelError: Says which file is missing, cut short, or of another kind of model.
    """
    _check_config(folder, name)
    for file in ("tokenizer.json", "preprocessor_config.json"):
        if not (folder / file).is_file():
            raise ModelError(
                f"{name} lacks the file {file}.", "Choose a folder with all files of a checkpoint."
            )
    for path in _weight_files(folder):
        _check_size(path)
    return Checkpoint(folder, name)


def _check_config(folder: Path, name: str) -> None:
    config = _read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind != "phi3_v":
        raise ModelError(
            f"{name} is a {kind or 'nameless'} model; this program runs phi3_v models.",
            f"Choose for instance {PUBLISHED[0]}.",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"There is no {path.name} in {path.parent}.",
            "Choose a folder with all files of a checkpoint.",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read.", "Download the checkpoint again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no settings.", "Download the checkpoint again.")
    return content


def _weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder, all of them there.

    Raises:
        ModelError: There are none, or not all.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(_read_json(index).get("weight_map", {}).values())
        paths = sorted(folder / Path(shard).name for shard in shards)
    else:
        paths = [folder / "model.safetensors"]
    missing = [path for path in paths if not path.is_file()]
    if paths and not missing:
        return paths
    if any(folder.glob("*.bin")) and not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder} has its weights as pickle files only, which could run any code.",
            "Convert them to safetensors first.",
        )
    name = missing[0].name if missing else "model.safetensors"
    raise ModelError(f"{folder} lacks the weights {name}.", "Download the checkpoint again.")


def _check_size(path: Path) -> None:
    """A safetensors file says in its header how long it is.

    Raises:
        ModelError: It is shorter or longer, or has no header.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (header_size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(header_size, size)))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
        expected = 8 + header_size + max(ends)
    except (struct.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelError(
            f"{path} is not a safetensors file.", "Download the checkpoint again."
        ) from error
    if size != expected:
        raise ModelError(
            f"{path.name} is incomplete: {size:,} of {expected:,} bytes are there.",
            "Download the checkpoint again.",
        )
