"""What the app remembers by itself from one start to the next, such as the chosen theme."""

import contextlib
import json
import os
from pathlib import Path


class Remembered:
    """A small JSON file of texts by name.

    Nothing depends on it: where it cannot be read or written, the app forgets, and no call raises.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet; `path` need not exist."""
        self._path = path

    def get(self, name: str) -> str:
        """What is remembered under a name, or nothing."""
        return self._read().get(name, "")

    def set(self, name: str, text: str) -> None:
        """Remember a text."""
        values = self._read() | {name: text}
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(values, indent=1), "utf-8")
            fresh.replace(self._path)

    def _read(self) -> dict[str, str]:
        try:
            values = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(values, dict):
            return {}
        return {name: text for name, text in values.items() if isinstance(text, str)}
