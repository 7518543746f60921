"""The Models protocol: what the interface knows of the models that could answer."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from phi3v_tui import memory
from phi3v_tui.engine.base import Engine
from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.full_model import FullModel, Offer
from phi3v_tui.errors import CommandError
from phi3v_tui.memory import DoesNotFit, Room
from phi3v_tui.paths import absolute
from phi3v_tui.shapes import Quantization, Shapes

_FLOAT32 = 4


class State(StrEnum):
    """How much of a model is on this machine."""

    HERE = "here"
    IN_PART = "in part"
    DAMAGED = "damaged"
    MISSING = "not here"
    NONE = "no model"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that `--model` takes.

    Attributes:
        name: What to give to `--model`.
        state: How much of it is here.
        folder: Where it is; None where it is not whole.
        bytes_here: What it takes on the disk now.
        bytes_whole: What it takes once it is whole; None where that is not known.
        remark: What else is to be known, or empty.
        shapes: Its sizes in numbers; None where they are not known.
        is_bundled: Whether it comes with the app.
    """

    name: str
    state: State
    folder: Path | None
    bytes_here: int
    bytes_whole: int | None
    remark: str = ""
    shapes: Shapes | None = None
    is_bundled: bool = False

    @property
    def can_be_used(self) -> bool:
        """Whether it answers, after a download where that is needed."""
        return self.state not in (State.DAMAGED, State.NONE)

    @property
    def command(self) -> str:
        """What starts the app with it, after a download where that is needed."""
        return f"phi3v-tui --model {self.name}"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, and how its weights are to be held.

    Attributes:
        name: What `--model` takes.
        quantize: What `--quantize` takes.
    """

    name: str
    quantize: str = memory.AUTO


@dataclass(frozen=True, slots=True)
class Picked:
    """A model that was taken from the list.

    Attributes:
        choice: Which one.
        offer: What there is to download first; None where all of it is here.
    """

    choice: ModelChoice
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a model would take, weights held in some way.

    Attributes:
        quantization: How they would be held.
        size: Bytes with as much context as was asked for, or 4,096 tokens.
        fits: Whether there is room for that.
        words: The same as a sentence, context included.
    """

    quantization: Quantization
    size: int
    fits: bool
    words: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The models, and the memory that there is for one of them.

    Attributes:
        models: The bundled one, those of the hub, then folders.
        in_use: The name of the one that is loaded; empty where it is none of them.
        room: What the device offers once that one has gone.
        context: Tokens of prompt and answer asked for; None takes what fits.
        downloads: The folder in which downloads are kept.
        free: Bytes that are free there.
    """

    models: tuple[Model, ...]
    in_use: str
    room: Room
    context: int | None
    downloads: Path
    free: int

    def outlook(self, model: Model, quantize: str) -> Outlook | None:
        """What a model would take; None where its sizes are not known.

        Args:
            model: One of the list.
            quantize: What `--quantize` takes.
        """
        shapes = model.shapes
        if shapes is None:
            return None
        # The bundled model computes in full precision on every device.
        room = replace(self.room, itemsize=_FLOAT32) if model.is_bundled else self.room
        context = min(self.context or memory.COMFORTABLE_CONTEXT, shapes.longest)
        try:
            plan = memory.plan_as_asked(shapes, room, quantize, self.context)
        except DoesNotFit as error:
            smallest = Quantization.INT4 if quantize == memory.AUTO else Quantization(quantize)
            size = memory.needed(shapes, room.itemsize, smallest, context)
            return Outlook(smallest, size, False, error.title)
        context = min(context, plan.context)
        size = memory.needed(shapes, room.itemsize, plan.quantization, context)
        return Outlook(plan.quantization, size, True, f"It fits: {plan}.")

    def find(self, words: str) -> Model:
        """The model that a person means.

        Args:
            words: Its number in the list, its name, a part of it that no other has, or its folder.

        Raises:
            CommandError: There is none, or there are several.
        """
        if words.isdecimal() and 0 < int(words) <= len(self.models):
            return self.models[int(words) - 1]
        exact = {words, str(absolute(words))}
        found = [model for model in self.models if model.name in exact]
        found = found or [m for m in self.models if words.casefold() in m.name.casefold()]
        if len(found) == 1:
            return found[0]
        what = "is the name of several models" if found else "is no model of the list"
        raise CommandError(f'"{words}" {what}.', "/model shows the list.")

    def pick(self, model: Model, quantize: str, held: str) -> Picked:
        """Take a model of the list.

        Args:
            model: Which one.
            quantize: How its weights are to be held: what `--quantize` takes.
            held: The same of the model in use.

        Raises:
            CommandError: It cannot be used, is in use already, or there is no room to download it.
        """
        if not model.can_be_used:
            raise CommandError(f"It cannot be used. {model.remark}", "")
        if model.name == self.in_use and quantize == held:
            raise CommandError("It is in use already.", "")
        choice = ModelChoice(model.name, quantize)
        return Picked(choice, None if model.state is State.HERE else self._offer(model, quantize))

    def _offer(self, model: Model, quantize: str) -> Offer:
        outlook = self.outlook(model, quantize)
        missing = max(0, (model.bytes_whole or 0) - model.bytes_here)
        if missing > self.free:
            raise CommandError(
                f"{_gb(missing)} are missing, and the disk of {self.downloads} has"
                f" {_gb(self.free)} free.",
                "Make room, or set HF_HOME to a folder on another disk.",
            )
        reason = outlook.words if outlook else ""
        return Offer(Path(model.name).name, reason, missing, self.downloads, self.free)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


class Models(Protocol):
    """The models that could answer. What takes a moment is for a thread beside the interface."""

    def listing(self, loaded: Loaded | None, named: str = "") -> Listing:
        """Look at the disk and at the memory; takes a moment.

        Args:
            loaded: The model that answers now, if there is one.
            named: What a person named; where it is a folder, that is listed too.

        Raises:
            ModelError: The device that the settings ask for is not there.
        """

    def engine(self, choice: ModelChoice, instead_of: Engine) -> Engine:
        """An engine for a model, not loaded yet.

        Args:
            choice: The model.
            instead_of: The engine before: it is closed, and waited for, before the new one loads,
                so that the two are never in memory at once.
        """

    def suggested(self) -> FullModel | None:
        """The model to offer to people who left the choice to the app; None for others."""

    def downloadable(self, name: str) -> FullModel:
        """A model of the hub, by its name in the list."""

    def remember(self, loaded: Loaded) -> None:
        """Keep the folder of a model that was loaded from one, so that it is listed again."""
