"""One large file of a repository on the hub, downloaded so that a break costs nothing."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import FileMetadataError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import WeakFileLock, build_hf_headers, tqdm

from phi3v_tui.errors import ModelError
from phi3v_tui.hub.cache import repo_folder

Progress = Callable[[str, int], None]
"""Called with (what is being done, bytes of the file done). May raise, which ends the work."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 2**24


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file that the hub has.

    Attributes:
        url: Where from.
        blob: Where the cache of huggingface_hub keeps its content: a file named by its ETag.
        size: In bytes.
    """

    url: str
    blob: Path
    size: int

    @classmethod
    def on_hub(cls, repo: str, name: str, commit: str) -> Self:
        """Ask the hub for a file's size and ETag.

        Raises:
            HTTPError: The hub cannot be reached, or refuses.
            FileMetadataError: What answers is not the hub.
        """
        url = hf_hub_url(repo, name, revision=commit)
        found = get_hf_file_metadata(url)
        if found.size is None or not re.fullmatch(r"[\w-]+", found.etag or ""):
            raise FileMetadataError(f"{url} has no size or no ETag")
        return cls(url, repo_folder(repo) / "blobs" / str(found.etag), found.size)

    @property
    def received(self) -> int:
        """Bytes that are here already."""
        found = next((path for path in (self.blob, self._part) if path.exists()), None)
        return min(found.stat().st_size, self.size) if found else 0

    def fetch(self, progress: Progress) -> None:
        """Put the content into the cache, going on where an earlier try ended.

        Raises:
            HTTPError: The connection broke too often, or the hub refuses.
            OSError: It cannot be written.
            ModelError: The content is not what the hub says it is.
        """
        for folder in (self.blob.parent, self._lock.parent):
            folder.mkdir(parents=True, exist_ok=True)
        # Another process that downloads the same file is waited for.
        with WeakFileLock(self._lock):
            if not self._is_whole():
                self._receive(progress)
                self._verify(progress)
                self._part.replace(self.blob)

    def _is_whole(self) -> bool:
        """Whether the content is here; half of it, as a copied cache may have, is gone on with."""
        if self.blob.exists() and self.blob.stat().st_size != self.size:
            self.blob.replace(self._part)
        return self.blob.exists()

    @property
    def _part(self) -> Path:
        return self.blob.with_suffix(".part")

    @property
    def _lock(self) -> Path:
        """The one that huggingface_hub takes too."""
        repo = self.blob.parent.parent
        return repo.parent / ".locks" / repo.name / f"{self.blob.name}.lock"

    def _receive(self, progress: Progress) -> None:
        with self._part.open("ab") as file:
            if file.tell() > self.size:
                file.seek(0)
                file.truncate()
            http_get(
                self.url,
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=self.size,
                tqdm_class=_reporting_bar(file, progress),
            )

    def _verify(self, progress: Progress) -> None:
        """Compare with the ETag where that is a digest, as it is for large files."""
        if not _SHA256.fullmatch(self.blob.name):
            return
        digest = hashlib.sha256()
        with self._part.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                progress("Checking", file.tell())
        if digest.hexdigest() != self.blob.name:
            self._part.unlink()
            raise ModelError(
                f"What came from {self.url} is damaged, and was deleted.", "Download it again."
            )


def _reporting_bar(file: BinaryIO, progress: Progress) -> Any:
    """A progress bar class that draws nothing, and reports what the file holds."""

    class ReportingBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"disable": True}))
            self.update(0)

        def update(self, n: float | None = 1) -> None:
            # Called before the newest bytes are written.
            progress("Downloading", file.tell() + max(0, int(n or 0)))

    return ReportingBar
