"""Where a model runs, in which precision, and what fits there."""

import os
from pathlib import Path

import torch

from phi3v_tui.errors import ModelError


def choose_device(asked: str) -> torch.device:
    """Resolve "auto", or check what was asked for.

    Raises:
        ModelError: There is no such device here.
    """
    if asked == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise ModelError(
            f'"{asked}" is not a device.', 'Choose "auto", "cpu", or "cuda:0".'
        ) from error
    if device.type == "cuda":
        return _check_cuda(device)
    if device.type != "cpu":
        raise ModelError(f"Device {asked} is not supported.", 'Choose "auto", "cpu", or "cuda:0".')
    return device


def _check_cuda(device: torch.device) -> torch.device:
    index = device.index or 0
    if index >= torch.cuda.device_count():
        raise ModelError(
            f"There is no GPU {index} that torch can use here.", "Choose --device cpu, or auto."
        )
    return torch.device("cuda", index)


def choose_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it, else float32.

    Where a CPU only emulates bfloat16, reading a prompt takes five times as long in it.
    """
    if device.type == "cuda" or _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def free_memory(device: torch.device) -> int:
    """Bytes that can be taken on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_available_memory(), _container_memory())


def _available_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    available = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(available.split()[1]) * 1024


def _container_memory() -> int:
    """What a container still allows; a very large number where there is no limit."""
    group = Path("/sys/fs/cgroup")
    try:
        most = int((group / "memory.max").read_text(encoding="ascii"))
        return most - int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 2**62


def leave_a_core() -> None:
    """Let torch use all cores but one, so that typing stays smooth while a model computes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(max(1, (cores or 1) - 1))
