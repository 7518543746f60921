"""Paths of files in pasted text: what a terminal pastes when files are dropped on it."""

import os
import shlex
import socket
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from phi3v_tui.conversation.windows_paths import is_windows_path, with_backslashes_kept
from phi3v_tui.paths import expanded

_STARTS = ("/", "~/", "./", "../", "file://")
_COPIED = ("copy", "cut")


def paths_in(text: str) -> list[Path]:
    """The paths that a pasted text consists of, in order; none unless all of it is paths.

    Understood: paths quoted or escaped for a shell, several on a line or one per line, unquoted
    paths with spaces alone on their line, file:// URLs, paths of Windows, and what file managers
    of GNOME copy. No file is looked at: the caller attaches only if every path is a picture, and
    takes the text as text otherwise.
    """
    paths: list[Path] = []
    for line in _without_heading([line.strip() for line in text.splitlines()]):
        found = _paths_in_line(line)
        if found is None:
            return []
        paths += found
    return paths


def words_in(line: str) -> list[str]:
    """The words of a line, quoted or escaped as for a shell; none if it cannot be read so.

    The backslashes in paths of Windows stay.
    """
    try:
        return shlex.split(with_backslashes_kept(line))
    except ValueError:  # an apostrophe in an unquoted name
        return []


def _without_heading(lines: list[str]) -> list[str]:
    """Leave out how file managers of GNOME begin: a kind of content, what to do with the files."""
    rest = lines[1:] if lines and lines[0].startswith("x-special/") else lines
    urls = rest[1:] if rest and rest[0] in _COPIED else []
    return urls if urls and all(line.startswith("file://") for line in urls if line) else lines


def _paths_in_line(line: str) -> list[Path] | None:
    """The paths of one line; None if it is something else."""
    if not line:
        return []
    words = words_in(line)
    if words and all(map(_begins_as_path, words)):
        paths = [_path(word) for word in words]
    else:
        paths = [_path(line)] if _begins_as_path(line) else [None]
    return None if None in paths else [path for path in paths if path]


def _begins_as_path(word: str) -> bool:
    return word.startswith(_STARTS) or is_windows_path(word)


def _path(word: str) -> Path | None:
    """A path or file:// URL as a path; None for a URL of another machine or without a path."""
    if word.startswith("file://"):
        word = _path_of_url(word)
    return expanded(word) if word and "\0" not in word else None


def _path_of_url(url: str) -> str:
    """The path of a file:// URL; nothing if it is of another machine or malformed."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a malformed host
        return ""
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if parts.netloc.lower() in ("wsl.localhost", "wsl$"):
        return f"//{parts.netloc}{path}"
    if parts.netloc.lower() not in ("", "localhost", socket.gethostname().lower()):
        return ""
    return path[1:] if is_windows_path(path[1:]) else path
