"""The systems that are measured, each loaded in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from phi3v_tui.bench.inputs import Reply
from phi3v_tui.conversation.message import Message
from phi3v_tui.errors import ModelError
from phi3v_tui.memory import FIRST_SLOT

CANCEL_AFTER = 4
"""Tokens that have come before an answer is cancelled."""

CANCEL_LIMIT = 500
"""Tokens after which an answer ends that was to be cancelled, and was not."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What all systems of a run have in common.

    Attributes:
        folder: Of the checkpoint.
        device: A torch device.
        dtype: Of weights and activations: "float32", "bfloat16" or "float16".
        threads: That compute.
        first_slot: Tokens of the engine's KV slot that are allocated at first.
    """

    folder: Path
    device: str
    dtype: str
    threads: int
    first_slot: int = FIRST_SLOT

    @property
    def torch_dtype(self) -> torch.dtype:
        """`dtype` as torch has it."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype


class System(Protocol):
    """A loaded model that answers greedily, and never ends an answer before it has its length."""

    def ask(self, messages: tuple[Message, ...], tokens: int) -> Reply:
        """Answer a conversation in so many tokens."""

    def cancel(self, messages: tuple[Message, ...], reading: bool) -> float:
        """Seconds from a cancel to the end of the generation.

        Args:
            messages: What is being answered.
            reading: Whether it comes while the prompt is read, or else after a few tokens.
        """


def open_system(name: str, setup: Setup) -> System:
    """Load a system.

    Args:
        name: One of `plan.SYSTEMS`.
        setup: What it runs.

    Raises:
        Phi3VTuiError: It cannot be loaded, or not run here.
    """
    openers: dict[str, Callable[[], System]] = {
        "transformers": lambda: _transformers(setup),
        "ours": lambda: _ours(setup, "none"),
        "graphs": lambda: _graphs(setup),
        "int8": lambda: _ours(setup, "int8"),
    }
    return openers[name]()


def _transformers(setup: Setup) -> System:
    from phi3v_tui.bench.baseline import TransformersSystem

    return TransformersSystem(setup)


def _ours(setup: Setup, quantize: str, cuda_graphs: bool = False) -> System:
    from phi3v_tui.bench.ours import EngineSystem

    return EngineSystem(setup, quantize, cuda_graphs)


def _graphs(setup: Setup) -> System:
    if not setup.device.startswith("cuda"):
        raise ModelError(f"There are no CUDA graphs on {setup.device}.", "Leave them out.")
    return _ours(setup, "none", cuda_graphs=True)
