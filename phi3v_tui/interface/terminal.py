"""The terminal around the app: is there one, stray output, signals, pictures, leaving."""

import contextlib
import logging
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Mapping, MutableMapping
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from platformdirs import user_log_path

from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.interface.terminal_query import Known, places_by_text
from phi3v_tui.settings import APP_NAME

_DRAWS_ON = (2, 1)
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_GRACE_SECONDS = 1.5
_SLOW_FRAMES_PER_SECOND = 15
_BETWEEN = {
    "TMUX": "tmux",
    "STY": "screen",
    "ZELLIJ": "zellij",
    "SSH_CONNECTION": "SSH",
    "SSH_TTY": "SSH",
}
# Leave the alternate screen; show the cursor; mouse, focus and paste reports and kitty keys off.
_RESET_MODES = (
    "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"
    "\x1b[?1004l\x1b[?2004l\x1b[<u"
)


class ImageMode(StrEnum):
    """How pictures are drawn."""

    AUTO = "auto"
    KITTY = "kitty"
    SIXEL = "sixel"
    HALFCELL = "halfcell"
    NONE = "none"


class TerminalError(Phi3VTuiError):
    """The app was started where it cannot draw or hear keys."""


def require_terminal(environ: Mapping[str, str]) -> int:
    """Find the terminal to draw on.

    Returns:
        The file descriptor (2, else 1) that is the terminal.

    Raises:
        TerminalError: No terminal for keys or for drawing, or one that cannot place a cursor.
    """
    remedy = 'Start it in a terminal, or ask in a script: phi3v-tui ask "question" -i picture.png.'
    if environ.get("TERM", "") in ("", "dumb"):
        raise TerminalError("This terminal cannot place text on the screen (TERM is dumb).", remedy)
    if not os.isatty(0):
        raise TerminalError("phi3v-tui reads keys, and its input is not a terminal.", remedy)
    for descriptor in _DRAWS_ON:
        if os.isatty(descriptor):
            return descriptor
    raise TerminalError("phi3v-tui has no terminal to draw on.", remedy)


def is_plain(environ: Mapping[str, str]) -> bool:
    """Whether only lines can be read and written: no terminal, or one that places no cursor."""
    is_dumb = environ.get("TERM", "") in ("", "dumb")
    return is_dumb or not (os.isatty(0) and os.isatty(1))


def log_stray_output(terminal: int) -> None:
    """Keep what libraries write to fd 2 off the screen: it goes to the log file.

    Args:
        terminal: File descriptor that `sys.__stderr__` writes to afterwards.
    """
    try:
        redirect_stderr(terminal, log_path())
    except OSError:  # better without a log than not at all
        redirect_stderr(terminal, Path(os.devnull))


def log_path() -> Path:
    """The file for tracebacks and stray output."""
    return user_log_path(APP_NAME, appauthor=False) / "phi3v-tui.log"


def redirect_stderr(terminal: int, log_path: Path) -> None:
    """Keep what libraries write to fd 2 off the screen, and in the log file.

    Textual draws on `sys.__stderr__`, which afterwards is a copy of `terminal`.

    Args:
        terminal: File descriptor of the terminal.
        log_path: File to append to; its folder is made.

    Raises:
        OSError: The log file cannot be written.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    screen = os.fdopen(os.dup(terminal), "w", encoding="utf-8", errors="replace")
    sys.stderr.flush()
    os.dup2(log, 2)
    os.close(log)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.__stderr__ = screen  # type: ignore[misc]
    # By itself logging would write to what Textual puts in the place of `sys.stderr`: to nowhere.
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")


def quieten_libraries() -> None:
    """Stop progress bars, which nobody would see, before their libraries are imported."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")


