"""The list of models."""

from collections.abc import Callable
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.models import Listing, Model, ModelChoice, Models, Outlook, Picked, State
from phi3v_tui.errors import CommandError, ModelError
from phi3v_tui.interface import model_words
from phi3v_tui.interface.plain_text import byte_size, drawable
from phi3v_tui.settings_table import QUANTIZE_MODES
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.clickable import KeyHints
from phi3v_tui.ui.widgets.chooses_first import ChoosesFirst

_LOOKING = "Looking at the models and at the memory …"
_KEYS = "Enter {verb} · ← → weights · Esc closes"
_DISK_COLUMN, _MEMORY_COLUMN = 18, 20
_NAME_AT_LEAST = 16


class ModelList(ChoosesFirst):
    """The models, one a row; a click on one shows it, so that its weights can be chosen too."""


class Weights(Static):
    """A way to hold the weights; a click takes it."""

    @dataclass
    class Taken(Message):
        """The person clicked on it."""

        quantize: str

    def __init__(self, quantize: str) -> None:
        """Offer one of `QUANTIZE_MODES`."""
        super().__init__(markup=False)
        self.quantize = quantize

    def on_click(self) -> None:
        """Take it."""
        self.post_message(self.Taken(self.quantize))

    def show(self, outlook: Outlook | None, is_taken: bool) -> None:
        """Say what the model would take so."""
        size = byte_size(outlook.size) if outlook is not None else ""
        parts = [self.quantize, size, "" if outlook is None or outlook.fits else "✗"]
        self.update(f" {' '.join(filter(None, parts))} ")
        self.set_class(is_taken, "-taken")
        self.set_class(outlook is not None and not outlook.fits, "-too-big")


