"""What is in a folder, for choosing a picture."""

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from phi3v_tui.conversation.decoding import HEAD_BYTES, claims_to_be_picture
from phi3v_tui.interface.picture_files import looks_like_picture

MOST_HITS = 200
"""Most entries that are listed at once."""

_TELL_EVERY_SECONDS = 0.25
_MOST_RANKED = 2000  # of more hits than that, typed on before they can be looked through


class Kind(IntEnum):
    """What an entry seems to be, in the order of listing."""

    FOLDER = 0
    PICTURE = 1
    OTHER = 2


class Order(StrEnum):
    """What entries of one kind are sorted by."""

    NAME = "by name"
    NEWEST = "newest first"


class FolderEntry(NamedTuple):
    """A name in a folder.

    Attributes:
        name: As it is on the disk.
        kind: By suffix, until `look_inside` has read the file's beginning.
        folded: The name without case, for comparing.
        modified: Seconds since 1970; 0 where it was not asked for.
    """

    name: str
    kind: Kind
    folded: str
    modified: float = 0.0


def entry(name: str, kind: Kind, modified: float = 0.0) -> FolderEntry:
    """Describe a name."""
    return FolderEntry(name, kind, name.casefold(), modified)


def list_folder(folder: Path, order: Order = Order.NAME) -> list[FolderEntry]:
    """List folders, pictures and other files, each sorted. Call it in a thread.

    Raises:
        OSError: The folder is not there or may not be read.
    """
    listings: list[list[FolderEntry]] = []
    read_folder(folder, order, listings.append, lambda: False)
    return listings[-1]


def read_folder(
    folder: Path,
    order: Order,
    tell: Callable[[list[FolderEntry]], None],
    is_abandoned: Callable[[], bool],
) -> None:
    """List a folder as `list_folder` does, telling what there is so far while it takes long.

    Args:
        folder: What to list.
        order: What to sort by.
        tell: Gets a sorted list now and then, and the complete one at the end.
        is_abandoned: Ends the work when it becomes true.

    Raises:
        OSError: The folder is not there or may not be read.
    """
    entries: list[FolderEntry] = []
    told = time.monotonic()
    with os.scandir(folder) as found:
        for item in found:
            if is_abandoned():
                return
            entries.append(_described(item, order))
            if time.monotonic() - told > _TELL_EVERY_SECONDS:
                tell(_sorted(entries, order))
                told = time.monotonic()
    tell(_sorted(entries, order))


def look_inside(
    folder: Path,
    entries: list[FolderEntry],
    tell: Callable[[dict[str, Kind]], None],
    is_abandoned: Callable[[], bool],
) -> None:
    """Tell what files are by their beginnings, by name: a few at a time where that takes long."""
    kinds: dict[str, Kind] = {}
    told = time.monotonic()
    for item in entries:
        if is_abandoned():
            return
        if item.kind is not Kind.FOLDER:
            kinds[item.name] = _kind_inside(folder / item.name)
        if time.monotonic() - told > _TELL_EVERY_SECONDS:
            tell(kinds)
            kinds, told = {}, time.monotonic()
    tell(kinds)


def known_inside(folder: Path, entries: list[FolderEntry]) -> list[FolderEntry]:
    """The same entries, with what they are by their beginnings. Call it in a thread."""
    kinds: dict[str, Kind] = {}
    look_inside(folder, entries, kinds.update, lambda: False)
    return [item._replace(kind=kinds.get(item.name, item.kind)) for item in entries]


@dataclass(frozen=True, slots=True)
class Hits:
    """Entries that match, the best first.

    Attributes:
        entries: At most `MOST_HITS`.
        count: How many there are.
    """

    entries: list[FolderEntry] = field(default_factory=list)
    count: int = 0


def matching(entries: list[FolderEntry], wanted: str, show_hidden: bool = False) -> Hits:
    """Find names by what was typed.

    Names that begin with it come first, then those with a word that does, those that hold it, and
    those that hold its letters in this order; the same order as in `entries` within each of these.
    Several words have to be held all.

    Args:
        entries: As listed.
        wanted: What was typed; nothing matches all.
        show_hidden: Whether names with a leading dot count; they do if a dot was typed first.
    """
    words = wanted.casefold().split()
    held = entries
    if not (show_hidden or wanted.startswith(".")):
        held = [item for item in held if item.name[0] != "." or item.name == ".."]
    if not words:
        return Hits(held[:MOST_HITS], len(held))
    visible = held
    for word in words:
        held = [item for item in held if word in item.folded]
    if len(words) == 1 and len(held) < MOST_HITS:
        held += _scattered(visible, words[0])
    return Hits(_best_first(held, words[0])[:MOST_HITS], len(held))


def _best_first(held: list[FolderEntry], word: str) -> list[FolderEntry]:
    """Beginnings, then beginnings of words, then the rest."""
    word_begins = re.compile(rf"(?<![^\W_]){re.escape(word)}").search
    first: list[FolderEntry] = []
    second: list[FolderEntry] = []
    third: list[FolderEntry] = []
    for item in held:
        if len(first) == MOST_HITS:
            break
        if item.folded.startswith(word):
            first.append(item)
        elif word_begins(item.folded):
            second.append(item)
        else:
            third.append(item)
    return [*first, *second, *third]


def _scattered(entries: list[FolderEntry], word: str) -> list[FolderEntry]:
    """Names that hold the letters in order, but not together; the closest together first."""
    find = re.compile(".*?".join(map(re.escape, word))).search
    found = [
        (item, hit) for item in entries if word not in item.folded and (hit := find(item.folded))
    ]
    if len(found) <= _MOST_RANKED:
        found.sort(key=lambda item_hit: item_hit[1].end() - item_hit[1].start())
    return [item for item, _ in found]


def _described(item: "os.DirEntry[str]", order: Order) -> FolderEntry:
    try:
        kind = Kind.FOLDER if item.is_dir() else _kind_by_suffix(item.name)
        modified = item.stat().st_mtime if order is Order.NEWEST else 0.0
    except OSError:  # a link in a circle, say
        return entry(item.name, Kind.OTHER)
    return entry(item.name, kind, modified)


def _sorted(entries: list[FolderEntry], order: Order) -> list[FolderEntry]:
    found = sorted(entries, key=attrgetter("folded"))
    if order is Order.NEWEST:
        found.sort(key=attrgetter("modified"), reverse=True)
    return [item for kind in Kind for item in found if item.kind is kind]


def _kind_by_suffix(name: str) -> Kind:
    return Kind.PICTURE if looks_like_picture(name) else Kind.OTHER


def _kind_inside(path: Path) -> Kind:
    try:
        # A pipe without a writer would hold the thread for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Kind.OTHER
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Kind.OTHER
        return Kind.PICTURE if claims_to_be_picture(os.read(descriptor, HEAD_BYTES)) else Kind.OTHER
    except OSError:
        return Kind.OTHER
    finally:
        os.close(descriptor)
