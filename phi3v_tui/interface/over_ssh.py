"""How files come from one's own computer to the one where the app runs."""

import getpass
import shlex
import socket
from pathlib import Path

from phi3v_tui.conversation.windows_paths import is_windows_path


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
    """For the shell there; those of Windows know only these quotation marks.

    What lies in the home folder here is meant to lie in that of the person there.
    """
    if is_windows_path(str(path)):
        return f'"{path}"'
    if path.is_relative_to(Path.home()):
        return f"~/{shlex.quote(str(path.relative_to(Path.home())))}"
    return shlex.quote(str(path))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "you"
