"""The published model for people who have only the bundled one: offered, downloaded, run.

What asks the hub or torch is imported on the threads that need it: the app has painted by then.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping

from phi3v_tui import memory
from phi3v_tui.engine.events import Failed
from phi3v_tui.engine.full_model import Downloaded, DownloadEvent, Offer
from phi3v_tui.engine.pace import Pace
from phi3v_tui.errors import ModelError, Phi3VTuiError
from phi3v_tui.hub.source import PINNED, PUBLISHED_BYTES, Source
from phi3v_tui.remembered import Remembered
from phi3v_tui.settings import Settings
from phi3v_tui.shapes import PUBLISHED

ALWAYS_OFFER = "PHI3V_OFFER_DOWNLOAD"
"""Environment variable that has the model offered on machines without a GPU too, for trying."""

_REMEMBERED = "full_model_offer"
_NEVER = "never"
_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """Nobody wants the download any more."""


class PublishedModel:
    """Implements `FullModel` with the hub.

    Args:
        settings: Device, context and where to remember.
        repo: The model, as `--model` takes it.
    """

    def __init__(
        self,
        settings: Settings,
        repo: str = next(iter(PINNED)),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._source = _source(repo)
        self._environ = environ
        self._remembered = Remembered(settings.remembered_path)
        self._stopped = threading.Event()

    @property
    def name(self) -> str:
        """What `--model` takes."""
        return self._source.repo

    def offer(self) -> Offer | None:
        """Find out whether there is something to offer."""
        from huggingface_hub import constants

        from phi3v_tui.hub import cache

        if constants.HF_HUB_OFFLINE or self._remembered.get(_REMEMBERED) == _NEVER:
            return None
        size = max(0, PUBLISHED_BYTES - cache.bytes_here(self._source.repo))
        folder, free = cache.room()
        if _is_here() or free < size:
            return None
        reason = self._why_it_runs()
        return Offer(self._source.name, reason, size, folder, free) if reason else None

    def never(self) -> None:
        """Remember that it is not to be offered any more."""
        self._remembered.set(_REMEMBERED, _NEVER)

    def download(self, emit: Callable[[DownloadEvent], None]) -> None:
        """Start the download."""
        self._stopped = threading.Event()
        run = threading.Thread(
            target=self._run, args=(emit, self._stopped), name="download", daemon=True
        )
        run.start()

    def stop(self) -> None:
        """End the download."""
        self._stopped.set()

    def _run(self, emit: Callable[[DownloadEvent], None], stopped: threading.Event) -> None:
        from phi3v_tui.hub import download

        pace = Pace()

        def report(stage: str, done: int = 0, total: int | None = None) -> None:
            if stopped.is_set():
                raise _Stopped
            emit(pace.progress(stage, done, total))

        event = _outcome(lambda: download.download(download.find(self._source, report), report))
        if not stopped.is_set():
            emit(event)

    def _why_it_runs(self) -> str:
        """How it would lie in a GPU's memory; empty where it would not run, or not well."""
        if self._environ.get(ALWAYS_OFFER):
            return f"{ALWAYS_OFFER} is set."
        from phi3v_tui.phi3v import devices

        device = devices.choose_device(self._settings.device)
        if device.type == "cpu":
            return ""
        place = devices.room(device, devices.choose_dtype(device))
        try:
            plan = memory.plan(PUBLISHED, place, context=self._settings.context)
        except memory.DoesNotFit:
            return ""
        return f"It fits: {plan}."


def _source(name: str) -> Source:
    source = Source.parse(name)
    if source is None:
        raise ModelError(f"{name} is no model of the hub.", "Its name is owner/name.")
    return source


def _is_here() -> bool:
    """Whether a published model is on this machine, perhaps at another revision, or damaged.

    A download would not mend a damaged one; what does is said when it is to be loaded.
    """
    from phi3v_tui.engine.models import State
    from phi3v_tui.model_list import models

    whole = (State.HERE, State.DAMAGED)
    return any(model.state in whole for model in models([]) if model.name in PINNED)


def _outcome(work: Callable[[], object]) -> DownloadEvent:
    try:
        work()
    except Phi3VTuiError as error:
        return Failed(error)
    except Exception as error:  # noqa: BLE001 - the thread boundary
        if not isinstance(error, _Stopped):
            _log.exception("The download failed")
        what = f"The download failed: {type(error).__name__}."
        return Failed(ModelError(what, "The log file says more."))
    return Downloaded()
