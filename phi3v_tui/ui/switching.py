"""From one model to another; the conversation, and what is typed and attached, stays."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from phi3v_tui import slash
from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.models import ModelChoice, Models, Picked
from phi3v_tui.errors import CommandError, Phi3VTuiError
from phi3v_tui.interface.model_words import at_every_start
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.background import in_thread, run_beside
from phi3v_tui.ui.screens.models import ModelsScreen

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_SECONDS = 15
_BUSY = "An answer is under way: Esc stops it, then the model can be changed."


class Switching:
    """Changes the model that answers, and goes back where another one cannot be loaded.

    Attributes:
        loaded: The model that answers; None while one is loading, or if none could be.
        choice: What was asked for last.
    """

    def __init__(self, chat: "ChatScreen", models: Models) -> None:
        """Wait for the first model.

        Args:
            chat: Whose engine is changed.
            models: Those that could answer.
        """
        self._chat = chat
        self._models = models
        self._is_changing = False
        self._way_back: ModelChoice | None = None
        self.loaded: Loaded | None = None
        self.choice = ModelChoice(chat.settings.model, chat.settings.quantize)

    def choose(self) -> None:
        """List the models, and change to the one that is picked."""
        usual = self._chat.settings.quantize
        screen = ModelsScreen(self._models, self.loaded, self.choice, usual, self._refusal)
        self._chat.app.push_screen(screen, self._take)

    async def obey(self, argument: str) -> None:
        """Change to the model that a person typed.

        Args:
            argument: Its name, number or folder, and perhaps how its weights are to be held.

        Raises:
            CommandError: There is no such model, or it cannot be taken now.
            ModelError: The models cannot be listed.
        """
        name, weights = slash.model_and_weights(argument)
        listing = await in_thread(self._models.listing, self.loaded, name)
        quantize = weights or self._chat.settings.quantize
        picked = listing.pick(listing.find(name), quantize, self.choice.quantize)
        if words := self._refusal():
            raise CommandError(words, "")
        self._take(picked)

    def _refusal(self) -> str:
        return _BUSY if self._chat.asking.is_busy else ""

    def _take(self, picked: Picked | None) -> None:
        if picked is None:
            return
        if picked.offer is not None:
            model = self._models.downloadable(picked.choice.name)
            self._chat.full_model.ask(model, picked.offer, picked.choice)
        else:
            self.to(picked.choice)

    def to(self, choice: ModelChoice) -> None:
        """Load another model; the one before goes first."""
        if self.loaded is not None:
            self._way_back = ModelChoice(self.loaded.source, self.choice.quantize)
        elif self._way_back is None and self._chat.answering.loading:
            self._way_back = self.choice
        self._is_changing = True
        self._begin(choice)

    def _begin(self, choice: ModelChoice) -> None:
        self.choice, self.loaded = choice, None
        self._chat.replace_engine(self._models.engine(choice, self._chat.engine))

    async def model_loaded(self, loaded: Loaded) -> None:
        """Say who answers from here on, after a change."""
        self.loaded = loaded
        if isinstance(self._chat.app.screen, ModelsScreen):
            self._chat.app.screen.mark(loaded, self.choice)
        run_beside(self._chat, partial(in_thread, self._models.remember, loaded))
        if not self._is_changing:
            return
        self._is_changing, self._way_back = False, None
        if self._chat.conversation.path():
            await self._chat.transcript.add_note(f"{loaded.model} answers from here on.")
        words = at_every_start(self.choice, self._models, self._chat.settings.quantize)
        self._chat.notify(words, title=drawable(loaded.model), timeout=_SECONDS, markup=False)

    def model_unloaded(self) -> None:
        """Know that the memory is free already."""
        if self.loaded is not None:
            self.loaded = replace(self.loaded, plan=None)

    async def go_back(self, error: Phi3VTuiError) -> bool:
        """Load the model before again, since the other one could not be loaded.

        A prompt that waits for that one is given back: it was meant for it.

        Returns:
            Whether there was one before.
        """
        way_back, self._way_back = self._way_back, None
        self._is_changing = False
        if way_back is None:
            return False
        if self._chat.is_answering:
            await self._chat.answer_ended(None)  # the last that was sent comes back first
            await self._chat.answering.stop()
        words = f"{error} The model before is loaded again."
        await self._chat.transcript.add_note(words, is_error=True)
        self._begin(way_back)
        return True
