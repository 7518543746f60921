"""A full model that is offered and downloaded when a test says so."""

from collections.abc import Callable
from pathlib import Path

from phi3v_tui.engine.events import Failed, LoadProgress
from phi3v_tui.engine.full_model import Downloaded, DownloadEvent, Offer
from phi3v_tui.errors import Phi3VTuiError

OFFER = Offer(
    "Phi-3.5-vision-instruct",
    "It fits: 16-bit weights 8.3 GB, on cuda:0 with 22.0 GB free.",
    8_293_242_880,
    Path("/big/disk/hub"),
    120 * 10**9,
)


class ScriptedFullModel:
    """Implements `phi3v_tui.engine.full_model.FullModel`.

    Attributes:
        heard: Names of what was called, in order.
        name: What `--model` takes.
    """

    def __init__(
        self, offer: Offer | None = OFFER, name: str = "microsoft/Phi-3.5-vision-instruct"
    ) -> None:
        self.heard: list[str] = []
        self.name = name
        self._offer = offer
        self._emit: Callable[[DownloadEvent], None] | None = None

    def offer(self) -> Offer | None:
        self.heard.append("offer")
        return self._offer

    def never(self) -> None:
        self.heard.append("never")

    def download(self, emit: Callable[[DownloadEvent], None]) -> None:
        self.heard.append("download")
        self._emit = emit

    def stop(self) -> None:
        self.heard.append("stop")
        self._emit = None

    # What a test lets happen.

    def progress(self, done: int) -> None:
        self._tell(LoadProgress("Downloading", done, 8_293_242_880, 45_600_000, 154))

    def arrive(self) -> None:
        self._tell(Downloaded())

    def fail(self, error: Phi3VTuiError) -> None:
        self._tell(Failed(error))

    def _tell(self, event: DownloadEvent) -> None:
        assert self._emit is not None, "download was not called"
        self._emit(event)
