"""Sampling settings are checked when they are made."""

import pytest

from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError


def test_the_default_is_greedy():
    assert SamplingParams().temperature == 0


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -0.1}, {"temperature": 2.1}, {"top_p": 0}, {"top_p": 1.1},
     {"max_new_tokens": 0}, {"seed": -1}, {"seed": 2**63}, {"temperature": float("nan")}],
)  # fmt: skip
def test_values_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(SettingsError, match=name):
        SamplingParams(**wrong)
