"""The FullModel protocol: what the interface knows of a model that can be downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from phi3v_tui.engine.events import Failed, LoadProgress


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that this machine could run and does not have.

    Attributes:
        model: Its name for people.
        reason: Why it would run here, as a sentence.
        size: Bytes that are still to be downloaded.
        folder: Where they would be kept.
        free: Bytes that are free there.
    """

    model: str
    reason: str
    size: int
    folder: Path
    free: int


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The model is on this machine now."""


DownloadEvent = LoadProgress | Downloaded | Failed


class FullModel(Protocol):
    """A published model that can be downloaded while another one answers."""

    @property
    def name(self) -> str:
        """What `--model` takes."""

    def offer(self) -> Offer | None:
        """Find out whether there is something to offer; takes a moment, so not on the UI thread.

        Returns:
            None where the model is here already, would not run, has no room on the disk, or is
            never to be offered.
        """

    def never(self) -> None:
        """Remember that it is not to be offered any more."""

    def download(self, emit: Callable[[DownloadEvent], None]) -> None:
        """Start the download, which goes on where an earlier one ended, and return at once.

        Events reach `emit` on a thread of the download; the last is Downloaded or Failed.
        """

    def stop(self) -> None:
        """End the download; what came is kept. No event of it comes after this."""
