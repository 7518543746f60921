"""What `phi3v-tui models` prints."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from phi3v_tui.engine.models import Model
from phi3v_tui.hub import cache
from phi3v_tui.interface.model_words import state
from phi3v_tui.interface.plain_text import byte_size, drawable, short_path
from phi3v_tui.memory import Room
from phi3v_tui.model_list import CONTEXTS, Need, models, needs, rooms
from phi3v_tui.paths import expanded
from phi3v_tui.settings import Settings
from phi3v_tui.shapes import Shapes

_NAME_COLUMN, _WEIGHTS_COLUMN, _FIGURE_COLUMN = 36, 20, 18


def show(settings: Settings, folders: list[Path], as_json: bool) -> None:
    """Print every model that is here or could be, and what it takes.

    Args:
        settings: Whose model is listed too where it is a folder.
        folders: Of checkpoints, to be listed too.
        as_json: Print one object for programs.
    """
    chosen = expanded(settings.model)
    known = [chosen] if settings.model not in ("auto", "demo") and os.path.isdir(chosen) else []
    found, places = list(models([*known, *folders])), rooms()
    print(_as_json(found, places) if as_json else "\n".join(_lines(found, places)))


def _lines(found: list[Model], places: list[Room]) -> Iterator[str]:
    for model in found:
        yield f"{drawable(model.name):<{_NAME_COLUMN}} {state(model)}"
        if model.remark:
            yield f"  {drawable(model.remark)}"
        if model.can_be_used:
            yield f"  {drawable(model.command)}"
    for shapes in dict.fromkeys(model.shapes for model in found if not model.is_bundled):
        if shapes is not None:
            yield ""
            yield from _memory(shapes, found, places)
    folder, free = cache.room()
    yield ""
    yield f"Downloads are kept in {short_path(folder)}, where {byte_size(free)} are free."


def _memory(shapes: Shapes, found: list[Model], places: list[Room]) -> Iterator[str]:
    names = [Path(model.name).name for model in found if model.shapes == shapes]
    heads = "".join(f"{f'{context:,} tokens':>{_FIGURE_COLUMN}}" for context in CONTEXTS)
    yield f"Memory for {drawable(' and '.join(names))}, by context"
    yield f"{'':<{_WEIGHTS_COLUMN}}{heads}"
    for place in places:
        yield f"  {drawable(place.place)}, {byte_size(place.free)} free"
        rows: dict[str, list[Need]] = {}
        for need in needs(shapes, place):
            rows.setdefault(need.weights, []).append(need)
        for words, row in rows.items():
            yield f"    {words:<{_WEIGHTS_COLUMN - 4}}{''.join(map(_figure, row))}"


def _figure(need: Need) -> str:
    words = f"{byte_size(need.size)} {'fits' if need.fits else 'too big'}"
    return f"{words:>{_FIGURE_COLUMN}}"


def _as_json(found: list[Model], places: list[Room]) -> str:
    folder, free = cache.room()
    described = [
        {
            "name": model.name,
            "state": model.state,
            "folder": str(model.folder) if model.folder else None,
            "bytes_here": model.bytes_here,
            "bytes_whole": model.bytes_whole,
            "remark": model.remark,
            "command": model.command,
            "memory": [asdict(need) for need in _all_needs(model, places)],
        }
        for model in found
    ]
    downloads = {"folder": str(folder), "free": free}
    return json.dumps({"models": described, "downloads": downloads}, indent=2, ensure_ascii=False)


def _all_needs(model: Model, places: list[Room]) -> Iterator[Need]:
    for place in places:
        if model.shapes is not None:
            yield from needs(model.shapes, place)
