"""The log file of the commands that print what they found."""

import logging
from pathlib import Path

from platformdirs import user_log_path

from phi3v_tui.settings import APP_NAME


def log_path() -> Path:
    """Where it is."""
    return user_log_path(APP_NAME, appauthor=False) / "ask.log"


def log_to_file() -> None:
    """Tracebacks are for the log file; people get sentences."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=path, format="%(asctime)s %(name)s %(message)s")
    except OSError:
        logging.basicConfig(handlers=[logging.NullHandler()])
