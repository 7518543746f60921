"""Text to the clipboard, as far as a terminal lets an app reach it."""

import os
import subprocess
from collections.abc import Mapping

_TIMEOUT_SECONDS = 2
_PROGRAMS = (
    ("TMUX", ["tmux", "load-buffer", "-w", "-"]),
    ("WAYLAND_DISPLAY", ["wl-copy"]),
    ("DISPLAY", ["xclip", "-selection", "clipboard"]),
    ("", ["pbcopy"]),
)
"""Programs that take a text, each with the variable that says whether it has somewhere to."""


def copy_by_program(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Copy by the first program that takes the text, without a word to the terminal.

    Plain OSC 52 gets lost in tmux unless `set-clipboard` is on; its buffer does not.

    Returns:
        The program; nothing where none took it.
    """
    for variable, command in _PROGRAMS:
        if (not variable or environ.get(variable)) and _hand_over(text, command):
            return command[0]
    return ""


def _hand_over(text: str, command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            timeout=_TIMEOUT_SECONDS,
            # Not a pipe: what stays behind to serve the clipboard would keep it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def describe(program: str) -> str:
    """Say where the text went; a terminal does not confirm, so neither does this.

    Args:
        program: What took the text besides the terminal, or nothing.
    """
    if program == "tmux":
        return "Copied to tmux's buffer (prefix + ] pastes) and sent to the terminal's clipboard."
    if program:
        return f"Copied by {program}, and sent to the terminal's clipboard (OSC 52)."
    return "Sent to the terminal's clipboard (OSC 52). If it does not arrive, Ctrl+S saves a file."
