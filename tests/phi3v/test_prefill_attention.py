"""flash-attn is used where it can be imported, is right and is faster; it is never needed."""

import sys
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from phi3v_tui.phi3v import prefill_attention
from phi3v_tui.phi3v.attention import causal
from phi3v_tui.phi3v.prefill_attention import choose_causal, flash_causal, is_right_and_faster
from tests.support.generation_bench import WIDE, Bench, user
from tests.support.tiny_checkpoint import TINY_35

CUDA = torch.device("cuda", 0)


def flash_attn_func(query, keys, values, causal):
    """flash-attn's function on torch's: the last query belongs to the last key."""
    assert causal
    query, keys, values = (part.transpose(1, 2) for part in (query, keys, values))
    rows, columns = query.shape[2], keys.shape[2]
    seen = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
    mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=seen, enable_gqa=True)
    return mixed.transpose(1, 2)


def wrong(query, keys, values, causal):
    return -flash_attn_func(query, keys, values, causal)


def tensors() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    shapes = (5, 4, 8), (2, 30, 8), (2, 30, 8)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.fixture
def chosen(monkeypatch):
    """What is chosen for a GPU, whose work the CPU does."""
    randn = torch.randn

    def choose(dtype=torch.bfloat16, device=CUDA, seconds=(1.0, 2.0), flash=None):
        module = ModuleType("flash_attn")
        module.flash_attn_func = flash or flash_attn_func
        times = iter(seconds)
        monkeypatch.setitem(sys.modules, "flash_attn", module)
        monkeypatch.setattr(prefill_attention, "_seconds", lambda call: next(times))
        monkeypatch.setattr(prefill_attention, "_QUERIES", 8)
        monkeypatch.setattr(prefill_attention, "_KEYS", 32)
        monkeypatch.setattr(
            torch, "randn", lambda *shape, dtype, device: randn(*shape, dtype=dtype)
        )
        choose_causal.cache_clear()
        return choose_causal(4, 2, 8, dtype, device)

    yield choose
    choose_causal.cache_clear()


def test_it_is_chosen_where_it_is_faster(chosen):
    assert chosen() is not causal


def test_it_is_not_chosen_where_it_is_slower(chosen):
    assert chosen(seconds=(2.0, 1.0)) is causal


def test_it_is_not_chosen_where_it_is_wrong(chosen):
    assert chosen(flash=wrong) is causal


def test_it_is_not_chosen_where_it_fails(chosen):
    def fail(*_, causal):
        raise RuntimeError("no kernel image is available for execution on the device")

    assert chosen(flash=fail) is causal


def test_flash_attention_of_another_generation_is_not_chosen(chosen, monkeypatch):
    chosen()
    choose_causal.cache_clear()
    monkeypatch.setitem(sys.modules, "flash_attn", ModuleType("flash_attn"))
    assert choose_causal(4, 2, 8, torch.bfloat16, CUDA) is causal


@pytest.mark.parametrize(
    "where", [{"device": torch.device("cpu")}, {"dtype": torch.float32}], ids=["cpu", "float32"]
)
def test_it_is_for_gpus_and_16_bits(chosen, where):
    assert chosen(**where) is causal


def test_it_is_not_needed(chosen, monkeypatch):
    chosen()
    choose_causal.cache_clear()
    monkeypatch.setitem(sys.modules, "flash_attn", None)
    assert choose_causal(4, 2, 8, torch.bfloat16, CUDA) is causal


def test_the_clock_is_read():
    assert isinstance(is_right_and_faster(flash_causal(flash_attn_func), tensors()), bool)


@pytest.mark.parametrize("chunk", [29, 256])
def test_prompts_read_with_it_give_the_same_tokens(load, checkpoint, chunk):
    b = Bench.of(load(TINY_35), checkpoint(TINY_35), chunk=chunk)
    b.generator.decoder.causal = flash_causal(flash_attn_func)
    b.run_and_check(b.prompt(user("What is it?", WIDE)), most=4)
