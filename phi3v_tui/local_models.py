"""The models of this machine and of the hub, for the interface.

What asks the hub or torch is imported when it is needed, on a thread beside the interface: the app
has painted by then.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from phi3v_tui.engine.base import Engine
from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.failures import explained
from phi3v_tui.engine.full_model import FullModel
from phi3v_tui.engine.models import Listing, Model, ModelChoice
from phi3v_tui.full_model import PublishedModel
from phi3v_tui.memory import Room
from phi3v_tui.paths import absolute
from phi3v_tui.settings import Settings
from phi3v_tui.store.recent import RecentFolders


class LocalModels:
    """Implements `Models`.

    Args:
        settings: Device, context, the model asked for and where to remember folders.
        make_engine: Makes an engine by settings, and instead of another one.
    """

    def __init__(
        self, settings: Settings, make_engine: Callable[[Settings, Engine | None], Engine]
    ) -> None:
        self._settings = settings
        self._make_engine = make_engine
        self._recent = RecentFolders(settings.recent_models_path)

    def listing(self, loaded: Loaded | None, named: str = "") -> Listing:
        """Look at the disk and at the memory."""
        try:
            return self._listing(loaded, named)
        except Exception as error:
            raise explained(error, "The models could not be listed") from error

    def _listing(self, loaded: Loaded | None, named: str) -> Listing:
        from phi3v_tui import model_list
        from phi3v_tui.hub import cache

        found = list(model_list.models(list(dict.fromkeys(self._folders(loaded, named)))))
        downloads, free = cache.room()
        return Listing(
            tuple(found),
            _in_use(found, loaded),
            _room(self._settings.device, loaded),
            self._settings.context,
            downloads,
            free,
        )

    def remember(self, loaded: Loaded) -> None:
        """Keep the folder of a model that was loaded from one."""
        if Path(loaded.source).is_absolute():
            self._recent.remember(Path(loaded.source))

    def engine(self, choice: ModelChoice, instead_of: Engine) -> Engine:
        """An engine for a model, instead of the one before."""
        settings = replace(self._settings, model=choice.name, quantize=choice.quantize)
        return self._make_engine(settings, instead_of)

    def suggested(self) -> FullModel | None:
        """The model to offer to people who left the choice to the app."""
        return PublishedModel(self._settings) if self._settings.model == "auto" else None

    def downloadable(self, name: str) -> FullModel:
        """A model of the hub."""
        return PublishedModel(self._settings, name)

    def _folders(self, loaded: Loaded | None, named: str) -> Iterator[Path]:
        """Folders to list: in use, asked for, used before; the hub's are found without."""
        for name in (loaded.source if loaded else "", self._settings.model, named):
            folder = absolute(name)
            if name not in ("", "auto", "demo") and os.path.isdir(folder):
                yield folder
        yield from (folder for folder in self._recent.folders() if os.path.isdir(folder))


def _in_use(found: list[Model], loaded: Loaded | None) -> str:
    """The name of the model that is loaded; a revision may be listed under another name."""
    if loaded is None:
        return ""
    names = [model.name for model in found]
    if loaded.source in names:
        return loaded.source
    same = (model.name for model in found if model.folder and model.folder == loaded.folder)
    return next(same, "")


def _room(device: str, loaded: Loaded | None) -> Room:
    """What a model would find, once the one that is loaded has given its memory back."""
    from phi3v_tui.phi3v import devices

    place = devices.choose_device(device)
    room = devices.room(place, devices.choose_dtype(place))
    if loaded is None or loaded.plan is None or loaded.device != str(place):
        return room
    plan = loaded.plan
    return replace(room, free=room.free + plan.weights + plan.kv * plan.first_slot // plan.context)
