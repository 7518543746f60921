"""The models that could answer, line by line: listed, and changed."""

from typing import TYPE_CHECKING

from phi3v_tui import slash
from phi3v_tui.engine.models import Listing, Model, ModelChoice
from phi3v_tui.errors import CommandError, ModelError
from phi3v_tui.interface import model_words
from phi3v_tui.interface.plain_text import byte_size
from phi3v_tui.plain.model import Interrupted

if TYPE_CHECKING:
    from phi3v_tui.plain.session import PlainSession

_USAGE = "/model and a number or name changes to it, /model 2 int4 also says how weights are held."


def obey(session: "PlainSession", argument: str) -> None:
    """List the models, or change to the one that was typed.

    Raises:
        CommandError: There is no such model, or it cannot be taken.
        ModelError: The models cannot be listed, or the other one not be loaded.
    """
    name, weights = slash.model_and_weights(argument)
    listing = session.models.listing(session.model.loaded, name)
    if not argument:
        _list(session, listing)
        return
    model, quantize = listing.find(name), weights or session.settings.quantize
    picked = listing.pick(model, quantize, session.choice.quantize)
    if picked.offer is not None:
        raise CommandError(f"It is {model_words.state(model)}.", f"{model.command} does that.")
    _change(session, picked.choice)


def _list(session: "PlainSession", listing: Listing) -> None:
    room = f"{listing.room.place}: {byte_size(listing.room.free)} free for a model."
    rows = [
        f"{number}. {_describe(listing, model, session.settings.quantize)}"
        for number, model in enumerate(listing.models, 1)
    ]
    session.console.say("\n".join([room, *rows, _USAGE]))


def _describe(listing: Listing, model: Model, quantize: str) -> str:
    is_in_use = ", in use" if model.name == listing.in_use else ""
    remark = f" {model.remark}" if model.remark else ""
    memory = model_words.in_memory(listing.outlook(model, quantize))
    return f"{model.name}{is_in_use}: {model_words.state(model)}.{remark} In memory: {memory}."


def _change(session: "PlainSession", choice: ModelChoice) -> None:
    """Load another model, and wait for it; where it fails, the one before is loaded again."""
    model, before = session.model, session.model.loaded
    way_back = ModelChoice(before.source, session.choice.quantize) if before else None
    _load(session, choice)
    try:
        session.answering.wait_for_model()
    except Interrupted:
        session.console.state("The model goes on loading.")
        return
    except ModelError as error:
        if way_back is None:
            raise
        _load(session, way_back)
        raise ModelError(str(error), "The model before is loaded again.") from error
    if model.loaded is not None:
        session.models.remember(model.loaded)
    usual = session.settings.quantize
    session.console.state(model_words.at_every_start(choice, session.models, usual))


def _load(session: "PlainSession", choice: ModelChoice) -> None:
    session.choice = choice
    session.model.use(session.models.engine(choice, session.model.engine))
