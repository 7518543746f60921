"""How the next token is chosen."""

import pytest
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


@pytest.mark.parametrize(("temperature", "top_p"), [(1e-45, 1.0), (1e-6, 0.9), (2.0, 1e-50)])
def test_a_value_next_to_nothing_takes_the_most_likely(temperature, top_p):
    shares = draw(Sampler(temperature=temperature, top_p=top_p, seed=3), 20)
    assert shares.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("sharpness", [0.5, 2, 6])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 0.99])
def test_looking_at_the_first_tokens_changes_nothing(sharpness, top_p):
    """Whether they hold the whole nucleus, or all have to be sorted after all."""
    generator = torch.Generator().manual_seed(int(100 * top_p))
    logits = sharpness * torch.randn(4, 1, 32064, generator=generator)
    for probabilities in logits.softmax(-1):
        plain = nucleus(probabilities, torch.tensor([top_p]))
        assert torch.equal(nucleus(probabilities, torch.tensor([top_p]), first=1024), plain)
        assert torch.equal(nucleus(probabilities, torch.tensor([top_p]), first=5), plain)


def test_a_nucleus_that_the_first_tokens_just_fill():
    assert nucleus(PROBABILITIES, 0.8, first=2).tolist() == nucleus(PROBABILITIES, 0.8).tolist()
    assert nucleus(PROBABILITIES, 0.81, first=2).count_nonzero() == 3


def test_a_seed_gives_the_same_tokens_whether_or_not_a_step_may_wait():
    logits = torch.randn(50, 1, 5000, generator=torch.Generator().manual_seed(1)) * 4
    drawn = []
    for may_wait in (False, True):
        sampler, buffers = Sampler(0.8, 0.9, seed=5), SamplingBuffers.on("cpu", 5000, may_wait)
        sampler.begin(buffers)
        tokens = []
        for one in logits:
            sampler.draw(buffers)
            tokens.append(int(choose(one, buffers, sampler.choice)))
        drawn.append(tokens)
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 20


def test_top_p_of_one_leaves_all():
    assert torch.equal(nucleus(PROBABILITIES, 1.0), PROBABILITIES)
