"""Downloads from the hub into the cache of huggingface_hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.utils import tqdm

from phi3v_tui.errors import ModelError
from phi3v_tui.hub.cache import ALLOWED, Snapshot, room
from phi3v_tui.hub.failures import as_sentences
from phi3v_tui.hub.large_file import LargeFile, Progress
from phi3v_tui.hub.source import Source

Report = Callable[[str, int, int | None], None]
"""Called with (stage, bytes done, bytes in all or None). May raise, which ends the work."""


@dataclass(frozen=True, slots=True)
class Found:
    """A repository that the hub has.

    Attributes:
        source: As the hub is asked for it.
        commit: What its revision stands for now.
        weights: Names of its safetensors files.
        notice: A sentence that people should read once, or empty.
    """

    source: Source
    commit: str
    weights: tuple[str, ...]
    notice: str = ""


class _SilentBar(tqdm):
    """A progress bar that draws nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"disable": True}))


def find(source: Source, report: Report) -> Found:
    """Ask the hub for a repository.

    A revision that this program pinned, and that the hub does not know any more, is replaced by
    the newest one, and the notice says so.

    Args:
        source: What is wanted.
        report: Told once that this begins.

    Raises:
        ModelError: No such repository or revision, no access, no network.
    """
    report(f"Looking for {source.repo}", 0, None)
    with as_sentences(source):
        try:
            return _found(source)
        except RevisionNotFoundError:
            if not source.is_pinned:
                raise
            return _found(Source(source.repo), _gone(source))


def download_config(found: Found) -> Path:
    """Download nothing but config.json.

    Returns:
        The folder that it lies in.

    Raises:
        ModelError: As `find`.
    """
    with as_sentences(found.source):
        return _snapshot(found, ["config.json"])


def download(found: Found, report: Report) -> Snapshot:
    """Download a checkpoint, or what is missing of it.

    The weights come first, and go on where an earlier try ended; huggingface_hub's own download
    begins a file from its start each time.

    Args:
        found: From `find`.
        report: Told of the bytes of the weights, from time to time.

    Raises:
        ModelError: No access, no network, no room.
    """
    with as_sentences(found.source):
        files = [LargeFile.on_hub(found.source.repo, name, found.commit) for name in found.weights]
        total = sum(file.size for file in files)
        _require_room(found.source, total - sum(file.received for file in files))
        done = 0
        for file in files:
            file.fetch(_behind(report, done, total))
            done += file.size
        return Snapshot(_snapshot(found, ALLOWED), found.notice)


def _found(source: Source, notice: str = "") -> Found:
    info = HfApi().model_info(source.repo, revision=source.revision)
    names = [sibling.rfilename for sibling in info.siblings or []]
    weights = tuple(name for name in names if name.endswith(".safetensors"))
    return Found(source, str(info.sha), weights, notice)


def _gone(source: Source) -> str:
    return (
        f"The hub has no longer the revision {source.short_revision} of {source.name} for which"
        " this program is made; its newest one is used instead."
    )


def _behind(report: Report, done: int, total: int) -> Progress:
    """Report the progress of one file behind `done` bytes of others."""

    def progress(stage: str, received: int) -> None:
        report(stage, done + received, total)

    return progress


def _snapshot(found: Found, patterns: list[str]) -> Path:
    source = found.source
    folder = snapshot_download(
        source.repo, revision=source.revision, allow_patterns=patterns, tqdm_class=_SilentBar
    )
    return Path(folder)


def _require_room(source: Source, needed: int) -> None:
    """Find out before hours of downloading that the disk is too small."""
    cache, free = room()
    if free < needed:
        raise ModelError(
            f"{source.name} takes {needed / 1e9:.1f} GB more, and the disk of {cache} has"
            f" {free / 1e9:.1f} GB free.",
            "Make room, or set HF_HOME to a folder on another disk.",
        )