def watch_signals(stop: Callable[[int], None]) -> None:
    """Leave in good order on SIGTERM, SIGHUP and when the terminal is gone; Textual does not.

    The signals are blocked in this thread and in those started later, and one thread waits for
    them. A thread that was started before (by a library, say) may still be given one: it is
    then passed on.

    Args:
        stop: Called once, on the waiting thread, with the exit status that tells of the signal
            (128 + its number); should save and end the app. When the app is still there after
            1.5 s the process ends with that status.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    modes = termios.tcgetattr(0)

    def wait() -> None:
        status = 128 + signal.sigwait(_SIGNALS)
        deadline = threading.Timer(_GRACE_SECONDS, _abandon, (modes, status))
        deadline.daemon = True
        deadline.start()
        stop(status)

    waiting = threading.Thread(target=wait, name="signals", daemon=True)
    waiting.start()

    def pass_on(number: int, _: object) -> None:
        if waiting.ident is not None and waiting.is_alive():
            signal.pthread_kill(waiting.ident, number)

    for number in _SIGNALS:
        signal.signal(number, pass_on)
    watch_for_hangup()


def watch_for_hangup() -> None:
    """Have SIGHUP come when the terminal is gone.

    The system sends it to the first program in a terminal only. Where that is `make` or a script
    which waits for this process, it does not get here.
    """

    def wait() -> None:
        terminal = select.poll()
        terminal.register(0, 0)  # a hangup is told of without being asked for
        if any(events & select.POLLHUP for _, events in terminal.poll()):
            os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, name="hangup", daemon=True).start()


def _abandon(modes: list, code: int) -> NoReturn:
    try:
        os.write(0, _RESET_MODES.encode())
        termios.tcsetattr(0, termios.TCSANOW, modes)
    except OSError:
        pass  # The terminal is gone: there is nothing to restore.
    finally:
        os._exit(code)


def leave(code: int) -> NoReturn:
    """End the process now; a thread inside torch would abort an ordinary interpreter exit."""
    for stream in (sys.stdout, sys.stderr, sys.__stderr__):
        # The terminal or pipe may be gone; there is nobody left to tell.
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(code)


def draw_less(environ: MutableMapping[str, str]) -> None:
    """Have textual draw fewer frames and no animations; to be called before its import."""
    environ.setdefault("TEXTUAL_FPS", str(_SLOW_FRAMES_PER_SECOND))
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")


def word_for_ssh(environ: Mapping[str, str], host: str) -> str:
    """What a dropped line would cost, where the app runs over SSH with nothing to hold it."""
    if "SSH_CONNECTION" not in environ or "TMUX" in environ or "STY" in environ:
        return ""
    return (
        f"This runs on {host} over SSH. If the line drops, the answer under way ends; what has "
        "come is kept, and phi3v-tui --resume shows it. Within tmux it would go on: start with "
        "tmux new phi3v-tui, and come back with tmux attach."
    )


def between(environ: Mapping[str, str]) -> str:
    """What lies between the app and the terminal; nothing where they meet."""
    return next((words for name, words in _BETWEEN.items() if name in environ), "")


def choose_image_mode(
    asked: ImageMode,
    environ: Mapping[str, str],
    is_slow: bool = False,
    ask: Callable[[], Known | None] = lambda: None,
) -> ImageMode:
    """Resolve `auto` to the finest way that is sure to work.

    Half cells where tmux or SSH lies between: the one passes no pictures on, and what the other
    does cost seconds on many lines. No pictures where the line is slow.

    Args:
        asked: As set.
        environ: The environment.
        is_slow: Whether the person said that the line is slow.
        ask: Asks the terminal what it knows; called only where that decides.
    """
    if asked is not ImageMode.AUTO:
        return asked
    if is_slow:
        return ImageMode.NONE
    known = None if between(environ) else ask()
    if known is None:
        return ImageMode.HALFCELL
    if "XTERM_VERSION" in environ:  # xterm itself: its sixels get areas of one colour wrong
        return ImageMode.HALFCELL
    if "kitty" in known.protocols and places_by_text(environ):
        return ImageMode.KITTY
    # Of unknown measure, sixels would be drawn over the words beside them.
    return ImageMode.SIXEL if "sixel" in known.protocols and known.cell else ImageMode.HALFCELL
