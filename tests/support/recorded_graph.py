"""A stand-in for CUDA graphs that runs on a CPU.

As on a GPU, a replay repeats the operations of the capture on the very addresses that they had
then: nothing of Python runs again, so that what a step did not read from a buffer stays as it was.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RecordedGraph:
    """Operations, each with the tensors it read and those it made."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, tuple, dict, Any]] = []

    def replay(self) -> None:
        """Repeat them all."""
        for operation, args, kwargs, results in self.operations:
            again = operation(*args, **kwargs)
            for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                # A view, or a result written in place, is where it was already.
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class Recorder(TorchDispatchMode):
    """Captures steps; remembers how many.

    Attributes:
        captures: Graphs so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.captures: list[RecordedGraph] = []

    def __call__(self, step: Callable[[], None]) -> RecordedGraph:
        """Run the step once, then capture it."""
        step()
        graph = RecordedGraph()
        self.captures.append(graph)
        with self:
            step()
        return graph

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and write it down."""
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("the step waits for the device")
        result = func(*args, **(kwargs or {}))
        self.captures[-1].operations.append((func, args, kwargs or {}, result))
        return result
