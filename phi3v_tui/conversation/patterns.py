"""Picture files named by a path or a pattern, as people type them after a command."""

import glob
import shlex
from pathlib import Path

from phi3v_tui.errors import AttachmentError

MOST_FOUND = 50
"""Most files that one pattern may find: more are hardly meant."""


def files_named(text: str) -> list[Path]:
    """The files that a path, a pattern such as `~/charts/*.png`, or several of them name.

    A path with spaces need not be quoted where it stands alone. Call it in a thread: folders are
    listed.

    Raises:
        AttachmentError: A pattern finds nothing, or far too much. Whether a path leads to a
            picture is not looked at.
    """
    whole = Path(text).expanduser()
    if whole.exists():
        return [whole]
    return [path for word in _words(text) for path in _found(word)]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe in an unquoted name
        return [text]


def _found(word: str) -> list[Path]:
    path = Path(word).expanduser()
    if path.exists() or not glob.has_magic(word):
        return [path]
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
    files = [path for path in found if path.is_file()]
    if not files:
        raise AttachmentError(f"No file matches {word}.", "Check the folder and the pattern.")
    if len(files) > MOST_FOUND:
        raise AttachmentError(
            f"{word} matches {len(files):,} files.", f"At most {MOST_FOUND} are attached at once."
        )
    return files
