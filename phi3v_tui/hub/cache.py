"""What the cache of huggingface_hub, which other programs share, holds of a repository."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name

from phi3v_tui.hub.source import PINNED, Source, short

ALLOWED = ["*.json", "*.safetensors"]
"""Data only: no code, no pickle."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of one revision.

    Attributes:
        folder: Where they are; some may be missing.
        notice: A sentence that people should read once, or empty.
    """

    folder: Path
    notice: str = ""


def snapshots(source: Source) -> Iterator[Snapshot]:
    """Revisions in the cache that will do, the one asked for first.

    Where this program pinned the revision another one will do too, and its notice says so: it is
    here, and the network might not be.
    """
    exact = _exact(source)
    if exact is not None:
        yield Snapshot(exact)
    if source.is_pinned:
        for folder in revisions(source.repo):
            if folder != exact:
                yield Snapshot(folder, _other_revision(source, folder.name))


def revisions(repo: str) -> list[Path]:
    """Folders of all revisions in the cache, whole or not, named by their commits; newest first."""
    folder = repo_folder(repo) / "snapshots"
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def repo_folder(repo: str) -> Path:
    """Where the cache keeps a repository."""
    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repo, repo_type="model"))


def model_of(path: Path) -> str | None:
    """What to give to `--model` to download a file of a snapshot again; None for other files.

    Args:
        path: A snapshot, or a file in it.
    """
    try:
        parts = path.absolute().relative_to(Path(constants.HF_HUB_CACHE).absolute()).parts
    except ValueError:
        return None
    if len(parts) < 3 or parts[1] != "snapshots":
        return None
    repo, commit = "/".join(parts[0].split("--", 2)[1:]), parts[2]
    return repo if commit == (PINNED.get(repo) or _newest(repo)) else f"{repo}@{commit}"


def kept_in(path: Path) -> Path:
    """What to delete so that the cache has a file of a snapshot no more; for one, its repository.

    Args:
        path: A snapshot, or a file in it.
    """
    return path.parent.parent if path.parent.name == "snapshots" else path.resolve()


def _newest(repo: str) -> str | None:
    """The commit that was the newest when it was asked for last."""
    try:
        return (repo_folder(repo) / "refs" / "main").read_text("ascii").strip()
    except (OSError, ValueError):
        return None


def repos(model_type: str) -> list[str]:
    """Repositories in the cache of which a revision says that it is a model of this type."""
    found = []
    for folder in sorted(Path(constants.HF_HUB_CACHE).glob("models--*--*")):
        configs = folder.glob("snapshots/*/config.json")
        if any(_model_type(config) == model_type for config in configs):
            found.append("/".join(folder.name.split("--", 2)[1:]))
    return found


def bytes_here(repo: str) -> int:
    """Size of what the cache holds of a repository, files that came in part included."""
    blobs = repo_folder(repo) / "blobs"
    return sum(path.stat().st_size for path in blobs.iterdir()) if blobs.is_dir() else 0


def room() -> tuple[Path, int]:
    """The folder of the cache, and the bytes that are free on its disk."""
    cache = Path(constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    return cache, shutil.disk_usage(there).free


def _exact(source: Source) -> Path | None:
    try:
        found = snapshot_download(
            source.repo, revision=source.revision, local_files_only=True, allow_patterns=ALLOWED
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Path(found)


def _model_type(config: Path) -> str | None:
    try:
        content = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content.get("model_type") if isinstance(content, dict) else None


def _other_revision(source: Source, found: str) -> str:
    return (
        f"{source.name} is on this machine at revision {short(found)}; this program is made for"
        f" revision {source.short_revision}. To get that one run:"
        f" phi3v-tui --model {source.repo}@{source.revision}"
    )
