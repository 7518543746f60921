"""Settings: flags before environment before the configuration file before defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path

from phi3v_tui import config_file
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError
from phi3v_tui.settings_table import TABLE, did_you_mean, parsed, typed

APP_NAME = "phi3v-tui"
ENVIRONMENT_PREFIX = "PHI3V_TUI_"
LIVE = tuple(name for name, setting in TABLE.items() if setting.is_live)
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
        device: "auto", "cpu", "cuda:N" or "mps".
        quantize: How weights are held: one of `settings_table.QUANTIZE_MODES`.
        context: Tokens of prompt and answer together; None leaves it to the engine.
        num_crops: Most crops a picture is cut into; None leaves it to the engine.
        temperature: 0 takes the most likely token; up to 2.
        top_p: Sample from the most likely tokens that together have this probability.
        seed: Makes sampling repeatable; None takes a fresh one each time.
        max_new_tokens: Longest answer, in tokens.
        system_prompt: What the model is told before the first turn.
        theme: Name of a theme, the app's own or one of Textual's; "auto" takes the one that was
            chosen last.
        image_mode: How pictures are shown: one of `settings_table.IMAGE_MODES`.
        allow_private_urls: Whether pictures may be fetched from addresses of one's own network.
        idle_unload: Minutes without a prompt after which the model's memory is given back; 0 keeps
            it.
        slow_link: Draw less and less often: fewer flushes and frames, no animations, and no
            pictures unless `image_mode` asks for them.
        data_dir: Folder in which conversations are kept.
        cuda_graphs: On an NVIDIA GPU, capture decode steps as CUDA graphs and launch each before
            the last token is read. Off by default: it has not run on a GPU yet.
        prompts: A person's own prompts at hand, by name; None where there are none.
    """

    model: str = "auto"
    device: str = "auto"
    quantize: str = "auto"
    context: int | None = None
    num_crops: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    max_new_tokens: int = 1024
    system_prompt: str = ""
    theme: str = "auto"
    image_mode: str = "auto"
    slow_link: bool = False
    data_dir: Path = field(default_factory=default_data_dir)
    cuda_graphs: bool = False
    allow_private_urls: bool = False
    idle_unload: float = 0.0
    prompts: dict[str, str] | None = None

    @property
    def sampling(self) -> SamplingParams:
        """How tokens are chosen."""
        return SamplingParams(self.temperature, self.top_p, self.seed, self.max_new_tokens)

    @property
    def history_path(self) -> Path:
        """The file in which conversations are kept."""
        return self.data_dir / "history.sqlite3"

    @property
    def remembered_path(self) -> Path:
        """The file of what the app remembers by itself."""
        return self.data_dir / "remembered.json"

    @property
    def recent_folders_path(self) -> Path:
        """The file that names the folders from which pictures were attached last."""
        return self.data_dir / "recent-folders.json"

    @property
    def recent_models_path(self) -> Path:
        """The file that names the folders from which models were loaded last."""
        return self.data_dir / "recent-models.json"


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
    values = config_file.read(config_path or default_config_path())
    values |= _from_environment(os.environ if environ is None else environ)
    values |= _from_flags(overrides or {})
    return Settings(**values)


def setting_name(typed: str) -> str:
    """The name of a setting that was typed; dashes count as underscores."""
    return typed.replace("-", "_").lower()


_CHANGED_ELSEWHERE = {
    "theme": "is changed with Ctrl+P in the app",
    "model": "is changed with /model",
    "quantize": "is changed with /model",
}


def changed(settings: Settings, name: str, text: str) -> Settings:
    """Change one setting while the app runs.

    Args:
        settings: As they are.
        name: One of `LIVE`, as typed.
        text: The value as typed; "default" takes the default.

    Raises:
        SettingsError: There is no such setting, it is read at the start only, or the value
            makes no sense.
    """
    name = setting_name(name)
    at_once = f"These change at once: {', '.join(LIVE)}."
    if name not in TABLE:
        raise SettingsError(f"There is no setting {name}.", did_you_mean(name, LIVE) or at_once)
    if not TABLE[name].is_live:
        elsewhere = _CHANGED_ELSEWHERE.get(name, "is read when the app starts")
        raise SettingsError(f"{name} {elsewhere}.", at_once)
    value = getattr(Settings(), name) if text == "default" else parsed(name, text)
    return replace(settings, **{name: value})


def in_words(settings: Settings) -> str:
    """The settings that can be changed while the app runs, one a line."""
    values = ((name, getattr(settings, name)) for name in LIVE)
    return "\n".join(f"{name} = {'default' if v is None else repr(v)}" for name, v in values)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, text in environ.items():
        # An empty variable is how a shell unsets one for a single command.
        if variable.startswith(ENVIRONMENT_PREFIX) and text:
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            values[name] = parsed(name, text, f"the environment variable {variable}")
    return values


def _from_flags(overrides: Mapping[str, object]) -> dict[str, Any]:
    given = {name: value for name, value in overrides.items() if value is not None}
    return {name: typed(name, value, "the command line") for name, value in given.items()}
