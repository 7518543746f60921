"""The command line as a whole: its commands, `--version`, and how the process ends."""

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from phi3v_tui import __version__
from phi3v_tui.cli.ask import ask
from phi3v_tui.cli.bench import bench
from phi3v_tui.cli.chat import chat
from phi3v_tui.cli.config import config
from phi3v_tui.cli.default_command import DefaultGroup
from phi3v_tui.cli.doctor import doctor
from phi3v_tui.cli.ending import FAILED
from phi3v_tui.cli.log import log_path, log_to_file
from phi3v_tui.cli.models import models

_log = logging.getLogger(__name__)
_FAULT = "This is a fault of its own ({}). Please report it with the end of the newest file in {}."

app = typer.Typer(
    cls=DefaultGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="[PICTURE]... | COMMAND [ARGS]...",
)
for command in (chat, ask, config, models, doctor, bench):
    app.command()(command)


def main() -> NoReturn:
    """Run the command line, and end the process with its status."""
    from phi3v_tui.interface.terminal import leave

    _open_closed_streams()
    try:
        app(prog_name="phi3v-tui")
    except SystemExit as exit_:
        leave(exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None))
    except Exception as error:  # noqa: BLE001 - a thread inside torch would abort the exit
        log_to_file()
        _log.exception("A fault of the program", exc_info=error)
        # App and plain mode have set up a log of their own by then.
        words = _FAULT.format(type(error).__name__, log_path().parent)
        print(f"phi3v-tui: {words}", file=sys.__stderr__)
        leave(FAILED)
    leave(0)


def _open_closed_streams() -> None:
    """Give those that were closed (<&-, >&-) nothing to read and nowhere to write."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, nothing)
            setattr(sys, f"__{name}__", nothing)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"phi3v-tui {__version__}")
        raise typer.Exit


@app.callback()
def _group(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version)
    ] = False,
) -> None:
    """Chat with Phi-3-Vision about your pictures, on your own machine.

    Without a command the app opens; "phi3v-tui chat --help" lists its options.
    """
