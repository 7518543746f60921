"""Paths that were pasted from one's own computer into a session on another one."""

import getpass
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path

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
    if not isinstance(error, MissingFileError) or not environ.get("SSH_CONNECTION"):
        return error
    host = socket.gethostname()
    return AttachmentError(
        f"There is no {path} here: this path is on your computer, not on {host}.",
        f"Bring it from there: {scp_command(path, environ['SSH_CONNECTION'])} "
        f"and attach ~/{path.name}.",
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
    return f"scp {option}{shlex.quote(str(path))} {_user()}@{target}:"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "you"
