"""The files of a checkpoint, checked. Only data is read: no code, no pickle."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phi3v_tui.errors import ModelError
from phi3v_tui.hub.source import PINNED
from phi3v_tui.phi3v.damage import DamagedFile, reading, unreadable
from phi3v_tui.shapes import Shapes

_LONGEST_HEADER = 100_000_000
"""Bytes that the header of a safetensors file may have."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this machine that has been checked.

    Attributes:
        folder: Where its files are.
        name: For people.
        source: What `--model` takes for it.
        bundled: Whether it is the demonstration model.
        notice: A sentence that people should read once, or empty.
    """

    folder: Path
    name: str
    source: str = ""
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


def check(folder: Path, name: str) -> Checkpoint:
    """Check all that can be checked without reading the weights.

    Raises:
        ModelError: Says which file is missing, cut short, or of another kind of model.
    """
    check_config(folder, name)
    for file in ("tokenizer.json", "preprocessor_config.json"):
        _read_json(folder / file)
    for path in _weight_files(folder):
        _check_size(path)
    return Checkpoint(folder, name, str(folder.absolute()))


def check_config(folder: Path, name: str) -> None:
    """Check that a config.json is one of a model that can be run.

    Raises:
        ModelError: It is missing, damaged, or that of another kind of model.
    """
    path = folder / "config.json"
    config = _read_json(path)
    kind = config.get("model_type")
    if kind != "phi3_v":
        raise ModelError(
            f"{name} is a {kind or 'nameless'} model; this program runs phi3_v models.",
            f"Choose for instance {next(iter(PINNED))}.",
        )
    with reading(path):
        Shapes.of(config)


def _read_json(path: Path) -> dict[str, Any]:
    with reading(path):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelError(
                f"There is no {path.name} in {path.parent}.",
                "Choose a folder with all files of a checkpoint.",
            ) from error
    if not isinstance(content, dict):
        raise DamagedFile(path, "holds no settings")
    return content


def _weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder, all of them there.

    Raises:
        ModelError: There are none, or not all.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        content = _read_json(index)
        with reading(index):
            paths = sorted({folder / Path(shard).name for shard in content["weight_map"].values()})
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
    raise ModelError(
        f"{folder} lacks the weights {name}.", "Copy them there, or download the checkpoint again."
    )


def _check_size(path: Path) -> None:
    """A safetensors file says in its header how long it is.

    Raises:
        DamagedFile: It is shorter or longer, or has no header.
    """
    size = path.stat().st_size
    try:
        expected = _length_by_header(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DamagedFile(path, "is not a safetensors file") from error
    if size != expected:
        there = f"{size:,} of {expected:,} bytes are there"
        raise DamagedFile(path, f"is incomplete: {there}", is_cut=True)


def _length_by_header(path: Path) -> int:
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        if header_size > _LONGEST_HEADER:
            raise ValueError("no header is as long as that")
        header = file.read(header_size)
    if len(header) < header_size:
        return 8 + header_size
    ends = [
        entry["data_offsets"][1] for name, entry in json.loads(header).items() if name[0] != "_"
    ]
    return 8 + header_size + max(ends)
