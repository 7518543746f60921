r"""Paths as Windows writes them, such as C:\Users\ann\cat.png: its Linux (WSL) sees those files."""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

_DRIVE = re.compile(r"(?P<drive>[A-Za-z]):[\\/](?P<rest>.*)", re.DOTALL)
_LINUX_SHARE = re.compile(
    r"[\\/]{2}wsl(?:\$|\.localhost)[\\/](?P<name>[^\\/]+)[\\/](?P<rest>.*)", re.I | re.DOTALL
)
_SHARE = re.compile(r"\\\\[^\\\s]+\\.", re.DOTALL)
_UNQUOTED = re.compile(r"(?<!\S)(?:[A-Za-z]:\\|\\\\)\S*")
_QUOTED_SHARE = re.compile(r'(?<!\S)"\\\\[^"]*"')


def is_windows_path(path: str) -> bool:
    """Whether it begins as absolute paths do on Windows."""
    return any(pattern.match(path) for pattern in (_DRIVE, _SHARE, _LINUX_SHARE))


def here(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where Linux under Windows sees a path of Windows.

    Args:
        path: Any path; what is none of Windows is left as it is.
        environ: Says by WSL_DISTRO_NAME whether this is Linux under Windows, and which one.

    Returns:
        A path of Linux; `path` itself where there is none for it.
    """
    name = environ.get("WSL_DISTRO_NAME", "")
    text = str(path)
    if name and (found := _DRIVE.match(text)):
        return Path("/mnt", found["drive"].lower(), _slashes(found["rest"]))
    found = _LINUX_SHARE.match(text)
    if name and found and found["name"].lower() == name.lower():
        return Path("/", _slashes(found["rest"]))
    return path


def file_name(path: Path) -> str:
    """The last part of a path, also of one of Windows."""
    return PureWindowsPath(path).name if is_windows_path(str(path)) else path.name


def with_backslashes_kept(line: str) -> str:
    """A line that, split as a shell does, keeps the backslashes of its paths of Windows."""
    return _QUOTED_SHARE.sub(_doubled, _UNQUOTED.sub(_doubled, line))


def _doubled(found: re.Match[str]) -> str:
    return found[0].replace("\\", "\\\\")


def _slashes(path: str) -> str:
    return path.replace("\\", "/").lstrip("/")
