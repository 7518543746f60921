"""Models in words: what they take on the disk and in memory."""

from collections.abc import Iterator
from pathlib import Path

from phi3v_tui.config_file import as_toml
from phi3v_tui.engine.models import Model, ModelChoice, Outlook, State
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
    return "damaged"


def state(model: Model) -> str:
    """How much of it is here, as the rest of a sentence."""
    if model.is_bundled and model.state is State.HERE:
        return f"comes with the app, {byte_size(model.bytes_here)}"
    if model.state is State.MISSING:
        return f"not here, {byte_size(model.bytes_whole or 0)} to download"
    if model.state is State.IN_PART:
        whole = f" of {byte_size(model.bytes_whole)}" if model.bytes_whole else ""
        return f"in part, {byte_size(model.bytes_here)}{whole}; it goes on from there"
    return f"{model.state}, {byte_size(model.bytes_here)}"


def in_memory(outlook: Outlook | None) -> str:
    """What it takes in memory, and whether that is there."""
    if outlook is None:
        return "not known"
    fits = "fits" if outlook.fits else "too big"
    return f"{outlook.quantization} {byte_size(outlook.size)} {fits}"


def to_keep(choice: ModelChoice) -> str:
    """What makes a choice last, as it is written in the settings."""
    name = drawable(as_toml(choice.name))
    return f"model = {name} and quantize = {as_toml(choice.quantize)} in config.toml"


def about(model: Model, outlook: Outlook | None, choice: ModelChoice) -> Iterator[str]:
    """All that is to be known before a model is taken, one sentence a line."""
    folder = Path(model.name)
    name = short_path(folder) if folder.is_absolute() else drawable(model.name)
    yield f"{name}: {state(model)}."
    if model.remark:
        yield drawable(model.remark)
    if outlook is not None:
        yield drawable(outlook.words)
    if model.state is not State.DAMAGED:
        yield f"To have it at every start: {to_keep(choice)}."
