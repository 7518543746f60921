"""What can go wrong with the hub, in sentences."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from phi3v_tui.errors import ModelError
from phi3v_tui.hub.source import Source

_KEPT = "What came is kept."
_BAD_TOKEN = "Invalid credentials"


@contextmanager
def as_sentences(source: Source) -> Iterator[None]:
    """Turn what the hub, the network or the disk refuses into a ModelError."""
    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        # Where the cache cannot stand in for the hub, what the hub said is the cause.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
        told = cause or error
        raise (_of_hub(source, told) or _of_machine(source.repo, told)) from error


def _of_hub(source: Source, error: BaseException) -> ModelError | None:
    """What the hub, or what stands in its place, has answered; None if it has not."""
    repo = source.repo
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
        case RevisionNotFoundError():
            return ModelError(
                f"The hub has no revision {source.revision} of {repo}.",
                f"Choose one of https://huggingface.co/{repo}/commits, or leave @ and it away.",
            )
        case HfHubHTTPError():
            return _refused(repo, error)
        case FileMetadataError() | ValueError():
            return ModelError(
                f"What answers at {constants.ENDPOINT} is not the hub.",
                "See whether the network wants you to log in, and what HF_ENDPOINT is set to.",
            )
    return None


def _of_machine(repo: str, error: BaseException) -> ModelError:
    """What this machine, its network or its disk lacks."""
    match error:
        case OfflineModeIsEnabled():
            return ModelError(
                f"{repo} is not on this machine, and HF_HUB_OFFLINE forbids downloads.",
                "Unset HF_HUB_OFFLINE, then try again.",
            )
        case HTTPError() | LocalEntryNotFoundError():
            return ModelError(
                f"{repo} is not complete on this machine, and the hub cannot be reached.",
                f"Check the network, then try again. {_KEPT}",
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


def _refused(repo: str, error: HfHubHTTPError) -> ModelError:
    status = error.response.status_code
    if status == 401 and _BAD_TOKEN in str(error):
        return ModelError(
            "The hub does not know the token that this machine sends; it may have expired.",
            "Run: hf auth login; or unset HF_TOKEN if it is set.",
        )
    if status in (401, 403):
        return ModelError(
            f"The hub does not let you download {repo}.",
            "Run: hf auth login; or unset HF_TOKEN if it is set.",
        )
    return ModelError(
        f"The hub failed to give {repo} (HTTP status {status}).", f"Try again later. {_KEPT}"
    )
