"""Where a model runs, in which precision, and what fits there."""

import gc
import logging
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from phi3v_tui.errors import ModelError
from phi3v_tui.memory import Room

_log = logging.getLogger(__name__)
_CHOICES = "Choose --device auto, cpu, cuda:N or mps."
_CGROUP = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**62
_LEAST_FREE = 10**9
"""Bytes without which a GPU is not worth choosing: what CUDA takes for itself is half of them."""

_AMPERE = (8, 0)
"""Compute capability from which GPUs of NVIDIA compute in bfloat16."""

_SMI = ("nvidia-smi", "--query-gpu=uuid,memory.free", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that torch can use.

    Attributes:
        index: Its number for torch: N of cuda:N.
        name: Its maker's name for it.
        free: Bytes that can be taken now.
        total: Bytes that it has.
    """

    index: int
    name: str
    free: int
    total: int


def gpus() -> list[Gpu]:
    """NVIDIA and AMD GPUs in torch's order: those that it has code for, and that answer."""
    if not torch.cuda.is_available():
        return []
    count = torch.cuda.device_count()
    # torch takes some hundred megabytes on each GPU that it asks for its memory; where there are
    # several, those that are not going to be used are left alone if the driver tells instead.
    free = _free_by_uuid() if count > 1 else {}
    found = (_gpu(index, free) for index in range(count))
    return [gpu for gpu in found if gpu is not None]


def _gpu(index: int, free_by_uuid: dict[str, int]) -> Gpu | None:
    try:
        properties = torch.cuda.get_device_properties(index)
        capability = (properties.major, properties.minor)
        if not is_built_for(torch.cuda.get_arch_list(), capability):
            _log.warning("torch has no code for cuda:%d (%s)", index, properties.name)
            return None
        free = free_by_uuid.get(str(properties.uuid))
        if free is None:
            free = torch.cuda.mem_get_info(index)[0]
    except RuntimeError as error:  # as where another program has taken all of its memory
        _log.warning("cuda:%d cannot be used", index, exc_info=error)
        return None
    return Gpu(index, properties.name, free, properties.total_memory)


def is_built_for(architectures: Sequence[str], capability: tuple[int, int]) -> bool:
    """Whether code for these architectures runs on a GPU of NVIDIA of this capability.

    Machine code (sm_86) runs on later minor versions of the same major one; what was kept in
    between (compute_90) on all later ones. Where there is neither, as for GPUs of AMD, it is not
    known, and taken for granted.
    """
    found = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", one) for one in architectures]
    built = [(one[1], (int(one[2]), int(one[3]))) for one in found if one]
    return not built or any(
        version <= capability and (kind == "compute" or version[0] == capability[0])
        for kind, version in built
    )


def _free_by_uuid() -> dict[str, int]:
    """Free bytes as the driver tells; empty where it does not."""
    try:
        told = subprocess.run(_SMI, capture_output=True, text=True, timeout=10, check=True).stdout
        pairs = [line.split(",") for line in told.splitlines()]
        return {uuid.strip().removeprefix("GPU-"): int(mib) * 2**20 for uuid, mib in pairs}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def choose_device(asked: str) -> torch.device:
    """Resolve "auto" and "cuda" to the GPU with the most free memory, or check what was asked for.

    "auto" takes the CPU where no GPU has room to speak of. It does not take mps, which has never
    been tried with this program: that one has to be asked for.

    Raises:
        ModelError: There is no such device here.
    """
    if asked in ("auto", "cuda"):
        least = _LEAST_FREE if asked == "auto" else 0
        found = [gpu for gpu in gpus() if gpu.free >= least]
        if found:
            return torch.device("cuda", max(found, key=lambda gpu: gpu.free).index)
        return torch.device("cpu") if asked == "auto" else _check_cuda(torch.device("cuda"))
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise ModelError(f'"{asked}" is not a device.', _CHOICES) from error
    if device.type == "cuda":
        return _check_cuda(device)
    if device.type == "mps":
        return _check_mps()
    if device.type != "cpu":
        raise ModelError(f"Device {asked} is not supported.", _CHOICES)
    return torch.device("cpu")


def _check_cuda(device: torch.device) -> torch.device:
    index = device.index or 0
    if index >= torch.cuda.device_count():
        raise ModelError(
            f"There is no GPU {index} that torch can use here.", "Choose --device cpu, or auto."
        )
    return torch.device("cuda", index)


def _check_mps() -> torch.device:
    if not torch.backends.mps.is_available():
        raise ModelError("torch finds no Apple GPU (mps) here.", "Choose --device cpu, or auto.")
    return torch.device("mps")


def describe(device: torch.device) -> str:
    """A device for people, with the name of a GPU: "cuda:1 (NVIDIA GeForce RTX 4090)"."""
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_properties(device).name})"


def room(device: torch.device, dtype: torch.dtype) -> Room:
    """What a device offers to a model in a precision."""
    return Room(describe(device), free_memory(device), dtype.itemsize)


def choose_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it; else float16 on a GPU, float32 on a CPU.

    Where a CPU only emulates bfloat16, reading a prompt takes five times as long in it. GPUs of
    NVIDIA before Ampere emulate it too, and torch's fast attention refuses it there.
    """
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < _AMPERE:
        return torch.float16
    if device.type != "cpu" or _cpu_has_bfloat16():
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
    free = min(_available_memory(), _container_memory())
    if device.type == "mps":
        allowed = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return min(free, allowed)
    return free


def _available_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    available = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(available.split()[1]) * 1024


def _container_memory() -> int:
    """What a container still allows; a very large number where there is no limit."""
    try:
        most = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        taken = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        return most - taken + _reclaimable()
    except (OSError, ValueError):
        return _NO_LIMIT


def _reclaimable() -> int:
    """Bytes of files that the container has read, such as a download: they go when needed."""
    lines = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def give_memory_back() -> None:
    """Give memory that nothing refers to any more back to the device."""
    gc.collect()
    try:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
    except RuntimeError as error:  # a GPU that was lost, as when a laptop slept
        _log.warning("The memory of the GPU could not be given back", exc_info=error)


def leave_a_core() -> None:
    """Let torch use all cores but one, so that typing stays smooth while a model computes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(max(1, (cores or 1) - 1))


def enter(device: torch.device) -> None:
    """Set torch up for a model on a device, on the thread that is going to run it."""
    leave_a_core()
    if device.type == "cuda":
        # Streams and events that name no device belong to the current one.
        torch.cuda.set_device(device)
        # It is preferred on the latest GPUs, and builds a plan for each length that is new to it:
        # here that is each chunk of each prompt.
        torch.backends.cuda.enable_cudnn_sdp(False)
