"""The engine that a command talks to: the only place where the interface meets a real one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phi3v_tui.engine.base import Engine
    from phi3v_tui.engine.models import Models
    from phi3v_tui.settings import Settings


def engine_for(settings: "Settings", instead_of: "Engine | None" = None) -> "Engine":
    """An engine in this process; it loads nothing yet.

    Args:
        settings: The model, and how it is run.
        instead_of: An engine that is closed before this one loads.
    """
    from phi3v_tui.engine.local import LocalEngine

    return LocalEngine(
        settings.model,
        settings.device,
        settings.quantize,
        settings.context,
        settings.num_crops,
        settings.cuda_graphs,
        settings.idle_unload,
        instead_of,
    )


def models_for(settings: "Settings") -> "Models":
    """The models that could answer instead; each would get an engine in this process too."""
    from phi3v_tui.local_models import LocalModels

    return LocalModels(settings, engine_for)