class ModelsScreen(ModalScreen[Picked | None]):
    """Models with what they take on the disk and in memory; gives the one to use.

    One that is not here, or not whole, is given too: whoever asked has it downloaded.
    """

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Close it"),
        Binding("left", "change_weights(-1)", "Other weights", priority=True),
        Binding("right", "change_weights(1)", "Other weights", priority=True),
    ]

    def __init__(
        self,
        models: Models,
        loaded: Loaded | None,
        choice: ModelChoice,
        usual: str,
        refusal: Callable[[], str],
    ) -> None:
        """List nothing yet.

        Args:
            models: Those that could answer.
            loaded: The one that answers now, if there is one.
            choice: The same as it was asked for.
            usual: What `--quantize` would take for the others.
            refusal: Says why the model cannot be changed now; empty where it can.
        """
        super().__init__()
        self._models = models
        self._loaded = loaded
        self._choice = choice
        self._usual = usual
        self._refusal = refusal
        self._listing: Listing | None = None
        self._weights: dict[str, str] = {}
        self._warned: Picked | None = None

    def compose(self) -> ComposeResult:
        """The list, what is to be known of the chosen one, and how its weights can be held."""
        with Vertical(classes="modal") as box:
            box.border_title = "Models"
            yield Static(_LOOKING, id="models-room", markup=False)
            yield ModelList(compact=True)
            with Horizontal(id="models-weights"):
                yield from map(Weights, QUANTIZE_MODES)
            yield Static(id="models-about", markup=False)
            yield KeyHints(self, "Esc closes", classes="modal-keys")

    def on_mount(self) -> None:
        """Look, beside the interface."""
        self.query_one("#models-weights").display = False
        self._look()

    def mark(self, loaded: Loaded, choice: ModelChoice) -> None:
        """Know the model that became ready meanwhile, and look again."""
        self._loaded, self._choice, self._weights = loaded, choice, {}
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        try:
            listing = await in_thread(self._models.listing, self._loaded)
        except ModelError as error:
            self.query_one("#models-room", Static).update(drawable(str(error)))
            return
        self._listing = listing
        usual = dict.fromkeys((model.name for model in listing.models), self._usual)
        self._weights = usual | {listing.in_use: self._choice.quantize} | self._weights
        self._show(listing)

    def _show(self, listing: Listing) -> None:
        room = f"{listing.room.place}: {byte_size(listing.room.free)} free for a model"
        self.query_one("#models-room", Static).update(drawable(room))
        self.query_one("#models-weights").display = True
        names = [model.name for model in listing.models]
        in_use = names.index(listing.in_use) if listing.in_use in names else 0
        highlighted = self.query_one(ModelList).highlighted
        self._draw_rows(in_use if highlighted is None else highlighted)

    def _draw_rows(self, chosen: int) -> None:
        if (listing := self._listing) is not None:
            options = self.query_one(ModelList)
            options.set_options(Option(self._row(listing, model)) for model in listing.models)
            options.highlighted = chosen

    def on_resize(self) -> None:
        """Give the columns what room there is, once the list has its width."""
        self.call_after_refresh(lambda: self._draw_rows(self.query_one(ModelList).highlighted or 0))

    @property
    def _width(self) -> int:
        return self.query_one(ModelList).scrollable_content_region.width

    def _row(self, listing: Listing, model: Model) -> Content:
        mark = ("● " if model.name == listing.in_use else "  ", "$accent")
        name, disk = Content(model_words.title(model)), model_words.on_disk(model)
        outlook = listing.outlook(model, self._weights[model.name])
        is_too_big = outlook is not None and not outlook.fits
        memory = (model_words.in_memory(outlook), "$error" if is_too_big else "")
        room = self._width - 2 - _DISK_COLUMN - _MEMORY_COLUMN
        if room < _NAME_AT_LEAST:
            words = f" · {model_words.on_disk_briefly(model)}"
            more = Content.assemble("  ", memory, (words, "$muted"))
            lines = Content.assemble(mark, name), more
            return Content("\n").join(line.truncate(self._width, ellipsis=True) for line in lines)
        padded = name.truncate(room - 1, ellipsis=True, pad=True)
        return Content.assemble(mark, padded, (f" {disk:<{_DISK_COLUMN}}", "$muted"), memory)

    @property
    def chosen(self) -> Model | None:
        """The model that keys do something with."""
        place = self.query_one(ModelList).highlighted
        return self._listing.models[place] if self._listing and place is not None else None

    @on(OptionList.OptionHighlighted)
    def _show_chosen(self) -> None:
        """Say all of the chosen one."""
        listing, model = self._listing, self.chosen
        if listing is None or model is None:
            return
        choice = ModelChoice(model.name, self._weights[model.name])
        for weights in self.query(Weights):
            outlook = listing.outlook(model, weights.quantize)
            weights.show(outlook, weights.quantize == choice.quantize)
        outlook = listing.outlook(model, choice.quantize)
        to_keep = model_words.at_every_start(choice, self._models, self._usual)
        lines = model_words.about(model, outlook, to_keep)
        self.query_one("#models-about", Static).update("\n".join(lines))
        is_here = model.state is State.HERE
        self._say(_KEYS.format(verb="uses it" if is_here else "downloads it"))

    def action_change_weights(self, by: int) -> None:
        """Hold the weights of the chosen model in the next way."""
        if model := self.chosen:
            place = QUANTIZE_MODES.index(self._weights[model.name]) + by
            self._take(QUANTIZE_MODES[place % len(QUANTIZE_MODES)])

    @on(Weights.Taken)
    def _take_clicked(self, message: Weights.Taken) -> None:
        self._take(message.quantize)

    def _take(self, quantize: str) -> None:
        listing, model = self._listing, self.chosen
        if listing is not None and model is not None:
            self._weights[model.name] = quantize
            options = self.query_one(ModelList)
            place = listing.models.index(model)
            options.replace_option_prompt_at_index(place, self._row(listing, model))
            self._show_chosen()

    @on(OptionList.OptionSelected)
    def _use(self) -> None:
        """Hand the chosen one over, unless there is a reason against it."""
        listing, model = self._listing, self.chosen
        if listing is None or model is None:
            return
        try:
            picked = listing.pick(model, self._weights[model.name], self._choice.quantize)
        except CommandError as error:
            self._say(drawable(str(error)))
            return
        if words := self._refusal() or self._warning(listing, model, picked):
            self._say(words)
        else:
            self.dismiss(picked)

    def _warning(self, listing: Listing, model: Model, picked: Picked) -> str:
        """Words for who takes a model that does not fit; nothing for who insists."""
        outlook = listing.outlook(model, picked.choice.quantize)
        if outlook is None or outlook.fits or self._warned == picked:
            return ""
        self._warned = picked
        return "It does not fit now. ← → holds the weights otherwise; Enter again tries it."

    def _say(self, words: str) -> None:
        self.query_one(KeyHints).say(words)
