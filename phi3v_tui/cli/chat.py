"""`phi3v-tui [chat]`: the app, or the same conversation line by line."""

import os
from typing import Annotated

import typer

from phi3v_tui.cli import options
from phi3v_tui.cli.ending import errors_as_sentences
from phi3v_tui.cli.engines import engine_for, models_for
from phi3v_tui.conversation.patterns import source

Pictures = Annotated[
    list[str] | None,
    typer.Argument(metavar="PICTURE", help="Picture files or addresses, for the first message."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Reopen the last conversation.")]
Plain = Annotated[
    bool, typer.Option("--plain", help="Line by line: for screen readers and scripts.")
]
Theme = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="phi3v-dark, phi3v-light, phi3v-contrast, nord, ..."),
]
SlowLink = Annotated[bool | None, typer.Option("--slow-link", help="Draw less, for slow lines.")]
ImageMode = Annotated[
    str | None,
    typer.Option(metavar="HOW", help='Pictures by "auto", "kitty", "sixel", "halfcell" or "none".'),
]


def chat(
    ctx: typer.Context,
    pictures: Pictures = None,
    resume: Resume = False,
    plain: Plain = False,
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
    theme: Theme = None,
    slow_link: SlowLink = None,
    image_mode: ImageMode = None,
) -> None:
    """Open the app: what phi3v-tui does without a command."""
    with errors_as_sentences():
        settings = options.settings_from(ctx)
        models, sources = models_for(settings), [source(given) for given in pictures or []]
        from phi3v_tui.interface.terminal import draw_less, is_plain

        if plain or is_plain(os.environ):
            from phi3v_tui.plain.run import run as talk

            raise typer.Exit(talk(engine_for(settings), settings, models, sources, resume))
        if settings.slow_link:
            draw_less(os.environ)
        from phi3v_tui.ui.app import run

        raise typer.Exit(run(engine_for(settings), settings, models, sources, resume))
