"""How the next token is chosen."""

from dataclasses import dataclass

from phi3v_tui.errors import SettingsError

_MOST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """Sampling settings of one generation. The defaults are greedy.

    Attributes:
        temperature: 0 takes the most likely token; higher is more varied.
        top_p: Sample from the most likely tokens that together have this probability.
        seed: Makes sampling repeatable, 0 or more; None takes a fresh one each time.
        max_new_tokens: Longest answer, in tokens.

    Raises:
        SettingsError: A value is outside its range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    max_new_tokens: int = 1024

    def __post_init__(self) -> None:
        _require(0.0 <= self.temperature <= 2.0, "temperature", self.temperature, "0 to 2")
        _require(0.0 < self.top_p <= 1.0, "top_p", self.top_p, "above 0, up to 1")
        is_seed = self.seed is None or 0 <= self.seed <= _MOST_SEED
        _require(is_seed, "seed", self.seed, f"0 to {_MOST_SEED:,}")
        _require(self.max_new_tokens >= 1, "max_new_tokens", self.max_new_tokens, "1 or more")


def _require(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise SettingsError(f"{name} cannot be {value}.", f"Choose a value of {allowed}.")
