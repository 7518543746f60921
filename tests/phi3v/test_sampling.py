"""How the next token is chosen."""

import torch

from phi3v_tui.phi3v.sampling import Sampler, SamplingBuffers, choose, nucleus

PROBABILITIES = torch.tensor([[0.15, 0.5, 0.05, 0.3]])


def draw(sampler: Sampler, count: int = 4000) -> torch.Tensor:
    """Share of each token among many samples."""
    buffers = SamplingBuffers.on("cpu", 4)
    sampler.begin(buffers)
    drawn = []
    for _ in range(count):
        sampler.draw(buffers)
        drawn.append(choose(PROBABILITIES.log(), buffers, sampler.choice))
    return torch.bincount(torch.cat(drawn), minlength=4) / count


def test_greedy_takes_the_most_likely():
    assert draw(Sampler(), 1).tolist() == [0, 1, 0, 0]


def test_samples_follow_the_probabilities():
    shares = draw(Sampler(temperature=1.0, seed=3))
    assert torch.allclose(shares, PROBABILITIES[0], atol=0.03)


def test_a_low_temperature_sharpens():
    shares = draw(Sampler(temperature=0.5, seed=3))
    expected = PROBABILITIES[0] ** 2 / (PROBABILITIES[0] ** 2).sum()
    assert torch.allclose(shares, expected, atol=0.03)


def test_top_p_leaves_out_the_tail():
    shares = draw(Sampler(temperature=1.0, top_p=0.6, seed=3))
    expected = torch.tensor([0, 0.625, 0, 0.375])
    assert torch.allclose(shares, expected, atol=0.03)


def test_the_most_likely_token_always_stays():
    assert nucleus(PROBABILITIES, 0.001).tolist() == [[0, 0.5, 0, 0]]


def test_top_p_of_one_leaves_all():
    assert torch.equal(nucleus(PROBABILITIES, 1.0), PROBABILITIES)
