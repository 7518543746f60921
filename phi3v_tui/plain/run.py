"""How the conversation line by line is started.

    from phi3v_tui.plain.run import run
    from phi3v_tui.interface.terminal import leave

    leave(run(engine, settings, models, pictures, resume))

The arguments are those of `phi3v_tui.ui.app.run`.
"""

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from phi3v_tui.conversation.patterns import Source
from phi3v_tui.engine.base import Engine
from phi3v_tui.engine.collect import close_soon
from phi3v_tui.engine.models import Models
from phi3v_tui.interface import terminal
from phi3v_tui.plain.console import Console, edit_lines
from phi3v_tui.plain.model import Model
from phi3v_tui.plain.session import PlainSession
from phi3v_tui.settings import Settings

_FAILED, _INTERRUPTED = 1, 130
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def run(
    engine: Engine, settings: Settings, models: Models, pictures: Sequence[Source], resume: bool
) -> int:
    """Talk until the input ends or the person leaves.

    Args:
        engine: Not loaded yet; it is closed at the end.
        settings: As resolved from flags, environment, file and defaults.
        models: Those that could answer, to be changed to.
        pictures: Files and addresses to attach to the first prompt.
        resume: Go on with the last conversation.

    Returns:
        The process's exit status: 0; 1 where the input was no terminal and anything failed;
        128 + the signal that ended it.
    """
    terminal.quieten_libraries()
    terminal.log_stray_output(2)
    edit_lines()
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    console = Console(sys.stdin, sys.stdout, sys.__stderr__ or sys.stderr)
    session = PlainSession(console, Model(engine), settings, models)
    for number in _SIGNALS:
        signal.signal(number, _leave)
    if console.is_interactive:
        terminal.watch_for_hangup()
    try:
        status = _talk(session, console, pictures, resume)
        _hear_no_signals()
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    finally:
        session.keep_before_leaving()
    close_soon(session.model.engine)
    return status


def _talk(session: PlainSession, console: Console, pictures: Sequence[Source], resume: bool) -> int:
    """Talk to the end; the exit status."""
    try:
        session.start(pictures, resume)
        session.hold()
        return _FAILED if session.failures and not console.is_interactive else 0
    except KeyboardInterrupt:
        console.state("")  # what the shell writes next begins a line
        return 0 if console.is_interactive else _INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO, errno.ENOSPC):
            raise
        if error.errno == errno.ENOSPC:
            print("phi3v-tui: There is no room to write the answer to.", file=sys.__stderr__)
        # Whoever read along has gone, or the terminal.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _FAILED


def _leave(number: int, _: FrameType | None) -> NoReturn:
    _hear_no_signals()
    raise SystemExit(128 + number)


def _hear_no_signals() -> None:
    """A hangup is told of twice, by the system and by us; the second must not end the saving."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
