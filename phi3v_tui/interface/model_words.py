"""Models in words: what they take on the disk and in memory."""

from collections.abc import Iterator
from pathlib import Path

from phi3v_tui.config_file import as_toml
from phi3v_tui.engine.models import Model, ModelChoice, Models, Outlook, State
from phi3v_tui.interface.plain_text import byte_size, drawable, short_path


def title(model: Model) -> str:
    """Its name for people."""
    return "Demo model" if model.is_bundled else drawable(Path(model.name).name)


def on_disk(model: Model) -> str:
    """What it takes on the disk, in as few words as a column has room for."""
    here, whole = byte_size(model.bytes_here), byte_size(model.bytes_whole or 0)
    match model.state:
        case State.HERE:
            return here
        case State.IN_PART:
            return f"{here} of {whole}" if model.bytes_whole else f"{here}, in part"
        case State.MISSING:
            return f"{whole}, not here"
    return str(model.state)


def on_disk_briefly(model: Model) -> str:
    """The same where there is room for a word or two."""
    match model.state:
        case State.HERE:
            return byte_size(model.bytes_here)
        case State.IN_PART:
            return "in part"
        case State.MISSING:
            return "not here"
    return str(model.state)


def state(model: Model) -> str:
    """How much of it is here, as the rest of a sentence."""
    if model.is_bundled and model.state is State.HERE:
        return f"comes with the app, {byte_size(model.bytes_here)}"
    if model.state is State.MISSING:
        return f"not here, {byte_size(model.bytes_whole or 0)} to download"
    if model.state is State.IN_PART:
        whole = f" of {byte_size(model.bytes_whole)}" if model.bytes_whole else ""
        return f"in part, {byte_size(model.bytes_here)}{whole}; it goes on from there"
    if model.state is State.NONE:
        return str(model.state)
    return f"{model.state}, {byte_size(model.bytes_here)}"


def in_memory(outlook: Outlook | None) -> str:
    """What it takes in memory, and whether that is there."""
    if outlook is None:
        return "not known"
    fits = "fits" if outlook.fits else "too big"
    return f"{outlook.quantization} {byte_size(outlook.size)} {fits}"


def at_every_start(choice: ModelChoice, models: Models, usual: str) -> str:
    """What makes a choice last.

    Args:
        choice: A model, and how its weights are held.
        models: Say which one is taken without being asked for.
        usual: What `--quantize` takes where a person says nothing else.
    """
    automatic = models.suggested()
    if automatic is not None and choice == ModelChoice(automatic.name, usual):
        return 'At every start it is taken by itself, wherever it fits: model is "auto".'
    name = drawable(as_toml(choice.name))
    return (
        f"To have it at every start: model = {name} and quantize = {as_toml(choice.quantize)}"
        " in config.toml."
    )


def about(model: Model, outlook: Outlook | None, to_keep: str) -> Iterator[str]:
    """All that is to be known before a model is taken, one sentence a line.

    Args:
        model: Which one.
        outlook: What it would take in memory, if that is known.
        to_keep: What makes it last.
    """
    folder = Path(model.name)
    name = short_path(folder) if folder.is_absolute() else drawable(model.name)
    yield f"{name}: {state(model)}."
    if model.remark:
        yield drawable(model.remark)
    if outlook is not None:
        yield drawable(outlook.words)
    if model.can_be_used:
        yield to_keep
