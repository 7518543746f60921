"""Choosing the next token, on the device.

What differs from answer to answer lies in buffers, so that a step that was captured once serves
all answers that choose in the same way.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

_FIRST = 1024
"""Enough for nearly every nucleus of a trained model, and found in a fraction of a sort's time."""

_LEAST = 1e-5
"""A temperature or top_p below it means the most likely token."""

_64_BITS = 2**64 - 1


class Choice(StrEnum):
    """Ways to choose a token."""

    GREEDY = "greedy"
    SAMPLE = "sample"
    NUCLEUS = "nucleus"


@dataclass(slots=True)
class SamplingBuffers:
    """What a choice reads; the addresses never change.

    Attributes:
        temperature: float32 [1].
        top_p: float32 [1].
        noise: Samples of Exponential(1), float32 [1, vocabulary].
        first: Most likely tokens that nucleus sampling looks at before it sorts all; 0 sorts at
            once. To find out whether they are enough a step waits for the device.
    """

    temperature: Tensor
    top_p: Tensor
    noise: Tensor
    first: int = 0

    @classmethod
    def on(
        cls, device: torch.device | str, vocabulary: int, may_wait: bool = False
    ) -> "SamplingBuffers":
        """Buffers on a device.

        Args:
            device: Where the logits are.
            vocabulary: Number of tokens.
            may_wait: Whether a step may wait for the device.
        """
        one = torch.ones(1, device=device)
        first = min(_FIRST, vocabulary) if may_wait else 0
        return cls(one, one.clone(), torch.ones(1, vocabulary, device=device), first)


class Sampler:
    """Greedy at temperature 0, else nucleus sampling.

    Args:
        temperature: 0 takes the most likely token.
        top_p: Sample from the most likely tokens that together have this probability.
        seed: Makes sampling repeatable; None takes a fresh one.
        start: Tokens of the answer that are there already. What is drawn for a token hangs on the
            seed and on its place, so that an answer goes on as if it had not been stopped.
        device: Where the logits are.

    Attributes:
        choice: How tokens are chosen.
    """

    def __init__(
        self,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        start: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._generator = torch.Generator(device)
        self._seed = self._generator.seed() if seed is None else seed
        self._place = start
        self.choice = _choice(temperature, top_p)

    def begin(self, buffers: SamplingBuffers) -> None:
        """Write down what holds for the whole answer."""
        if self.choice is not Choice.GREEDY:
            buffers.temperature.fill_(self._temperature)
            buffers.top_p.fill_(self._top_p)

    def draw(self, buffers: SamplingBuffers) -> None:
        """Draw the noise for one token, in the order of the tokens.

        It is drawn apart from the choice, so that a seed gives the same tokens however the step
        between two draws is run.
        """
        if self.choice is not Choice.GREEDY:
            self._generator.manual_seed(_mixed(self._seed, self._place))
            self._place += 1
            buffers.noise.exponential_(generator=self._generator)


def choose(logits: Tensor, buffers: SamplingBuffers, choice: Choice) -> Tensor:
    """Logits [1, vocabulary] -> token id, int64 [1]; waits for the device if `buffers.first`."""
    # In bfloat16 the largest of them is found twenty times slower on a CPU.
    logits = logits.float()
    if choice is Choice.GREEDY:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits / buffers.temperature, dim=-1)
    if choice is Choice.NUCLEUS:
        probabilities = nucleus(probabilities, buffers.top_p, buffers.first)
    # The largest of p / Exponential(1) is a sample from p, with no sum to wait for.
    return (probabilities / buffers.noise).argmax(dim=-1)


def nucleus(probabilities: Tensor, top_p: Tensor | float, first: int = 0) -> Tensor:
    """Zero all but the most likely tokens that together reach `top_p`.

    Args:
        probabilities: [1, vocabulary].
        top_p: Above 0; the most likely token always stays.
        first: How many to look at before all are sorted; the result is the same.
    """
    if first:
        ordered, order = probabilities.topk(first)
        if ordered.cumsum(dim=-1)[0, -1] >= top_p:
            return _kept(probabilities, ordered, order, top_p)
    return _kept(probabilities, *probabilities.sort(dim=-1, descending=True), top_p)


def _kept(probabilities: Tensor, ordered: Tensor, order: Tensor, top_p: Tensor | float) -> Tensor:
    before = ordered.cumsum(dim=-1) - ordered
    kept = ordered.masked_fill(before >= top_p, 0)
    return torch.zeros_like(probabilities).scatter_(-1, order, kept)


def _mixed(seed: int, place: int) -> int:
    """A seed for one place; neighbours differ in half of their 32 bits (splitmix64).

    32, as the CPU's generator takes no more.
    """
    mixed = (seed + (place + 1) * 0x9E3779B97F4A7C15) & _64_BITS
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _64_BITS
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _64_BITS
    return mixed >> 32


def _choice(temperature: float, top_p: float) -> Choice:
    # Lower ones choose the same, but leave the range of float32.
    if min(temperature, top_p) < _LEAST:
        return Choice.GREEDY
    return Choice.NUCLEUS if top_p < 1 else Choice.SAMPLE
