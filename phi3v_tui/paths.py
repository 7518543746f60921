"""Paths as people type them, whatever they hold."""

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """A path with ~ put in full; one of a person that is not known here stays as it is."""
    return Path(os.path.expanduser(path))


def working_folder() -> Path:
    """The folder in which the program was started; the home folder once that one is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def absolute(path: str | Path) -> Path:
    """A path from the root, with ~ put in full."""
    return working_folder() / expanded(path)
