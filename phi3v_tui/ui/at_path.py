"""Paths that are typed after an @."""

import re
from dataclasses import dataclass
from pathlib import Path

from phi3v_tui.paths import absolute

_AT = re.compile(r'(?:(?<=\s)|^)@(?:"(?P<quoted>[^"]*)|(?P<plain>[^\s"]*))$')


@dataclass(frozen=True, slots=True)
class AtPath:
    """A path that is being typed.

    Attributes:
        start: Column of the @.
        folder: What was typed up to the last slash, with it; may be empty.
        wanted: What was typed after that.
    """

    start: int
    folder: str
    wanted: str

    def listed(self) -> Path:
        """The folder whose names complete it."""
        return absolute(self.folder)

    def descended(self, name: str) -> str:
        """What is typed once a folder was taken."""
        text = f"{self.folder}{name}/"
        return f'@"{text}' if re.search(r"\s", text) else f"@{text}"


def at_path(line: str) -> AtPath | None:
    """The path that ends a line before the cursor, if it begins with an @ after a space."""
    found = _AT.search(line)
    if found is None:
        return None
    text = found["quoted"] if found["quoted"] is not None else found["plain"]
    folder, slash, wanted = text.rpartition("/")
    return AtPath(found.start(), folder + slash, wanted)
