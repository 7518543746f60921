"""The `phi3v-tui` command: the app, and `ask` for scripts.

torch, transformers and textual are imported by the command that needs them, when it needs them.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from phi3v_tui import __version__
from phi3v_tui.errors import Phi3VTuiError, SettingsError

if TYPE_CHECKING:
    from phi3v_tui.engine.base import Engine
    from phi3v_tui.engine.full_model import FullModel
    from phi3v_tui.settings import Settings

FAILED, USAGE, INTERRUPTED = 1, 2, 130

_DEFAULT_COMMAND = "chat"
_GROUP_OPTIONS = ("--help", "--version")


class _DefaultGroup(TyperGroup):
    """A group that takes arguments which name no command as those of `chat`.

    The command's options may also stand before it: `--model demo ask` is `ask --model demo`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] in _GROUP_OPTIONS:
            return super().parse_args(ctx, args)
        for index, name in enumerate(args):
            if name in self.commands and self._first_argument(args, name) == index:
                return super().parse_args(ctx, [name, *args[:index], *args[index + 1 :]])
        return super().parse_args(ctx, [_DEFAULT_COMMAND, *args])

    def _first_argument(self, args: list[str], command: str) -> int:
        """Index of the first that is neither an option of a command nor the value of one."""
        with_value = self._with_value(command)
        index = 0
        while index < len(args) and args[index].startswith("-") and args[index] != "--":
            index += 2 if args[index] in with_value else 1
        return index

    def _with_value(self, command: str) -> set[str]:
        """Options of a command that are followed by a value."""
        return {
            name
            for option in self.commands[command].params
            for name in option.opts
            if name.startswith("-") and not getattr(option, "is_flag", False)
        }


app = typer.Typer(
    cls=_DefaultGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"]},
)

Model = Annotated[
    str | None,
    typer.Option(help='"auto", "demo" (the bundled model), a folder, or a hub id to download.'),
]
Device = Annotated[str | None, typer.Option(help='"auto", "cpu", "cuda:N" or "mps".')]
Quantize = Annotated[
    str | None, typer.Option(help='Weights as "none", "int8", "int4"; "auto" takes what fits.')
]
Context = Annotated[int | None, typer.Option(help="Tokens of prompt and answer together.")]
NumCrops = Annotated[int | None, typer.Option(help="Most crops a picture is cut into.")]
CudaGraphs = Annotated[
    bool | None, typer.Option(help="On an NVIDIA GPU, replay recorded steps (not tried yet).")
]
Temperature = Annotated[float | None, typer.Option(help="0 takes the most likely token.")]
TopP = Annotated[float | None, typer.Option(help="Sample from the most likely tokens only.")]
Seed = Annotated[int | None, typer.Option(help="Makes sampling repeatable.")]
MaxNewTokens = Annotated[int | None, typer.Option(help="Longest answer, in tokens.")]


