"""Files that are not here: misspelt, or on one's own computer and not where the app runs."""

import glob
import os
import re
import socket
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from phi3v_tui.conversation.windows_paths import file_name, here, is_windows_path
from phi3v_tui.errors import AttachmentError, MissingFileError
from phi3v_tui.interface.over_ssh import scp_command
from phi3v_tui.interface.plain_text import drawable, short_path

_MOST_COMPARED = 5000
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")


def explain_missing(
    error: AttachmentError, path: Path, environ: Mapping[str, str]
) -> AttachmentError:
    """Say why a file is not here, and what to do. Call it in a thread: its folder is listed.

    Args:
        error: Why the file could not be attached.
        path: As typed or pasted.
        environ: Says whether this is a session over SSH, and from where to where.

    Returns:
        A better error, or the same.
    """
    if not isinstance(error, MissingFileError):
        return error
    if address := _ADDRESS.match(str(path)):
        if address[1].lower() in ("http", "https"):
            return AttachmentError(f"{path} is not one address.", "Write a space in it as %20.")
        return AttachmentError(
            f"Nothing is fetched by {address[1]}, only by http and https.",
            "Download the picture, and attach the file.",
        )
    file, connection = here(path).absolute(), environ.get("SSH_CONNECTION", "")
    if not is_windows_path(str(here(path))) and os.path.isdir(file.parent):
        return _not_in_folder(file, _bring(path, connection) if path.is_absolute() else "")
    if connection:
        return AttachmentError(
            f"There is no {short_path(path)} here: this path is on your computer, not on "
            f"{socket.gethostname()}.",
            f"Bring it from there: {_bring(path, connection)}",
        )
    return _of_windows(path) if is_windows_path(str(path)) else error


def _not_in_folder(file: Path, how_to_bring: str) -> AttachmentError:
    """The folder is here: the name may be misspelt, or that of a folder there is there too."""
    if os.path.islink(file):
        return AttachmentError(
            f"{short_path(file)} is a link to {short_path(file.readlink())}, which is not there.",
            "Mend the link, or attach the file itself.",
        )
    if glob.has_magic(file.name):
        return AttachmentError(f"{file.name} is a pattern.", f"Type: /attach {short_path(file)}")
    if near := get_close_matches(file.name, _names(file.parent), n=1, cutoff=0.75):
        remedy = f"Did you mean {drawable(near[0])}?"
    elif how_to_bring:
        remedy = f"Check its name; if it is on your computer, bring it: {how_to_bring}"
    else:
        remedy = "Check its name."
    return MissingFileError(f"There is no file {file.name} in {short_path(file.parent)}.", remedy)


def _names(folder: Path) -> Iterator[str]:
    """Files in a folder; not all where there are very many."""
    try:
        with os.scandir(folder) as found:
            yield from (item.name for item in islice(found, _MOST_COMPARED) if not item.is_dir())
    except OSError:
        return


def _bring(path: Path, connection: str) -> str:
    """The command that brings it, and how to attach it then; empty without SSH."""
    return f"{scp_command(path, connection)} and attach ~/{file_name(path)}." if connection else ""


def _of_windows(path: Path) -> AttachmentError:
    return AttachmentError(
        f"{path} is a path of Windows, whose files are not seen from here.",
        f"Copy it to this machine and attach {file_name(path)}.",
    )
