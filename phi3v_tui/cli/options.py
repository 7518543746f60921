"""Options that several commands have.

An option with the name of a setting is one: `settings_from` finds it by that name.
"""

from typing import Annotated

import typer

from phi3v_tui.settings import Settings, load_settings
from phi3v_tui.settings_table import TABLE

Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL", help='"auto", "demo" (the bundled one), a folder, or a hub id to download.'
    ),
]
Device = Annotated[
    str | None, typer.Option(metavar="DEVICE", help='"auto", "cpu", "cuda:N" or "mps".')
]
Quantize = Annotated[
    str | None,
    typer.Option(metavar="HOW", help='Weights as "none", "int8", "int4"; "auto" takes what fits.'),
]
Context = Annotated[
    int | None, typer.Option(metavar="TOKENS", help="Room for prompt and answer together.")
]
NumCrops = Annotated[
    int | None, typer.Option(metavar="N", help="Most crops a picture is cut into: 1 to 16.")
]
CudaGraphs = Annotated[
    bool | None, typer.Option(help="On an NVIDIA GPU, replay recorded steps (not tried yet).")
]
Temperature = Annotated[
    float | None,
    typer.Option(metavar="NUMBER", help="0 takes the most likely token; up to 2 is more varied."),
]
TopP = Annotated[
    float | None, typer.Option(metavar="NUMBER", help="Sample from the most likely tokens only.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Makes sampling repeatable.")]
MaxNewTokens = Annotated[int | None, typer.Option(metavar="TOKENS", help="Longest answer.")]


def settings_from(ctx: typer.Context) -> Settings:
    """The settings, with those of a command's options that are given as flags before all else.

    Raises:
        SettingsError: One of them makes no sense.
    """
    return load_settings({name: value for name, value in ctx.params.items() if name in TABLE})
