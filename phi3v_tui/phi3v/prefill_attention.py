"""Which attention reads prompts: torch's own always works; flash-attn where it is faster here.

The timing and flash-attn itself have not run on a GPU yet; the choice is tested with a stand-in.
"""

import functools
import importlib
import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from phi3v_tui.phi3v.attention import Attend, causal

CausalAttention = Callable[[int, int], Attend]
"""Makes an `Attend` for the prompt's positions from start to end, as `attention.causal` does."""

_log = logging.getLogger(__name__)
_QUERIES, _KEYS = 1024, 4096
_TOLERANCE = 0.05
"""By which two ways to compute in 16 bits may differ, with numbers of size one."""


def flash_causal(flash_attn_func: Callable[..., Tensor]) -> CausalAttention:
    """flash-attn's function as an attention for prompts.

    Args:
        flash_attn_func: Takes [batch, tokens, heads, head size]; where queries are fewer than
            keys, the last of each belong together (flash-attn 2.1 and later).
    """

    def make(start: int, end: int) -> Attend:
        def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            pair = (part[:, :end].transpose(0, 1)[None] for part in (keys, values))
            return flash_attn_func(query[None], *pair, causal=True)[0].flatten(1)

        return attend

    return make


@functools.cache
def choose_causal(
    heads: int, kv_heads: int, head_size: int, dtype: torch.dtype, device: torch.device
) -> CausalAttention:
    """flash-attn's attention where it can be used, is right and is faster; else torch's.

    It is found out once in a process for each shape of heads.
    """
    if device.type != "cuda" or dtype not in (torch.bfloat16, torch.float16):
        return causal
    flash = _installed()
    if flash is None:
        return causal
    shapes = (
        (_QUERIES, heads, head_size),
        (kv_heads, _KEYS, head_size),
        (kv_heads, _KEYS, head_size),
    )
    try:
        faster = is_right_and_faster(
            flash, [torch.randn(shape, dtype=dtype, device=device) for shape in shapes]
        )
    except RuntimeError as error:
        _log.warning("flash-attn does not run here", exc_info=error)
        return causal
    return flash if faster else causal


def _installed() -> CausalAttention | None:
    try:
        module: Any = importlib.import_module("flash_attn")
    except (ImportError, OSError, RuntimeError) as error:
        # Built for another torch it fails in many ways; the doctor says so.
        _log.info("flash-attn is not used: %s", error)
        return None
    # flash-attn 4 brings a folder of the same name, and nothing in it that is meant here.
    func = getattr(module, "flash_attn_func", None)
    return flash_causal(func) if func else None


@torch.inference_mode()
def is_right_and_faster(
    flash: CausalAttention,
    tensors: list[Tensor],
    seconds: Callable[[Callable[[], Tensor]], float] | None = None,
) -> bool:
    """Compare with torch's attention on the last queries of a prompt.

    Args:
        flash: What may be better.
        tensors: Queries [tokens, heads, head size], keys and values [kv heads, length, head size].
        seconds: Times a call; None takes the clock.
    """
    timed = seconds or _seconds
    length, end = len(tensors[0]), tensors[1].shape[1]
    ours, theirs = (make(end - length, end) for make in (causal, flash))
    expected, got = ours(*tensors), theirs(*tensors)
    if not torch.allclose(expected.float(), got.float(), atol=_TOLERANCE):
        _log.warning("flash-attn gives other results than torch, and is not used")
        return False
    return timed(lambda: theirs(*tensors)) < timed(lambda: ours(*tensors))


def _seconds(call: Callable[[], Tensor], repeats: int = 5) -> float:
    """The quickest of some calls; reading a number waits for the device."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()[0, 0].item()
        times.append(time.perf_counter() - started)
    return min(times)
