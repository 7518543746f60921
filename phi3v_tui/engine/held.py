"""How much memory a running model holds."""

import resource
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
