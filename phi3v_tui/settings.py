"""Settings: flags before environment before the configuration file before defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from phi3v_tui.engine.sampling import SamplingParams

APP_NAME = "phi3v-tui"
ENVIRONMENT_PREFIX = "PHI3V_TUI_"
IMAGE_MODES = ("auto", "kitty", "sixel", "halfcell", "none")


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
        theme: Name of a Textual theme.
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
    theme: str = "textual-dark"
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
    raise NotImplementedError
