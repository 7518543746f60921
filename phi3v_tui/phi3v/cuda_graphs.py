"""Decode steps as CUDA graphs: captured once, then replayed with one call from the host.

It has not run on a GPU yet, and is off by default. All but `CudaCapture` is tested on the CPU,
with a stand-in that records the operations of a step and repeats them on the same buffers.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from phi3v_tui.phi3v.steps import Shape

_log = logging.getLogger(__name__)


class Replayable(Protocol):
    """A captured step."""

    def replay(self) -> None:
        """Run it again, on the addresses it was captured with."""


Capture = Callable[[Callable[[], None]], Replayable]
"""Captures what a function launches. It may run the function for real, too."""


class GraphRunner:
    """Replays a graph for each shape of a step; runs them as written once a capture has failed.

    Args:
        step: Runs one step.
        scratch: Runs a function that runs steps, and leaves no trace of them in the buffers.
        buffers: All buffers that a step touches and that outlive it. Once one of them lies
            elsewhere, as after the slot has grown, all graphs are captured anew.
        capture: Captures a step.
    """

    def __init__(
        self,
        step: Callable[[Shape], None],
        scratch: Callable[[Callable[[], Replayable]], Replayable],
        buffers: Callable[[], Sequence[Tensor]],
        capture: Capture,
    ) -> None:
        self._step = step
        self._scratch = scratch
        self._buffers = buffers
        self._capture = capture
        self._failed = False
        self._addresses: tuple[int, ...] = ()
        self._graphs: dict[Shape, Replayable] = {}

    def run(self, shape: Shape) -> None:
        """Replay the graph of this shape, which is captured first where it is missing."""
        self.prepare(shape)
        if self._failed:
            self._step(shape)
        else:
            self._graphs[shape].replay()

    def prepare(self, shape: Shape) -> bool:
        """Capture the graph of this shape; whether it was missing."""
        addresses = tuple(buffer.data_ptr() for buffer in self._buffers())
        if addresses != self._addresses:
            self._graphs.clear()
            self._addresses = addresses
        if shape in self._graphs or self._failed:
            return False
        try:
            self._graphs[shape] = self._scratch(lambda: self._capture(lambda: self._step(shape)))
        except RuntimeError as error:
            _log.exception("Decode steps run without CUDA graphs", exc_info=error)
            self._failed = True
        return True


class CudaCapture:
    """Captures CUDA graphs; the memory of their intermediate results is shared.

    Sharing is safe because graphs run one after the other, and what outlives one is copied into
    buffers of its own.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        # A pool ends with its last graph, and nothing can be captured into it then; those of a
        # slot that has grown are all gone before the next one is captured.
        self._newest: torch.cuda.CUDAGraph | None = None

    def __call__(self, step: Callable[[], None]) -> Replayable:
        """Run the step once, so that libraries set themselves up, then capture it."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                step()
                graph = torch.cuda.CUDAGraph()
                # Other threads of the process may go on using the GPU meanwhile.
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                try:
                    step()
                finally:
                    graph.capture_end()
        finally:
            # Also where it failed: what runs next reads the buffers that the step has written.
            current.wait_stream(self._stream)
        self._newest = graph
        return graph
