"""Checkpoints on the hub: from the local cache without a network, else downloaded."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import tqdm

from phi3v_tui.errors import ModelError

ALLOWED = ["*.json", "*.safetensors"]
"""Data only: no code, no pickle."""

Report = Callable[[str, int, int | None], None]
"""Called with (stage, bytes done, bytes in all or None)."""

_POLL_SECONDS = 0.2


def cached(repo: str) -> Path | None:
    """Folder of a checkpoint in the local hub cache; None where it is not, or in part."""
    try:
        return Path(snapshot_download(repo, local_files_only=True, allow_patterns=ALLOWED))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def download(repo: str, report: Report, patterns: list[str] | None = None) -> Path:
    """Download a checkpoint, or what is missing of it.

    Args:
        repo: Such as "microsoft/Phi-3.5-vision-instruct".
        report: Called now and then, on the calling thread.
        patterns: Files to take; None takes `ALLOWED`.

    Raises:
        ModelError: No such repository, no access, no network, no room.
    """
    bar = _byte_counter()
    with ThreadPoolExecutor(1, thread_name_prefix="download") as pool:
        task = pool.submit(
            snapshot_download, repo, allow_patterns=patterns or ALLOWED, tqdm_class=bar
        )
        while not wait([task], _POLL_SECONDS).done:
            report(f"Downloading {repo}", bar.done, bar.total_bytes or None)
    return _folder(task, repo)


def _folder(task: "Future[str]", repo: str) -> Path:
    try:
        return Path(task.result())
    except GatedRepoError as error:
        raise ModelError(
            f"{repo} is only given to people who have asked for access.",
            f"Ask on https://huggingface.co/{repo}, then run: hf auth login.",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"There is no model {repo} on the hub, or it is private.",
            "Check the name; for a private one run: hf auth login.",
        ) from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{repo} is not on this machine, and the hub cannot be reached.",
            "Connect to the network (and unset HF_HUB_OFFLINE), or choose --model demo.",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(
            f"The hub refused to give {repo}: {error}.", "Try again later; what came is kept."
        ) from error
    except OSError as error:
        raise ModelError(
            f"{repo} could not be downloaded: {error.strerror or error}.",
            "Check the network and the room on the disk, then try again; what came is kept.",
        ) from error


def _byte_counter() -> Any:
    """A progress bar class that draws nothing and adds up the bytes written."""

    class ByteCounter(tqdm):
        done = 0
        total_bytes = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Of two bars that count bytes, this one counts those that reached the disk.
            self._counts = str(kwargs.get("desc", "")).startswith("Reconstructing")
            super().__init__(*args, **(kwargs | {"disable": True}))

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                ByteCounter.done += int(n or 0)
                ByteCounter.total_bytes = int(self.total or 0)

    return ByteCounter
