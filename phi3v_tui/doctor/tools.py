"""Other programs, asked for what they know."""

import subprocess
from collections.abc import Callable

_TIMEOUT_SECONDS = 15

Run = Callable[..., str]
"""Takes the words of a command; returns what it prints, or raises ToolError."""


class ToolError(Exception):
    """A program is not there, or fails; the text is what it said."""


def run(*command: str) -> str:
    """What a command prints.

    Raises:
        ToolError: It is not there, fails, or takes too long.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise ToolError("") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(str(error)) from error
    if done.returncode:
        raise ToolError((done.stderr.strip() or done.stdout.strip()).partition("\n")[0])
    return done.stdout.strip()
