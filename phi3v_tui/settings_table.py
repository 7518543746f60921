"""The table of settings: what each takes, what it is for, and what is said of wrong values."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phi3v_tui.errors import SettingsError
from phi3v_tui.paths import absolute

QUANTIZE_MODES = ("auto", "none", "int8", "int4")
IMAGE_MODES = ("auto", "kitty", "sixel", "halfcell", "none")
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a setting takes.

    Attributes:
        allowed: In words, for errors and for the commented file.
        help: What it is for, in one line.
        types: Types that its value may have in the configuration file.
        make: Makes the value from one of those types, or from a text of the environment.
        accepts: Whether such a value makes sense.
        example: A value in TOML, for settings that have none by default.
        is_live: Whether it can be changed while the app runs.
    """

    allowed: str
    help: str
    types: tuple[type, ...]
    make: Callable[[Any], Any]
    accepts: Callable[[Any], bool] = lambda value: True
    example: str = ""
    is_live: bool = False


def _text(allowed: str, help: str, is_live: bool = False) -> Setting:
    return Setting(allowed, help, (str,), str, is_live=is_live)


def _named(allowed: str, help: str, accepts: Callable[[str], bool] = bool) -> Setting:
    """A text that cannot be empty."""
    return Setting(allowed, help, (str,), str, accepts)


def _one_of(choices: tuple[str, ...], help: str) -> Setting:
    allowed = "one of " + ", ".join(choices)
    return Setting(allowed, help, (str,), str, lambda value: value in choices)


def _whole(
    allowed: str,
    help: str,
    accepts: Callable[[int], bool],
    example: str = "",
    is_live: bool = True,
) -> Setting:
    return Setting(allowed, help, (int,), int, accepts, example, is_live)


def _number(
    allowed: str, help: str, accepts: Callable[[float], bool], is_live: bool = True
) -> Setting:
    return Setting(allowed, help, (int, float), float, accepts, is_live=is_live)


def _yes_or_no(help: str) -> Setting:
    return Setting("true or false", help, (bool,), _bool)


def _bool(value: bool | str) -> bool:
    if isinstance(value, bool):
        return value
    if value.lower() not in _BOOLS:
        raise ValueError(value)
    return _BOOLS[value.lower()]


def _is_device(name: str) -> bool:
    return re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name) is not None


def _folder(value: str | Path) -> Path:
    if not str(value):
        raise ValueError(value)
    return absolute(value)


def _table(value: dict[str, str] | str) -> dict[str, str]:
    if isinstance(value, str):
        value = tomllib.loads(f"table = {value}")["table"]
    if not isinstance(value, dict):
        raise ValueError(value)
    return value


TABLE = {
    "model": _named(
        'text: "auto", "demo" (the bundled model), a folder or a hub id', "The model that answers."
    ),
    "device": _named(
        'text: "auto", "cpu", "cuda:N" or "mps"',
        "Where the model runs; auto takes the GPU with the most free memory.",
        _is_device,
    ),
    "quantize": _one_of(
        QUANTIZE_MODES, "How the decoder's weights are held; auto takes the finest that fits."
    ),
    "context": _whole(
        "a whole number of tokens, 256 or more",
        "Prompt and answer together; unset, as much as the memory allows.",
        lambda value: value >= 256,
        "8192",
        is_live=False,
    ),
    "num_crops": _whole(
        "a whole number from 1 to 16",
        "Most parts that a picture is cut into: more show finer print and cost more tokens.",
        lambda value: 1 <= value <= 16,
        "4",
    ),
    "temperature": _number(
        "a number from 0 to 2",
        "0 takes the most likely token each time; higher is more varied.",
        lambda value: 0 <= value <= 2,
    ),
    "top_p": _number(
        "a number above 0, up to 1",
        "Choose among the most likely tokens that together have this probability.",
        lambda value: 0 < value <= 1,
    ),
    "seed": _whole(
        "a whole number from 0 to 2^63 - 1",
        "Makes varied answers repeatable.",
        lambda value: 0 <= value < 2**63,
        "7",
    ),
    "max_new_tokens": _whole(
        "a whole number, 1 or more", "Longest answer, in tokens.", lambda value: value >= 1
    ),
    "system_prompt": _text("text", "What the model is told before the first turn.", is_live=True),
    "theme": _named(
        'text: "auto" (the one chosen last) or the name of a theme',
        "Colours: phi3v-dark, phi3v-light, phi3v-contrast, or one of Textual's.",
    ),
    "image_mode": Setting(
        "one of " + ", ".join(IMAGE_MODES),
        "How pictures are drawn; auto: as finely as the terminal can, half cells in tmux and SSH.",
        (str,),
        str,
        lambda value: value in IMAGE_MODES,
    ),
    "slow_link": _yes_or_no(
        "For slow lines: draw less often, without animations, and pictures only if image_mode asks."
    ),
    "data_dir": Setting(
        "text: the path of a folder",
        "Where conversations are kept.",
        (str, Path),
        _folder,
    ),
    "cuda_graphs": _yes_or_no(
        "On an NVIDIA GPU, replay each decode step from one that was recorded; not tried on a GPU"
        " yet.",
    ),
    "allow_private_urls": _yes_or_no(
        "Whether /attach fetches pictures from addresses of one's own network too.",
    ),
    "idle_unload": _number(
        "a number of minutes, 0 or more",
        "Give the model's memory back after so long without a prompt, which then loads it again; 0"
        " keeps it.",
        lambda value: 0 <= value <= 100_000,
        is_live=False,
    ),
    "prompts": Setting(
        "a table of texts by name",
        "Own prompts at hand, offered by F8.",
        (dict,),
        _table,
        lambda value: all(isinstance(text, str) for text in value.values()),
        example='{ Invoice = "List every position of this invoice as a table." }',
    ),
}
"""In the order of the commented file."""


def typed(name: str, value: object, source: str) -> Any:
    """A setting's value from one that has a type already.

    Args:
        name: The setting.
        value: From the file or the command line.
        source: Where it comes from, for errors.

    Raises:
        SettingsError: There is no such setting, or it cannot take this value.
    """
    setting = lookup(name, source)
    # A bool is an int to Python, and no number to people.
    is_stray_bool = isinstance(value, bool) and bool not in setting.types
    if is_stray_bool or not isinstance(value, setting.types):
        raise _refused(name, value, source)
    return _made(name, value, source)


def parsed(name: str, text: str, source: str = "") -> Any:
    """A setting's value from text.

    Args:
        name: The setting.
        text: From the environment, or typed.
        source: Where it comes from, for errors.

    Raises:
        SettingsError: There is no such setting, or it cannot take this value.
    """
    lookup(name, source)
    return _made(name, text, source)


def lookup(name: str, source: str) -> Setting:
    """A setting by name.

    Raises:
        SettingsError: There is none of this name; says which is nearest.
    """
    if name not in TABLE:
        remedy = did_you_mean(name, TABLE) or f"Settings are: {', '.join(TABLE)}."
        raise SettingsError(f"There is no setting {name} ({source}).", remedy)
    return TABLE[name]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names what is most like a name; empty where nothing is."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _made(name: str, given: object, source: str) -> Any:
    setting = TABLE[name]
    try:
        value = setting.make(given)
    except ValueError as error:
        raise _refused(name, given, source) from error
    if not setting.accepts(value):
        raise _refused(name, given, source)
    return value


def _refused(name: str, value: object, source: str) -> SettingsError:
    where = f" ({source})" if source else ""
    return SettingsError(f"{name} cannot be {value!r}{where}.", f"It takes {TABLE[name].allowed}.")
