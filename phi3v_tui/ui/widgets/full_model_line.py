"""The line that shows the download of the full model, and what leads to it and from it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.engine.base import Engine
from phi3v_tui.engine.events import Failed, Loaded, LoadEvent, LoadProgress
from phi3v_tui.engine.full_model import Downloaded, DownloadEvent, FullModel, Offer
from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.ui.generation import post
from phi3v_tui.ui.plain_text import drawable
from phi3v_tui.ui.progress import describe_progress
from phi3v_tui.ui.screens.download_offer import Choice, DownloadOfferScreen

_LOOK_EVERY_SECONDS = 0.5


class FullModelLine(Static):
    """Offers the full model, downloads and loads it beside the chat; hidden while it does not."""

    @dataclass
    class Offered(Message):
        """There is something to offer."""

        offer: Offer

    @dataclass
    class Progressed(Message):
        """The download or the loading went on."""

        words: str

        def can_replace(self, message: Message) -> bool:
            """Only the latest progress matters."""
            return isinstance(message, FullModelLine.Progressed)

    @dataclass
    class Arrived(Message):
        """The download is complete."""

    @dataclass
    class Ready(Message):
        """The model is loaded, and may answer."""

        engine: Engine
        loaded: Loaded

    @dataclass
    class Missed(Message):
        """It could not be downloaded, or not be loaded."""

        error: Phi3VTuiError

    def __init__(self, full_model: FullModel | None, may_ask: Callable[[], bool]) -> None:
        """Do nothing yet.

        Args:
            full_model: What to offer; None where there is nothing.
            may_ask: Whether a question would interrupt nobody now.
        """
        super().__init__(markup=False)
        self._full_model = full_model
        self._may_ask = may_ask
        self._offer: Offer | None = None
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
        """Find out, on a thread of its own, whether there is something to offer."""
        full_model = self._full_model
        if full_model is None:
            return

        def look() -> None:
            if offer := full_model.offer():
                post(self, self.Offered(offer))

        threading.Thread(target=look, name="offer", daemon=True).start()

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
        elif choice is Choice.NEVER and self._full_model is not None:
            self._full_model.never()

    def start(self) -> None:
        """Start the download."""
        assert self._full_model is not None
        self._is_downloading = True
        self._show("starting …")
        self._full_model.download(self._hear_download)

    def stop(self) -> None:
        """Stop the download."""
        assert self._full_model is not None
        self._full_model.stop()
        self._end()
        self.notify("The download was stopped; what came is kept. Ctrl+P goes on with it.")

    def _hear_download(self, event: DownloadEvent) -> None:
        """On the download's thread."""
        match event:
            case LoadProgress():
                post(self, self.Progressed(describe_progress(event)))
            case Downloaded():
                post(self, self.Arrived())
            case Failed():
                post(self, self.Missed(event.error))

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        if self.display:
            self._show(message.words)

    @on(Arrived)
    def _load(self) -> None:
        """Load it while the small model still answers."""
        assert self._full_model is not None
        self._is_downloading = False
        self._offer = None
        engine = self._full_model.engine()

        def hear(event: LoadEvent) -> None:
            match event:
                case LoadProgress():
                    post(self, self.Progressed(describe_progress(event)))
                case Loaded():
                    post(self, self.Ready(engine, event))
                case Failed():
                    post(self, self.Missed(event.error))

        engine.load(hear)

    @on(Ready)
    @on(Missed)
    def _end(self) -> None:
        self._is_downloading = False
        self.display = False

    def _show(self, words: str) -> None:
        self.display = True
        self.update(drawable(f"Full model: {words}"))
