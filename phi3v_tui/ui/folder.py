"""What is in a folder, for choosing a picture. No file is opened."""

import os
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

MOST_HITS = 200
"""Most entries that are listed at once."""

PICTURE_SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif",
    ".jp2", ".ppm", ".pgm", ".ico",
))  # fmt: skip


class Kind(IntEnum):
    """What an entry seems to be, in the order of listing."""

    FOLDER = 0
    PICTURE = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A name in a folder.

    Attributes:
        name: As it is on the disk.
        kind: By suffix; only the content says whether it is a picture.
    """

    name: str
    kind: Kind


def looks_like_picture(path: Path) -> bool:
    """Whether the suffix is one of a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def list_folder(folder: Path) -> list[FolderEntry]:
    """List folders, pictures and other files, each by name. Call it in a thread.

    Raises:
        OSError: The folder is not there or may not be read.
    """
    with os.scandir(folder) as found:
        entries = [FolderEntry(item.name, _kind(item)) for item in found]
    return sorted(entries, key=lambda entry: (entry.kind, entry.name.casefold(), entry.name))


def _kind(item: "os.DirEntry[str]") -> Kind:
    try:
        if item.is_dir():
            return Kind.FOLDER
    except OSError:  # a link in a circle, say
        return Kind.OTHER
    return Kind.PICTURE if looks_like_picture(Path(item.name)) else Kind.OTHER


def matching(entries: list[FolderEntry], wanted: str) -> list[FolderEntry]:
    """The entries whose names hold every word of `wanted`; hidden ones only for a leading dot."""
    words = wanted.casefold().split()
    show_hidden = wanted.startswith(".")
    return [
        entry
        for entry in entries
        if (show_hidden or not entry.name.startswith("."))
        and all(word in entry.name.casefold() for word in words)
    ]
