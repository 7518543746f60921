"""`phi3v-tui bench`: how fast answers come."""

from pathlib import Path
from typing import Annotated

import typer

from phi3v_tui.cli.ending import FAILED, USAGE, errors_as_sentences, stop
from phi3v_tui.cli.log import log_to_file
from phi3v_tui.cli.options import Device, Model

Random = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE", help='Make a random checkpoint and take that: "small", "medium" or "full".'
    ),
]
DType = Annotated[
    str, typer.Option(metavar="TYPE", help='"auto", "float32", "bfloat16" or "float16".')
]
Systems = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="With commas between: transformers, ours, graphs, int8."),
]
Inputs = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="With commas between: text, picture, chat, switch, long."),
]
Repeats = Annotated[int, typer.Option(min=1, metavar="N", help="Processes for each system.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="That compute; all cores but one if not given."),
]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For one process.")]
JsonPath = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all results into this file too."),
]


def bench(
    random: Random = None,
    model: Model = None,
    device: Device = None,
    dtype: DType = "auto",
    systems: Systems = None,
    inputs: Inputs = None,
    repeats: Repeats = 5,
    threads: Threads = None,
    timeout: Timeout = 1800,
    json_path: JsonPath = None,
) -> None:
    """Measure how fast answers come, and whether they are right.

    What transformers' generate() does is measured beside it. Without --random or --model a random
    checkpoint of medium size is made. Status: 0 measured, 1 failed or an answer was wrong, 2 wrong
    usage, 130 interrupted.
    """
    with errors_as_sentences():
        from phi3v_tui.bench.command import run
        from phi3v_tui.bench.plan import Options

        if random and model:
            stop("--random and --model were both given. Choose one of them.", USAGE)
        options = Options(
            random=random or (None if model else "medium"),
            model=model or "auto",
            device=device or "auto",
            dtype=dtype,
            systems=tuple(systems.split(",")) if systems else (),
            inputs=tuple(inputs.split(",")) if inputs else None,
            repeats=repeats,
            threads=threads,
            timeout=timeout,
        )
        log_to_file()
        raise typer.Exit(0 if run(options, json_path) else FAILED)
