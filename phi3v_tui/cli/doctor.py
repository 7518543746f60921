"""`phi3v-tui doctor`: this machine and its terminal."""

import os
from typing import Annotated

import typer

from phi3v_tui.cli.ending import errors_as_sentences
from phi3v_tui.cli.log import log_to_file
from phi3v_tui.settings import default_config_path


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine the machine and the terminal; say what to mend.

    Status: 0 the app can run, 1 it cannot.
    """
    environ = dict(os.environ)
    from phi3v_tui.doctor import report
    from phi3v_tui.interface.terminal import quieten_libraries

    quieten_libraries()
    log_to_file()
    with errors_as_sentences():
        raise typer.Exit(report.doctor(environ, default_config_path(), as_json))
