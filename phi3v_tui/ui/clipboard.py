"""Text to the clipboard, as far as a terminal lets an app reach it."""

import subprocess
from collections.abc import Mapping

_TIMEOUT_SECONDS = 2


def copy_through_tmux(text: str, environ: Mapping[str, str]) -> bool:
    """Put text into tmux's buffer, and by it into the outer clipboard where tmux may.

    Plain OSC 52 gets lost in tmux unless `set-clipboard` is on.

    Returns:
        Whether there is a tmux that took it.
    """
    if "TMUX" not in environ:
        return False
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode(),
            timeout=_TIMEOUT_SECONDS,
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def describe(through_tmux: bool) -> str:
    """Say where the text went; a terminal does not confirm, so neither does this."""
    if through_tmux:
        return "Copied to tmux's buffer (prefix + ] pastes) and sent to the terminal's clipboard."
    return "Sent to the terminal's clipboard (OSC 52). If it does not arrive, Ctrl+S saves a file."
