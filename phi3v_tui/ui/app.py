"""The Textual app, and how it is started.

`run` is the only entry. The command line calls it like this, and imports this module only then:

    from phi3v_tui.ui.app import run
    from phi3v_tui.ui.terminal import leave

    leave(run(engine, settings, pictures, resume))

`run` does everything to the terminal by itself (tty checks, stray output to the log file,
signals). The engine must be cheap to construct: it starts no thread and imports no torch before
`engine.load` is called, which happens after the first paint. `run` closes it. When `run` returns,
everything is saved; `leave` then ends the process at once, because a thread that is still inside
torch would abort an ordinary exit.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from phi3v_tui.engine.base import Engine

if TYPE_CHECKING:
    from phi3v_tui.settings import Settings


def run(engine: Engine, settings: "Settings", pictures: list[Path], resume: bool) -> int:
    """Show the app until the person leaves.

    Args:
        engine: Not loaded yet.
        settings: As resolved from flags, environment, file and defaults.
        pictures: Files to attach to the first message.
        resume: Reopen the last conversation.

    Returns:
        The process's exit status: 0, 2 where there is no terminal to draw on, else an error.
    """
    raise NotImplementedError
