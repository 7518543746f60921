"""The engine that a command talks to: the only place where the interface meets a real one."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phi3v_tui.engine.base import Engine
    from phi3v_tui.engine.full_model import FullModel
    from phi3v_tui.settings import Settings


def engine_for(settings: "Settings") -> "Engine":
    """An engine in this process; it loads nothing yet."""
    from phi3v_tui.engine.local import LocalEngine

    return LocalEngine(
        settings.model,
        settings.device,
        settings.quantize,
        settings.context,
        settings.num_crops,
        settings.cuda_graphs,
        settings.idle_unload,
    )


def full_model_for(settings: "Settings") -> "FullModel | None":
    """What to offer to people who leave the choice of the model to the app."""
    if settings.model != "auto":
        return None
    from phi3v_tui.full_model import PublishedModel

    return PublishedModel(settings, lambda repo: engine_for(replace(settings, model=repo)))
