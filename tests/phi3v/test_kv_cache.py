"""The slot's prefix rule and the picture cache's bound."""

import pytest
import torch

from phi3v_tui.memory import Room, needed, plan
from phi3v_tui.phi3v.kv_cache import KVCache, PictureCache, common_prefix
from phi3v_tui.phi3v.rope import RopeRegime
from phi3v_tui.shapes import PUBLISHED, Quantization

SHORT, LONG = RopeRegime(long=False), RopeRegime(long=True)


def slot(tokens: list[int]) -> KVCache:
    cache = KVCache(layers=1, kv_heads=1, head_size=2, capacity=4)
    cache.tokens = list(tokens)
    return cache


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2], [1, 3], 1), ([1], [1, 2], 1), ([2], [1], 0)],
)
def test_common_prefix(a, b, length):
    assert common_prefix(a, b) == length


def test_reuse_leaves_one_token_to_compute():
    cache = slot([1, 2, 3])
    assert cache.reuse([1, 2, 3], SHORT) == 2
    assert cache.tokens == [1, 2]


def test_reuse_drops_what_differs():
    cache = slot([1, 2, 3])
    assert cache.reuse([1, 5, 6, 7], SHORT) == 1
    assert cache.length == 1


def test_another_regime_drops_everything():
    cache = slot([1, 2, 3])
    assert cache.reuse([1, 2, 3, 4], LONG) == 0
    assert (cache.length, cache.regime) == (0, LONG)


def test_growing_keeps_what_is_held():
    cache = slot([1, 2, 3])
    cache.keys[:] = 7
    cache.values[:] = 8
    cache.reserve(5, limit=100)
    assert cache.capacity == 8
    assert cache.keys[0, 0, :, 0].tolist() == [7, 7, 7, 0, 0, 0, 0, 0]
    assert cache.values[0, 0, :, 0].tolist() == [8, 8, 8, 0, 0, 0, 0, 0]


def test_growing_stops_at_the_context():
    cache = slot([])
    cache.reserve(5, limit=6)
    assert cache.capacity == 6


@pytest.mark.parametrize("free", [18e9, 23.5e9, 32e9, 47e9, 79e9])
def test_no_prompt_takes_more_memory_than_was_planned(free):
    """Growing, the old slot is held beside the new one."""
    planned = plan(PUBLISHED, Room("cuda:0", int(free), 2), Quantization.NONE)
    assert planned.context > planned.first_slot
    for length in range(planned.first_slot, planned.context + 1, 256):
        cache = KVCache(1, 1, 1, planned.first_slot, device="meta")
        for tokens in (length, min(length + 1, planned.context)):
            before = cache.capacity
            cache.reserve(tokens, planned.context)
            held = cache.capacity + (before if cache.capacity > before else 0)
            assert needed(PUBLISHED, 2, Quantization.NONE, held) <= free, (length, before)


def test_pictures_used_longest_ago_go_first():
    size = torch.zeros(10, 4).nbytes
    cache = PictureCache(max_bytes=2 * size)
    cache.put("a", 1, torch.zeros(10, 4))
    cache.put("b", 1, torch.ones(10, 4))
    assert cache.get("a", 1) is not None
    cache.put("c", 1, torch.zeros(10, 4))
    assert cache.get("b", 1) is None
    assert cache.get("a", 1) is not None
    assert cache.size == 2 * size


def test_one_picture_larger_than_the_cache_is_kept():
    cache = PictureCache(max_bytes=1)
    cache.put("a", 1, torch.zeros(10, 4))
    assert cache.get("a", 1) is not None


def test_num_crops_is_part_of_the_name():
    cache = PictureCache()
    cache.put("a", 1, torch.zeros(1, 4))
    assert cache.get("a", 4) is None
