"""The folders that were used last, for pictures or for models."""

import contextlib
import json
import os
from pathlib import Path

MOST_FOLDERS = 12
"""Folders that are remembered."""


class RecentFolders:
    """A short list in a file, the latest first.

    It is a convenience: where the file cannot be read or written there are none, and nobody is
    bothered. Calls touch the disk: make them in a thread.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet.

        Args:
            path: The file, which need not exist.
        """
        self._path = path

    def folders(self) -> list[Path]:
        """What is remembered, the latest first; a folder may be gone since."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        texts = kept if isinstance(kept, list) else []
        return [Path(text) for text in texts if isinstance(text, str) and text.startswith("/")]

    def remember(self, folder: Path) -> None:
        """Put a folder first."""
        others = [other for other in self.folders() if other != folder]
        kept = [str(item) for item in (folder, *others)][:MOST_FOLDERS]
        written = self._path.with_suffix(f".{os.getpid()}.tmp")
        with contextlib.suppress(OSError, UnicodeError):  # names that are no text are not kept
            self._path.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps(kept), "utf-8")
            written.replace(self._path)
