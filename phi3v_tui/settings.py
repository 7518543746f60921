"""Settings: flags before environment before the configuration file before defaults."""

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path

from phi3v_tui.engine.sampling import SamplingParams
from phi3v_tui.errors import SettingsError

APP_NAME = "phi3v-tui"
ENVIRONMENT_PREFIX = "PHI3V_TUI_"
IMAGE_MODES = ("auto", "kitty", "sixel", "halfcell", "none")
LIVE = ("temperature", "top_p", "seed", "max_new_tokens", "num_crops", "system_prompt")
"""Settings that can be changed while the app runs; the others are read when it starts."""


def default_config_path() -> Path:
    """Where the configuration file is looked for."""
    return user_config_path(APP_NAME, appauthor=False) / "config.toml"


def default_data_dir() -> Path:
    """Where conversations are kept."""
    return user_data_path(APP_NAME, appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person can choose.

    Attributes:
        model: "auto", "demo" (the bundled model), a folder, or a hub id.
        device: "auto", or a torch device such as "cpu" or "cuda:0".
        context: Tokens of prompt and answer together; None leaves it to the engine.
        num_crops: Most crops a picture is cut into; None leaves it to the engine.
        temperature: 0 takes the most likely token; up to 2.
        top_p: Sample from the most likely tokens that together have this probability.
        seed: Makes sampling repeatable; None takes a fresh one each time.
        max_new_tokens: Longest answer, in tokens.
        system_prompt: What the model is told before the first turn.
        theme: Name of a theme: the app's own, phi3v-dark and phi3v-light, or one of Textual's.
        image_mode: How pictures are shown: one of `IMAGE_MODES`.
        data_dir: Folder in which conversations are kept.
    """

    model: str = "auto"
    device: str = "auto"
    context: int | None = None
    num_crops: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    max_new_tokens: int = 1024
    system_prompt: str = ""
    theme: str = "phi3v-dark"
    image_mode: str = "auto"
    data_dir: Path = field(default_factory=default_data_dir)

    @property
    def sampling(self) -> SamplingParams:
        """How tokens are chosen."""
        return SamplingParams(self.temperature, self.top_p, self.seed, self.max_new_tokens)

    @property
    def history_path(self) -> Path:
        """The file in which conversations are kept."""
        return self.data_dir / "history.sqlite3"


def load_settings(
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config_path: Path | None = None,
) -> Settings:
    """Put the settings together.

    Args:
        overrides: From flags, by field name; None values count as not given.
        environ: Environment; None takes the process's own.
        config_path: The TOML file; None takes `default_config_path()`. It need not exist.

    Raises:
        SettingsError: An unknown key, a wrong type or a value out of range; says where it is
            and what is allowed.
    """
    values = _from_file(config_path or default_config_path())
    values |= _from_environment(os.environ if environ is None else environ)
    values |= _from_flags(overrides or {})
    return Settings(**values)


def changed(settings: Settings, name: str, text: str) -> Settings:
    """Change one setting while the app runs.

    Args:
        settings: As they are.
        name: One of `LIVE`; dashes count as underscores.
        text: The value as typed; "default" takes the default.

    Raises:
        SettingsError: There is no such setting, it is read at the start only, or the value
            makes no sense.
    """
    name = name.replace("-", "_").lower()
    _kind(name, "/set")
    if name not in LIVE:
        raise SettingsError(
            f"{name} is read when the app starts.", f"These change at once: {', '.join(LIVE)}."
        )
    value = getattr(Settings(), name) if text == "default" else _parsed(name, text, "/set")
    return replace(settings, **{name: value})


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a setting takes.

    Attributes:
        allowed: In words, for errors.
        types: Types that its value may have in the configuration file.
        make: Makes the value from one of those types, or from a text of the environment.
        accepts: Whether such a value makes sense.
    """

    allowed: str
    types: tuple[type, ...]
    make: Callable[[Any], Any]
    accepts: Callable[[Any], bool] = lambda value: True


def _text(allowed: str) -> _Kind:
    return _Kind(allowed, (str,), str)


def _whole(allowed: str, accepts: Callable[[int], bool]) -> _Kind:
    return _Kind(allowed, (int,), int, accepts)


def _number(allowed: str, accepts: Callable[[float], bool]) -> _Kind:
    return _Kind(allowed, (int, float), float, accepts)


_KINDS = {
    "model": _text('text: "auto", "demo", a folder or a hub id'),
    "device": _text('text: "auto", "cpu", "cuda" or "cuda:0"'),
    "context": _whole("a whole number of tokens, 256 or more", lambda value: value >= 256),
    "num_crops": _whole("a whole number from 1 to 16", lambda value: 1 <= value <= 16),
    "temperature": _number("a number from 0 to 2", lambda value: 0 <= value <= 2),
    "top_p": _number("a number above 0, up to 1", lambda value: 0 < value <= 1),
    "seed": _whole("a whole number, 0 or more", lambda value: 0 <= value < 2**63),
    "max_new_tokens": _whole("a whole number, 1 or more", lambda value: value >= 1),
    "system_prompt": _text("text"),
    "theme": _text("text: the name of a theme"),
    "image_mode": _Kind(
        "one of " + ", ".join(IMAGE_MODES), (str,), str, lambda value: value in IMAGE_MODES
    ),
    "data_dir": _Kind(
        "text: the path of a folder", (str, Path), lambda value: Path(value).expanduser().absolute()
    ),
}


def _from_file(path: Path) -> dict[str, Any]:
    return {name: _typed(name, value, str(path)) for name, value in _read(path).items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, text in environ.items():
        # An empty variable is how a shell unsets one for a single command.
        if variable.startswith(ENVIRONMENT_PREFIX) and text:
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            values[name] = _parsed(name, text, f"the environment variable {variable}")
    return values


def _from_flags(overrides: Mapping[str, object]) -> dict[str, Any]:
    given = {name: value for name, value in overrides.items() if value is not None}
    return {name: _typed(name, value, "the command line") for name, value in given.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}.", 'Write one setting a line: model = "demo"'
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Change its permissions or move it away."
        ) from error


def _typed(name: str, value: object, source: str) -> Any:
    kind = _kind(name, source)
    # A bool is an int to Python, and no number to people.
    if isinstance(value, bool) or not isinstance(value, kind.types):
        raise _refused(name, value, source)
    return _accepted(name, kind.make(value), source)


def _parsed(name: str, text: str, source: str) -> Any:
    try:
        value = _kind(name, source).make(text)
    except ValueError as error:
        raise _refused(name, text, source) from error
    return _accepted(name, value, source)


def _accepted(name: str, value: Any, source: str) -> Any:
    if not _KINDS[name].accepts(value):
        raise _refused(name, value, source)
    return value


def _kind(name: str, source: str) -> _Kind:
    if name not in _KINDS:
        near = difflib.get_close_matches(name, _KINDS, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Settings are: {', '.join(_KINDS)}."
        raise SettingsError(f"There is no setting {name} ({source}).", remedy)
    return _KINDS[name]


def _refused(name: str, value: object, source: str) -> SettingsError:
    return SettingsError(
        f"{name} cannot be {value!r} ({source}).", f"It takes {_KINDS[name].allowed}."
    )
