"""`phi3v-tui ask`: one question, for scripts."""

import sys
from typing import Annotated

import typer

from phi3v_tui.cli import options
from phi3v_tui.cli.ending import USAGE, errors_as_sentences, stop
from phi3v_tui.cli.engines import engine_for
from phi3v_tui.cli.log import log_to_file
from phi3v_tui.conversation.patterns import sources_of

_NOTHING_ASKED = 'Nothing was asked. Type: phi3v-tui ask "What is shown?" -i picture.png.'


def ask(
    ctx: typer.Context,
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION", help='What to ask; "-" or nothing reads it from a pipe.'
        ),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            "-i",
            metavar="PICTURE",
            help="A picture file, address or quoted pattern; may be repeated.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object when the answer is complete.")
    ] = False,
    model: options.Model = None,
    device: options.Device = None,
    quantize: options.Quantize = None,
    context: options.Context = None,
    num_crops: options.NumCrops = None,
    cuda_graphs: options.CudaGraphs = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    seed: options.Seed = None,
    max_new_tokens: options.MaxNewTokens = None,
) -> None:
    """Ask one question, and print the answer as it comes.

    Status: 0 answered, 1 failed (one sentence says why), 2 wrong usage, 130 interrupted.
    """
    with errors_as_sentences():
        settings = options.settings_from(ctx)
        text = _question(question)
        log_to_file()
        from phi3v_tui.ask import answer, message
        from phi3v_tui.interface.terminal import quieten_libraries

        quieten_libraries()
        sources = [source for given in images or [] for source in sources_of(given)]
        asked = message(text, sources, settings.allow_private_urls)
        answer(engine_for(settings), settings, asked, as_json)


def _question(given: str | None) -> str:
    """The argument, or else what comes through a pipe."""
    if given is not None and given != "-":
        if not given.strip():
            stop(_NOTHING_ASKED, USAGE)
        return given
    if sys.stdin.isatty():
        stop(_NOTHING_ASKED, USAGE)
    text = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
    if not text:
        stop("The pipe held no question. Write it into the pipe or after ask.", USAGE)
    return text
