"""Pictures named by paths, patterns and addresses, as people type them after a command."""

import glob
import os
from itertools import islice
from pathlib import Path

from phi3v_tui.conversation.parts import with_number
from phi3v_tui.conversation.pasted import paths_in, words_in
from phi3v_tui.conversation.windows_paths import here
from phi3v_tui.errors import AttachmentError
from phi3v_tui.paths import expanded

MOST_FOUND = 50
"""Most files that one pattern may find: more are hardly meant."""

Source = Path | str
"""Where a picture is: a file, or an address on the web."""


def is_web_address(text: str) -> bool:
    """Whether a text is one http or https address."""
    return text.lower().startswith(("http://", "https://")) and not text.split()[1:]


def source(text: str) -> Source:
    """What an argument of a command line names: an address, or else a path as it is."""
    return text if is_web_address(text) else Path(text)


def sources_named(text: str) -> list[Source]:
    """What a path, a pattern such as `~/charts/*.png`, an address, or several of them name.

    A path with spaces need not be quoted where it stands alone. Call it in a thread: folders are
    listed.

    Raises:
        AttachmentError: A pattern finds nothing, or far too much. Whether a path leads to a
            picture is not looked at.
    """
    if is_web_address(text):
        return [text]
    whole = here(expanded(text))
    if os.path.exists(whole):
        return [whole]
    words = words_in(text) or [text]
    return [source for word in words for source in sources_of(word)]


def sources_of(word: str) -> list[Source]:
    """What one word names: an address, a path, or the files that a pattern finds.

    Raises:
        AttachmentError: As `sources_named`.
    """
    if is_web_address(word):
        return [word]
    path = here(expanded(word))
    if os.path.exists(path) or os.path.exists(with_number(path)[0]):
        return [path]
    if word.startswith("file://") and (paths := paths_in(word)):
        return [*paths]
    return _matching(path, word) if glob.has_magic(word) else [path]


def _matching(pattern: Path, word: str) -> list[Source]:
    found = filter(os.path.isfile, glob.iglob(str(pattern), recursive=True))
    files: list[Source] = sorted(map(Path, islice(found, MOST_FOUND + 1)))
    if not files:
        raise AttachmentError(f"No file matches {word}.", "Check the folder and the pattern.")
    if len(files) > MOST_FOUND:
        raise AttachmentError(
            f"{word} matches too many files.", f"At most {MOST_FOUND} are attached at once."
        )
    return files