def main() -> NoReturn:
    """Run the command line, and end the process with its status."""
    from phi3v_tui.ui.terminal import leave

    try:
        app()
    except SystemExit as exit_:
        leave(exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None))
    leave(0)


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

    phi3v-tui [PICTURES]... opens the app; "phi3v-tui chat --help" lists its options.
    """


@app.command()
def chat(
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Picture files for the first message.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Reopen the last conversation.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for screen readers and scripts.")
    ] = False,
    model: Model = None,
    device: Device = None,
    quantize: Quantize = None,
    context: Context = None,
    num_crops: NumCrops = None,
    cuda_graphs: CudaGraphs = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    seed: Seed = None,
    max_new_tokens: MaxNewTokens = None,
    theme: Annotated[str | None, typer.Option(help="Name of a theme.")] = None,
    slow_link: Annotated[
        bool | None, typer.Option("--slow-link", help="Draw less, for slow lines.")
    ] = None,
    image_mode: Annotated[
        str | None, typer.Option(help='"auto", "kitty", "sixel", "halfcell" or "none".')
    ] = None,
) -> None:
    """Open the app (what phi3v-tui does without a command)."""
    with _errors_as_sentences():
        settings = _settings(
            model=model,
            device=device,
            quantize=quantize,
            context=context,
            num_crops=num_crops,
            cuda_graphs=cuda_graphs,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_new_tokens=max_new_tokens,
            theme=theme,
            image_mode=image_mode,
            slow_link=slow_link,
        )
        from phi3v_tui.ui.terminal import draw_less, is_plain

        if plain or is_plain(os.environ):
            from phi3v_tui.plain.run import run as talk

            raise typer.Exit(talk(_engine(settings), settings, pictures or [], resume))
        if settings.slow_link:
            draw_less(os.environ)
        from phi3v_tui.ui.app import run

        full_model = _full_model(settings)
        raise typer.Exit(run(_engine(settings), settings, pictures or [], resume, full_model))


@app.command()
def ask(
    question: Annotated[
        str | None, typer.Argument(help='What to ask; "-" or nothing reads it from a pipe.')
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Option("--image", "-i", help="A picture file; may be repeated.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object when the answer is complete.")
    ] = False,
    model: Model = None,
    device: Device = None,
    quantize: Quantize = None,
    context: Context = None,
    num_crops: NumCrops = None,
    cuda_graphs: CudaGraphs = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    seed: Seed = None,
    max_new_tokens: MaxNewTokens = None,
) -> None:
    """Ask one question, and print the answer as it comes.

    Status: 0 answered, 1 failed (one sentence says why), 2 wrong usage, 130 interrupted.
    """
    with _errors_as_sentences():
        settings = _settings(
            model=model,
            device=device,
            quantize=quantize,
            context=context,
            num_crops=num_crops,
            cuda_graphs=cuda_graphs,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_new_tokens=max_new_tokens,
        )
        text = _question(question)
        _log_to_file()
        from phi3v_tui.ask import answer, message
        from phi3v_tui.ui.terminal import quieten_libraries

        quieten_libraries()
        answer(_engine(settings), settings, message(text, images or []), as_json)


@app.command()
def config(
    path: Annotated[bool, typer.Option("--path", help="Print where the file is.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong in it.")] = False,
    init: Annotated[bool, typer.Option("--init", help="Write it, with comments.")] = False,
    edit: Annotated[bool, typer.Option("--edit", help="Open it in $VISUAL or $EDITOR.")] = False,
) -> None:
    """Show the settings; or find, check, write or edit their file."""
    from phi3v_tui.settings import default_config_path

    if path:
        typer.echo(default_config_path())
        return
    from phi3v_tui import config_command as command

    run = {check: command.check, init: command.init, edit: command.edit}.get(True, command.show)
    with _errors_as_sentences():
        raise typer.Exit(run(default_config_path()))


@app.command()
def models(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of checkpoints to list too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the models that are here, or could be, and the memory that each takes."""
    with _errors_as_sentences():
        settings = _settings()
        from phi3v_tui.models_command import show
        from phi3v_tui.ui.terminal import quieten_libraries

        quieten_libraries()
        _log_to_file()
        show(settings, folders or [], as_json)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine this machine and its terminal, and say what to do where something is wrong.

    Status: 0 the app can run, 1 it cannot.
    """
    environ = dict(os.environ)
    from phi3v_tui.doctor import report
    from phi3v_tui.settings import default_config_path
    from phi3v_tui.ui.terminal import quieten_libraries

    quieten_libraries()
    _log_to_file()
    with _errors_as_sentences():
        raise typer.Exit(report.doctor(environ, default_config_path(), as_json))


@app.command()
def bench(
    random: Annotated[
        str | None,
        typer.Option(help='Make a random checkpoint and take that: "small", "medium" or "full".'),
    ] = None,
    model: Model = None,
    device: Device = None,
    dtype: Annotated[str, typer.Option(help='"auto", "float32" or "bfloat16".')] = "auto",
    systems: Annotated[
        str, typer.Option(help="Names with commas between: transformers, ours, int8.")
    ] = "transformers,ours,int8",
    inputs: Annotated[
        str | None,
        typer.Option(help="Names with commas between: text, picture, chat, switch, long."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Processes for each system.")] = 5,
    threads: Annotated[
        int | None, typer.Option(min=1, help="That compute; all cores but one if not given.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one process.")] = 1800,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write all results into this file too.")
    ] = None,
) -> None:
    """Measure how fast answers come, beside what transformers does, and whether they are right.

    Without --random or --model a random checkpoint of medium size is made. Status: 0 measured, 1
    failed or an answer was wrong, 2 wrong usage, 130 interrupted.
    """
    with _errors_as_sentences():
        from phi3v_tui.bench.command import run
        from phi3v_tui.bench.plan import Options

        if random and model:
            _stop("--random and --model were both given. Choose one of them.", USAGE)
        options = Options(
            random=random or (None if model else "medium"),
            model=model or "auto",
            device=device or "auto",
            dtype=dtype,
            systems=tuple(systems.split(",")),
            inputs=tuple(inputs.split(",")) if inputs else None,
            repeats=repeats,
            threads=threads,
            timeout=timeout,
        )
        _log_to_file()
        raise typer.Exit(0 if run(options, json_path) else FAILED)


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Turn what a person can mend into one sentence on stderr and an exit status."""
    try:
        yield
    except SettingsError as error:
        _stop(str(error), USAGE)
    except Phi3VTuiError as error:
        _stop(str(error), FAILED)
    except BrokenPipeError:
        # Whoever read the answer has gone; nothing may be flushed to them any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo(err=True)
        raise typer.Exit(INTERRUPTED) from None


def _stop(sentence: str, status: int) -> NoReturn:
    typer.echo(f"phi3v-tui: {sentence}", err=True)
    raise typer.Exit(status)


def _settings(**flags: object) -> "Settings":
    from phi3v_tui.settings import load_settings

    return load_settings(flags)


def _engine(settings: "Settings") -> "Engine":
    from phi3v_tui.engine.local import LocalEngine

    return LocalEngine(
        settings.model,
        settings.device,
        settings.quantize,
        settings.context,
        settings.num_crops,
        settings.cuda_graphs,
        settings.idle_unload,
    )


def _full_model(settings: "Settings") -> "FullModel | None":
    """What to offer to people who leave the choice of the model to the app."""
    if settings.model != "auto":
        return None
    from phi3v_tui.full_model import PublishedModel

    return PublishedModel(settings, lambda repo: _engine(replace(settings, model=repo)))


def _question(given: str | None) -> str:
    """The argument, or else what comes through a pipe."""
    if given not in (None, "-"):
        return str(given)
    if sys.stdin.isatty():
        _stop('Nothing was asked. Type: phi3v-tui ask "What is shown?" -i picture.png.', USAGE)
    text = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
    if not text:
        _stop("The pipe held no question. Write it into the pipe or after ask.", USAGE)
    return text


def _log_to_file() -> None:
    """Tracebacks are for the log file; people get sentences."""
    from platformdirs import user_log_path

    from phi3v_tui.settings import APP_NAME

    path = user_log_path(APP_NAME, appauthor=False) / "ask.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=path, format="%(asctime)s %(name)s %(message)s")
    except OSError:
        logging.basicConfig(handlers=[logging.NullHandler()])
