"""Paths of files in pasted text: what a terminal pastes when files are dropped on it."""

import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

_STARTS = ("/", "~/", "./", "../", "file://")


def paths_in(text: str) -> list[Path]:
    """The paths that a pasted text consists of, in order; none unless all of it is paths.

    Understood: paths quoted or escaped for a shell, several on a line or one per line, unquoted
    paths with spaces alone on their line, and file:// URLs. No file is looked at: the caller
    attaches only if every path is a picture, and takes the text as text otherwise.
    """
    paths: list[Path] = []
    for line in text.splitlines():
        found = _paths_in_line(line.strip())
        if found is None:
            return []
        paths += found
    return paths


def _paths_in_line(line: str) -> list[Path] | None:
    """The paths of one line; None if it is something else."""
    if not line:
        return []
    words = _shell_words(line)
    if words and all(word.startswith(_STARTS) for word in words):
        paths = [_path(word) for word in words]
    else:
        paths = [_path(line)] if line.startswith(_STARTS) else [None]
    return None if None in paths else [path for path in paths if path]


def _shell_words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an apostrophe in an unquoted name
        return []


def _path(word: str) -> Path | None:
    """A path or file:// URL as a path; None for a URL of another machine or without a path."""
    if not word.startswith("file://"):
        return Path(word).expanduser() if "\0" not in word else None
    try:
        url = urlsplit(word)
    except ValueError:  # a malformed host
        return None
    if url.netloc not in ("", "localhost") or not url.path:
        return None
    return Path(unquote(url.path))
