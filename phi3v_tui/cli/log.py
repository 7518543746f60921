"""The log file of the commands that print what they found."""

import logging

from platformdirs import user_log_path

from phi3v_tui.settings import APP_NAME


def log_to_file() -> None:
    """Tracebacks are for the log file; people get sentences."""
    path = user_log_path(APP_NAME, appauthor=False) / "ask.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=path, format="%(asctime)s %(name)s %(message)s")
    except OSError:
        logging.basicConfig(handlers=[logging.NullHandler()])
