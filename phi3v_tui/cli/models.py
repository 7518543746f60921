"""`phi3v-tui models`: what models there are."""

from pathlib import Path
from typing import Annotated

import typer

from phi3v_tui.cli.ending import errors_as_sentences
from phi3v_tui.cli.log import log_to_file
from phi3v_tui.settings import load_settings


def models(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FOLDER", help="Folders of checkpoints to list too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the models, here or to download, and the memory each takes."""
    with errors_as_sentences():
        settings = load_settings()
        from phi3v_tui.interface.terminal import quieten_libraries
        from phi3v_tui.models_command import show

        quieten_libraries()
        log_to_file()
        show(settings, folders or [], as_json)
