"""Choosing the next token, on the device."""

import torch
from torch import Tensor


class Sampler:
    """Greedy at temperature 0, else nucleus sampling.

    Args:
        temperature: 0 takes the most likely token.
        top_p: Sample from the most likely tokens that together have this probability.
        seed: Makes sampling repeatable; None takes a fresh one.
        device: Where the logits are.
    """

    def __init__(
        self,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._generator = torch.Generator(device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def sample(self, logits: Tensor) -> Tensor:
        """Logits [1, vocabulary] -> token id, int64 [1]. Nothing waits for the device."""
        if self._temperature == 0:
            return logits.argmax(dim=-1)
        probabilities = torch.softmax(logits.float() / self._temperature, dim=-1)
        if self._top_p < 1:
            probabilities = nucleus(probabilities, self._top_p)
        # The largest of p / Exponential(1) is a sample from p, with no sum to wait for.
        noise = torch.empty_like(probabilities).exponential_(generator=self._generator)
        return (probabilities / noise).argmax(dim=-1)


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Zero all but the most likely tokens that together reach `top_p`.

    Args:
        probabilities: [1, vocabulary].
        top_p: Above 0; the most likely token always stays.
    """
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    kept = ordered.masked_fill(before >= top_p, 0)
    return torch.zeros_like(probabilities).scatter_(-1, order, kept)
