"""Logits of a forward pass without a cache, case by case."""

import numpy as np
import pytest

from tests.support.goldens import MODELS, cases, full, needs_full_goldens, reduced, thin
from tests.support.model_cases import Forward, inputs_of

TOLERANCE = 2e-4

# The reference lays features down by position and ignores the numbers of the tags, so that
# pictures named in reverse order are swapped. Here the number decides; the reference's numbers come
# out where the pictures are given in the order of their tags.
REVERSED = "two_images_reverse_order"

SINGLE = [
    pytest.param(tiny, name, id=f"{tiny.name}-{name}")
    for tiny in MODELS
    for name in cases(tiny)
    # Of these the reference kept generated logits only, which test_generate compares.
    if not name.startswith("batch_") and name != "one_image_crossing_4096"
]


def reference_inputs(tiny, name):
    inputs = inputs_of(tiny, name)
    if name == REVERSED:
        inputs["pixel_values"] = inputs["pixel_values"].flip(0)
        inputs["image_sizes"] = inputs["image_sizes"].flip(0)
    return inputs


@pytest.fixture(scope="module")
def forward(load):
    """One forward pass for each case, however many tests look at it."""
    passes = {}

    def get(tiny, name):
        key = tiny.name, name
        if key not in passes:
            passes[key] = Forward(load(tiny), reference_inputs(tiny, name))
        return passes[key]

    return get


def check(found, name, golden, keep):
    for kind, tolerance in (("logits_last", TOLERANCE), ("logsumexp", TOLERANCE), ("argmax", 0)):
        numbers = getattr(found, kind)
        expected = golden[f"{name}/{kind}"].astype(np.float64)
        assert np.abs(keep(f"{name}/{kind}", numbers) - expected).max() <= tolerance, kind


@pytest.mark.parametrize(("tiny", "name"), SINGLE)
def test_equals_the_reference(forward, tiny, name):
    check(forward(tiny, name), name, reduced(tiny), thin)


@needs_full_goldens
@pytest.mark.parametrize(("tiny", "name"), SINGLE)
def test_equals_the_full_reference(forward, tiny, name):
    found, golden = forward(tiny, name), full(tiny)
    check(found, name, golden, lambda _, numbers: numbers)
    expected = golden[f"{name}/logits_last64_strided"]
    assert np.abs(found.last64_strided - expected).max() <= TOLERANCE


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_pictures_named_in_reverse_order_are_not_swapped(load, forward, tiny):
    straight = Forward(load(tiny), inputs_of(tiny, REVERSED)).logits_last
    swapped = forward(tiny, REVERSED).logits_last
    assert np.abs(straight - swapped).max() > 0.1


def test_all_cases_are_there():
    assert len(SINGLE) == 2 * 13
