"""Decode steps on a KV slot: each in its shape, as it is written or captured."""

from collections.abc import Callable, Sequence

from torch import Tensor

from phi3v_tui.phi3v.cuda_graphs import Capture, GraphRunner, Replayable
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.kv_cache import KVCache
from phi3v_tui.phi3v.sampling import Choice
from phi3v_tui.phi3v.steps import DecodeState, EagerRunner, Shape, StepRunner, decode_one_token


class Stepper:
    """Runs steps on one slot."""

    def __init__(
        self,
        decoder: Decoder,
        cache: KVCache,
        state: DecodeState,
        bucket: int,
        capture: Capture | None,
    ) -> None:
        """Run nothing yet.

        Args:
            decoder: The model.
            cache: The slot.
            state: What a step reads and writes.
            bucket: Attention lengths are rounded up, at least to a multiple of it; at 1 they are
                exact.
            capture: Captures steps, to be replayed; None runs each as it is written.
        """
        self._decoder = decoder
        self._cache = cache
        self._state = state
        self._bucket = bucket
        self._runner: StepRunner = EagerRunner(self._decode)
        if capture is not None:
            self._runner = GraphRunner(self._decode, self._scratch, self._buffers, capture)

    def run(self, length: int, choice: Choice) -> None:
        """Run the step that makes the slot `length` tokens long; there must be room for them."""
        self._runner.run(self._shape(length, choice))

    def prepare(self, length: int, choice: Choice) -> None:
        """Do ahead what can be done before such a step."""
        self._runner.prepare(self._shape(length, choice))

    def _decode(self, shape: Shape) -> None:
        decode_one_token(self._decoder, self._cache, self._state, shape)

    def _scratch(self, run: Callable[[], Replayable]) -> Replayable:
        """Run steps for what they leave elsewhere: the next real one finds what it would have."""
        state = self._state
        before = state.token.clone(), state.position.clone()
        state.position.fill_(self._cache.length)
        try:
            return run()
        finally:
            state.token.copy_(before[0])
            state.position.copy_(before[1])

    def _buffers(self) -> Sequence[Tensor]:
        """Those of a step that move when the slot grows."""
        cache, rope = self._cache, self._decoder.rope
        return (cache.keys, cache.values, rope.cos, rope.sin)

    def _shape(self, length: int, choice: Choice) -> Shape:
        if self._bucket == 1:
            return Shape(length, exact=True, choice=choice)
        bucket = min(rounded(length, self._bucket), self._cache.capacity)
        return Shape(bucket, exact=False, choice=choice)


def rounded(length: int, step: int) -> int:
    """Round up to a multiple of `step`, or of an eighth of the power of two below `length`.

    So long lengths read at most an eighth too much, and there are few of them.
    """
    step = max(step, 1 << max(0, length.bit_length() - 4))
    return -(-length // step) * step
