"""Checkpoints on the hub: from the local cache without a network, else downloaded."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import tqdm

from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.large_file import LargeFile, Progress

ALLOWED = ["*.json", "*.safetensors"]
"""Data only: no code, no pickle."""

Report = Callable[[str, int, int | None], None]
"""Called with (stage, bytes done, bytes in all or None). May raise, which ends the work."""

_KEPT = "What came is kept."


class _SilentBar(tqdm):
    """A progress bar that draws nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"disable": True}))


def cached(repo: str) -> Path | None:
    """Folder of a checkpoint in the local hub cache; None where it is not, or in part."""
    try:
        return Path(snapshot_download(repo, local_files_only=True, allow_patterns=ALLOWED))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def download_config(repo: str, report: Report) -> Path:
    """Download nothing but config.json.

    Args:
        repo: Such as "microsoft/Phi-3.5-vision-instruct".
        report: Told once that this begins.

    Returns:
        The folder that it lies in.

    Raises:
        ModelError: As `download`.
    """
    report(f"Looking for {repo}", 0, None)
    with _failures_as_sentences(repo):
        return _snapshot(repo, ["config.json"])


def download(repo: str, report: Report) -> Path:
    """Download a checkpoint, or what is missing of it.

    The weights come first, and go on where an earlier try ended. They are put into the cache of
    huggingface_hub, whose own download begins a file from its start each time.

    Args:
        repo: Such as "microsoft/Phi-3.5-vision-instruct".
        report: Told of the bytes of the weights, from time to time.

    Returns:
        Its folder in the cache.

    Raises:
        ModelError: No such repository, no access, no network, no room.
    """
    with _failures_as_sentences(repo):
        files = _missing_weights(repo)
        total = sum(file.size for file in files)
        _require_room(repo, total - sum(file.received for file in files))
        done = 0
        for file in files:
            file.fetch(_behind(report, repo, done, total))
            done += file.size
        return _snapshot(repo, ALLOWED)


def _behind(report: Report, repo: str, done: int, total: int) -> Progress:
    """Report the progress of one file behind `done` bytes of others."""

    def progress(stage: str, received: int) -> None:
        report(f"{stage} {repo}", done + received, total)

    return progress


def _snapshot(repo: str, patterns: list[str]) -> Path:
    return Path(snapshot_download(repo, allow_patterns=patterns, tqdm_class=_SilentBar))


def _missing_weights(repo: str) -> list[LargeFile]:
    """Weights of the newest revision that the cache lacks."""
    info = HfApi().model_info(repo)
    names = [sibling.rfilename for sibling in info.siblings or []]
    return [
        LargeFile.on_hub(repo, name, str(info.sha))
        for name in names
        if name.endswith(".safetensors")
        and not isinstance(try_to_load_from_cache(repo, name, revision=info.sha), str)
    ]


def _require_room(repo: str, needed: int) -> None:
    """Find out before hours of downloading that the disk is too small."""
    cache = Path(constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise ModelError(
            f"{repo} takes {needed / 1e9:.1f} GB more, and the disk of {cache} has"
            f" {free / 1e9:.1f} GB free.",
            "Make room, or set HF_HOME to a folder on another disk.",
        )


@contextmanager
def _failures_as_sentences(repo: str) -> Iterator[None]:
    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        # Where the cache cannot stand in for the hub, what the hub said is the cause.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
        raise _explained(repo, cause or error) from error


def _explained(repo: str, error: BaseException) -> ModelError:
    match error:
        case GatedRepoError():
            return ModelError(
                f"{repo} is only given to people who have asked for access.",
                f"Ask on https://huggingface.co/{repo}, then run: hf auth login.",
            )
        case RepositoryNotFoundError() | HFValidationError():
            return ModelError(
                f"There is no model {repo} on the hub, or it is private.",
                "Check the name; for a private one run: hf auth login.",
            )
        case HfHubHTTPError():
            return _refused(repo, error.response.status_code)
        case FileMetadataError() | ValueError():
            return ModelError(
                f"What answers at {constants.ENDPOINT} is not the hub.",
                "See whether the network wants you to log in, and what HF_ENDPOINT is set to.",
            )
        case OfflineModeIsEnabled():
            return ModelError(
                f"{repo} is not on this machine, and HF_HUB_OFFLINE forbids downloads.",
                "Unset HF_HUB_OFFLINE, or choose --model demo.",
            )
        case HTTPError() | LocalEntryNotFoundError():
            return ModelError(
                f"{repo} is not complete on this machine, and the hub cannot be reached.",
                f"Check the network and try again, or choose --model demo. {_KEPT}",
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return ModelError(
                f"The disk became full while {repo} was downloaded.",
                f"Make room, or set HF_HOME to a folder on another disk, then try again. {_KEPT}",
            )
    reason = getattr(error, "strerror", None) or error
    return ModelError(
        f"{repo} could not be downloaded to {constants.HF_HUB_CACHE}: {reason}.",
        "Mend that, or set HF_HOME to another folder, then try again.",
    )


def _refused(repo: str, status: int) -> ModelError:
    if status in (401, 403):
        return ModelError(
            f"The hub does not let you download {repo}.",
            "Run: hf auth login; or unset HF_TOKEN if it is set.",
        )
    return ModelError(
        f"The hub failed to give {repo} (HTTP status {status}).", f"Try again later. {_KEPT}"
    )
