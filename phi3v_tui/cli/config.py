"""`phi3v-tui config`: the settings and their file."""

from typing import Annotated

import typer

from phi3v_tui.cli.ending import USAGE, errors_as_sentences, stop
from phi3v_tui.settings import default_config_path


def config(
    path: Annotated[bool, typer.Option("--path", help="Print where the file is.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong in it.")] = False,
    init: Annotated[bool, typer.Option("--init", help="Write it, with comments.")] = False,
    edit: Annotated[bool, typer.Option("--edit", help="Open it in $VISUAL or $EDITOR.")] = False,
) -> None:
    """Show the settings; or find, check, write or edit their file."""
    if sum((path, check, init, edit)) > 1:
        stop("Choose one of --path, --check, --init and --edit.", USAGE)
    if path:
        typer.echo(default_config_path())
        return
    from phi3v_tui import config_command as command

    run = {check: command.check, init: command.init, edit: command.edit}.get(True, command.show)
    with errors_as_sentences():
        raise typer.Exit(run(default_config_path()))
