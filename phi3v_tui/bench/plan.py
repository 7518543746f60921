"""What is run: systems, inputs and repeats, and what is left out and why."""

import os
from dataclasses import dataclass, replace
from typing import Any

from phi3v_tui.errors import SettingsError

SIZES = ("small", "medium", "full")
SYSTEMS = ("transformers", "ours", "graphs", "int8")
"""`generate()` as people use it today, the engine of the app, the same with CUDA graphs, and the
same in int8."""

INPUTS = {"text": 128, "picture": 900, "chat": 2600, "switch": 4200, "long": 16500}
"""Names of the conversations, and tokens that each takes at most."""

DTYPES = ("auto", "float32", "bfloat16", "float16")

_MEMORY_SHARE = 0.5
"""Share of the free memory that keys and values may take."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person chose.

    Attributes:
        random: Size of a random checkpoint, or None for `model`.
        model: "auto", "demo", a folder or a hub id.
        device: "auto" or a torch device.
        dtype: Of weights and activations; "auto" is what the app takes.
        systems: Of `SYSTEMS`; none stands for all that run on the device.
        inputs: Of `INPUTS`; None takes those that are quick enough.
        repeats: Processes for each system.
        threads: That compute; None takes as many as the app: all cores but one.
        timeout: Seconds that a process may take.

    Raises:
        SettingsError: One of them makes no sense.
    """

    random: str | None = None
    model: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    systems: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    repeats: int = 5
    threads: int | None = None
    timeout: float = 1800

    def __post_init__(self) -> None:
        if self.random is not None:
            _require("--random", (self.random,), SIZES)
        _require("--dtype", (self.dtype,), DTYPES)
        _require("--systems", self.systems, SYSTEMS)
        _require("--inputs", self.inputs or (), tuple(INPUTS))

    def on(self, device: str) -> "Options":
        """The same with the systems that are meant where none was named."""
        is_cuda = device.startswith("cuda")
        here = tuple(name for name in SYSTEMS if is_cuda or name != "graphs")
        return replace(self, systems=self.systems or here)

    @property
    def num_threads(self) -> int:
        """Threads that compute."""
        if self.threads:
            return self.threads
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return max(1, (cores or 1) - 1)


def _require(option: str, given: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    for name in given:
        if name not in allowed:
            raise SettingsError(f'{option} cannot be "{name}".', f"It takes {', '.join(allowed)}.")


def left_out(options: Options, checkpoint: dict[str, Any]) -> dict[str, str]:
    """Inputs that are not run, and why.

    Args:
        options: What was chosen.
        checkpoint: From the task `prepare`.
    """
    reasons = {name: _reason(name, options, checkpoint) for name in INPUTS}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(name: str, options: Options, checkpoint: dict[str, Any]) -> str:
    tokens, longest = INPUTS[name], checkpoint["context"]
    if options.inputs is not None and name not in options.inputs:
        return "not asked for"
    if tokens > longest:
        return f"the model reads at most {longest:,} tokens"
    if tokens * checkpoint["kv_bytes_per_token"] > _MEMORY_SHARE * checkpoint["free_memory"]:
        return "the memory is too small"
    if name == "long" and options.inputs is None and checkpoint["device"] == "cpu":
        return "takes minutes on a CPU; ask for it with --inputs long"
    return ""
