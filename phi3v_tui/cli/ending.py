"""How a command ends: its exit statuses, and errors as one sentence on stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from phi3v_tui.errors import Phi3VTuiError, SettingsError
from phi3v_tui.interface.plain_text import drawable

FAILED, USAGE, INTERRUPTED = 1, 2, 130


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Turn what a person can mend into one sentence on stderr and an exit status."""
    try:
        yield
    except SettingsError as error:
        stop(str(error), USAGE)
    except Phi3VTuiError as error:
        stop(str(error), FAILED)
    except BrokenPipeError:
        # Whoever read the answer has gone; nothing may be flushed to them any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo(err=True)
        raise typer.Exit(INTERRUPTED) from None


def stop(sentence: str, status: int) -> NoReturn:
    """Say a sentence on stderr, and end with a status."""
    typer.echo(drawable(f"phi3v-tui: {sentence}"), err=True)
    raise typer.Exit(status)
