"""The step that makes one token, and ways to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from phi3v_tui.phi3v.attention import newest, newest_in_bucket
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.kv_cache import KVCache
from phi3v_tui.phi3v.sampling import Choice, SamplingBuffers, choose


@dataclass(frozen=True, slots=True)
class Shape:
    """What a step cannot read from a buffer: a captured one serves its shape alone.

    Attributes:
        bucket: Positions of the slot to attend over.
        exact: Whether all of them are in use, so that none need be masked.
        choice: How the token is chosen.
    """

    bucket: int
    exact: bool
    choice: Choice


@dataclass(slots=True)
class DecodeState:
    """Buffers that a step reads and writes; their addresses never change.

    Attributes:
        token: The newest token, int64 [1]: read by a step, and replaced by its result.
        position: Where that token goes in the slot, int64 [1].
        sampling: What the choice of a token reads.
    """

    token: Tensor
    position: Tensor
    sampling: SamplingBuffers

    @classmethod
    def on(cls, device: torch.device, vocabulary: int, may_wait: bool) -> "DecodeState":
        """Buffers on a device; arguments as in `SamplingBuffers.on`."""
        zero = torch.zeros(1, dtype=torch.int64, device=device)
        return cls(zero, zero.clone(), SamplingBuffers.on(device, vocabulary, may_wait))


def decode_one_token(decoder: Decoder, cache: KVCache, state: DecodeState, shape: Shape) -> None:
    """Put `state.token` into the slot and choose the next: no allocation outlives it.

    It does not wait for the device, unless `state.sampling` says that the choice may.

    Args:
        decoder: The model.
        cache: The slot; everything before `state.position` is in it.
        state: Read and advanced.
        shape: Its bucket lies above `state.position`.
    """
    if shape.exact:
        attend = newest(shape.bucket)
    else:
        attend = newest_in_bucket(state.position, shape.bucket, decoder.dtype)
    hidden = decoder.forward(decoder.embed(state.token), state.position, cache, attend)
    state.token.copy_(choose(decoder.logits(hidden), state.sampling, shape.choice))
    state.position.add_(1)


class StepRunner(Protocol):
    """Runs steps."""

    def run(self, shape: Shape) -> None:
        """Run one step. It may still be under way on the device when this returns."""

    def prepare(self, shape: Shape) -> bool:
        """Do ahead what can be done before a step of this shape; whether there was anything."""


class EagerRunner:
    """Runs each step as it is written."""

    def __init__(self, step: Callable[[Shape], None]) -> None:
        self._step = step

    def run(self, shape: Shape) -> None:
        """Run one step."""
        self._step(shape)

    def prepare(self, shape: Shape) -> bool:
        """Nothing can be done ahead."""
        return False


class TokenReader:
    """Reads tokens from the device without waiting for what was launched after them."""

    def __init__(self, device: torch.device) -> None:
        on_gpu = device.type == "cuda"
        self._host = torch.zeros(1, dtype=torch.int64, pin_memory=on_gpu)
        # A blocking event leaves the core to others while it waits.
        self._copied = torch.cuda.Event(blocking=True) if on_gpu else None

    def start(self, token: Tensor) -> None:
        """Ask for a token, int64 [1], behind all that was launched so far."""
        # Elsewhere there is no event to wait for, so that the copy itself has to wait.
        self._host.copy_(token, non_blocking=self._copied is not None)
        if self._copied is not None:
            self._copied.record(torch.cuda.current_stream(token.device))

    def wait(self) -> int:
        """The token last asked for."""
        if self._copied is not None:
            self._copied.synchronize()
        return int(self._host)
