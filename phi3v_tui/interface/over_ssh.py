"""Paths that are of one's own computer, and not of the one where the app runs."""

import getpass
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path

from phi3v_tui.conversation.windows_paths import file_name, is_windows_path
from phi3v_tui.errors import AttachmentError, MissingFileError


def explain_missing(
    error: AttachmentError, path: Path, environ: Mapping[str, str]
) -> AttachmentError:
    """Say how to bring a file that is not here, where this may be the reason.

    Args:
        error: Why the file could not be attached.
        path: As typed or pasted.
        environ: Says whether this is a session over SSH, and from where to where.

    Returns:
        A better error, or the same.
    """
    if not isinstance(error, MissingFileError):
        return error
    if not environ.get("SSH_CONNECTION"):
        return _of_windows(path) if is_windows_path(str(path)) else error
    host = socket.gethostname()
    return AttachmentError(
        f"There is no {path} here: this path is on your computer, not on {host}.",
        f"Bring it from there: {scp_command(path, environ['SSH_CONNECTION'])} "
        f"and attach ~/{file_name(path)}.",
    )


def _of_windows(path: Path) -> AttachmentError:
    return AttachmentError(
        f"{path} is a path of Windows, whose files are not seen from here.",
        f"Copy it to this machine and attach {file_name(path)}.",
    )


def scp_command(path: Path, connection: str) -> str:
    """The command that copies a file into the home folder here.

    Args:
        path: The file on the other computer.
        connection: SSH_CONNECTION: the other computer's address and port, then this one's.
    """
    words = connection.split()
    address = words[2] if len(words) == 4 else socket.gethostname()
    port = words[3] if len(words) == 4 else "22"
    target = f"[{address}]" if ":" in address else address
    option = "" if port == "22" else f"-P {port} "
    return f"scp {option}{_quoted(path)} {_user()}@{target}:"


def _quoted(path: Path) -> str:
    """For the shell there; those of Windows know only these quotation marks."""
    return f'"{path}"' if is_windows_path(str(path)) else shlex.quote(str(path))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "you"
