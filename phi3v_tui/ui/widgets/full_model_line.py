"""The line that shows the download of a model, and what leads to it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.engine.events import Failed, LoadProgress
from phi3v_tui.engine.full_model import Downloaded, DownloadEvent, FullModel, Offer
from phi3v_tui.engine.models import ModelChoice
from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.interface.progress import describe_progress
from phi3v_tui.ui.generation import post
from phi3v_tui.ui.screens.download_offer import Choice, DownloadOfferScreen

_LOOK_EVERY_SECONDS = 0.5


class FullModelLine(Static):
    """Offers a model, and downloads it beside the chat; hidden while it does not."""

    @dataclass
    class Offered(Message):
        """There is something to offer."""

        offer: Offer

    @dataclass
    class Progressed(Message):
        """The download went on."""

        words: str

        def can_replace(self, message: Message) -> bool:
            """Only the latest progress matters."""
            return isinstance(message, FullModelLine.Progressed)

    @dataclass
    class Arrived(Message):
        """The download is complete."""

        choice: ModelChoice

    @dataclass
    class Missed(Message):
        """It could not be downloaded."""

        error: Phi3VTuiError

    def __init__(
        self, suggested: FullModel | None, quantize: str, may_ask: Callable[[], bool]
    ) -> None:
        """Do nothing yet.

        Args:
            suggested: What to offer unasked; None where there is nothing.
            quantize: How its weights are to be held.
            may_ask: Whether a question would interrupt nobody now.
        """
        super().__init__(markup=False)
        self._model = suggested
        self._choice = ModelChoice(suggested.name if suggested else "", quantize)
        self._may_ask = may_ask
        self._offer: Offer | None = None
        self._has_looked = False
        self._is_downloading = False
        self.display = False

    @property
    def command(self) -> tuple[str, str, Callable[[], None]] | None:
        """What the command palette can do now: title, help, action."""
        if self._is_downloading:
            return "Stop the download", "What came is kept, and goes on later", self.stop
        if self._offer is not None:
            return "Download the full model", self._offer.model, self.start
        return None

    def consider(self) -> None:
        """Find out, once and on a thread of its own, whether there is something to offer."""
        model = self._model
        if model is None or self._has_looked:
            return
        self._has_looked = True

        def look() -> None:
            if offer := model.offer():
                post(self, self.Offered(offer))

        threading.Thread(target=look, name="offer", daemon=True).start()

    def ask(self, model: FullModel, offer: Offer, choice: ModelChoice) -> None:
        """Offer what the person chose.

        Args:
            model: Downloads it.
            offer: What there is to download.
            choice: The model, for when it has come.
        """
        if self._is_downloading:
            self.notify(
                f"{self._choice.name} is on its way. Ctrl+P stops that download.", markup=False
            )
            return
        self._model, self._offer, self._choice = model, offer, choice
        self._has_looked = True
        self.app.push_screen(DownloadOfferScreen(offer, is_asked_for=True), self._decide)

    @on(Offered)
    def _keep_offer(self, message: Offered) -> None:
        self._offer = message.offer
        self._ask_when_free()

    def _ask_when_free(self) -> None:
        if self._offer is None or self._is_downloading:
            return
        if self._may_ask():
            self.app.push_screen(DownloadOfferScreen(self._offer), self._decide)
        else:
            self.set_timer(_LOOK_EVERY_SECONDS, self._ask_when_free)

    def _decide(self, choice: Choice | None) -> None:
        if choice is Choice.YES:
            self.start()
        elif choice is Choice.NEVER and self._model is not None:
            self._model.never()

    def start(self) -> None:
        """Start the download."""
        assert self._model is not None
        self._is_downloading = True
        self._show("starting …")
        self._model.download(self._hear_download)

    def stop(self) -> None:
        """Stop the download."""
        assert self._model is not None
        self._model.stop()
        self._end()
        self.notify("The download was stopped; what came is kept. Ctrl+P goes on with it.")

    def _hear_download(self, event: DownloadEvent) -> None:
        """On the download's thread."""
        match event:
            case LoadProgress():
                post(self, self.Progressed(describe_progress(event)))
            case Downloaded():
                post(self, self.Arrived(self._choice))
            case Failed():
                post(self, self.Missed(event.error))

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        if self.display:
            self._show(message.words)

    @on(Arrived)
    def _forget_offer(self) -> None:
        self._offer = None
        self._end()

    @on(Missed)
    def _end(self) -> None:
        self._is_downloading = False
        self.display = False

    def _show(self, words: str) -> None:
        self.display = True
        self.update(drawable(f"Full model: {words}"))
