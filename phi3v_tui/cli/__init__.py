"""The `phi3v-tui` command: the app, `ask` for scripts, and what helps with both.

One module for each command. torch, transformers and textual are imported by the command that
needs them, when it needs them.
"""

from phi3v_tui.cli.ending import FAILED, INTERRUPTED, USAGE
from phi3v_tui.cli.program import app, main

__all__ = ["FAILED", "INTERRUPTED", "USAGE", "app", "main"]
