"""How much memory a running model holds, and giving it back."""

import resource
import sys
from pathlib import Path
from typing import Any


def memory_held(device: Any) -> int | None:
    """Bytes held where a model runs.

    Args:
        device: A torch device.

    Returns:
        What torch has reserved of a GPU, else what this process has resident; None where the
        system does not tell.
    """
    if device.type == "cuda":
        import torch

        return torch.cuda.memory_reserved(device)
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


def give_memory_back() -> None:
    """Give memory that nothing refers to any more back to the devices."""
    # Where torch has not been imported there is nothing to give back, and that takes seconds.
    if sys.modules.get("torch"):
        from phi3v_tui.phi3v import devices

        devices.give_memory_back()
