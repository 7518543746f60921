"""Python, torch and GPUs that are not as they should be; no GPU is needed."""

import importlib.metadata
import sys
import warnings

import pytest
import torch

from phi3v_tui.doctor import machine
from phi3v_tui.doctor.finding import Level
from phi3v_tui.doctor.tools import ToolError
from phi3v_tui.phi3v import devices, weights

SMI = "NVIDIA GeForce RTX 4090, 550.54.14"
TOO_OLD = (
    "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040)."
    " Please update your GPU driver. (Triggered internally at CUDAFunctions.cpp:119.)"
)


def smi(*_: str) -> str:
    return SMI


@pytest.fixture
def cuda_build(monkeypatch):
    """A torch that was built for CUDA."""
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    return monkeypatch


@pytest.fixture
def card(cuda_build):
    """A GPU that torch can use, as far as the checks ask."""

    def make(capability=(8, 9), built=("sm_80", "sm_86", "sm_90"), free=23 * 10**9) -> None:
        cuda_build.setattr(torch.cuda, "is_available", lambda: True)
        cuda_build.setattr(torch.cuda, "device_count", lambda: 1)
        cuda_build.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA GeForce RTX 4090")
        cuda_build.setattr(torch.cuda, "get_device_capability", lambda _: capability)
        cuda_build.setattr(torch.cuda, "get_arch_list", lambda: list(built))
        cuda_build.setattr(torch.cuda, "mem_get_info", lambda _: (free, 24 * 10**9))

    return make


def test_this_machine():
    assert machine.python().level is Level.OK
    assert machine.packages().level in (Level.OK, Level.NOTE)
    found = machine.torch_build()
    assert (found.level, torch.__version__ in found.detail) == (Level.OK, True)


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert machine.python().level is Level.PROBLEM


def test_packages_that_do_not_suit(monkeypatch):
    wanted = ["textual>=99", "no-such-package", "pillow", 'gone ; extra == "flash-attn"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: wanted)
    found = machine.packages()
    assert found.level is Level.WARNING
    assert "textual is 8" in found.detail
    assert "no-such-package is missing" in found.detail
    assert "pillow" not in found.detail
    assert "gone" not in found.detail


def test_torch_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert machine.torch_build().level is Level.PROBLEM


class TestDriver:
    def test_no_gpu_is_no_fault(self):
        def missing(*_: str) -> str:
            raise ToolError("")

        found = machine.nvidia(missing)
        assert (found.level, "run on the CPU" in found.detail) == (Level.NOTE, True)

    def test_a_driver_that_does_not_answer(self):
        def broken(*_: str) -> str:
            raise ToolError("NVIDIA-SMI has failed: driver/library version mismatch")

        found = machine.nvidia(broken)
        assert found.level is Level.WARNING
        assert "version mismatch" in found.detail
        assert "Restart" in found.remedy

    def test_a_torch_without_cuda(self, monkeypatch):
        monkeypatch.setattr(torch.version, "cuda", None)
        found = machine.nvidia(smi)
        assert found.level is Level.WARNING
        assert "RTX 4090" in found.detail
        assert "Install a CUDA build" in found.remedy

    @pytest.mark.parametrize(
        ("said", "detail", "remedy"),
        [
            (TOO_OLD, "is too old (found version 11040)", "Update the driver"),
            ("", "torch says: it finds no GPU", "CUDA_VISIBLE_DEVICES"),
        ],
    )
    def test_a_torch_that_cannot_use_it(self, cuda_build, said, detail, remedy):
        def is_available() -> bool:
            if said:
                warnings.warn(said, UserWarning, stacklevel=1)
            return False

        cuda_build.setattr(torch.cuda, "is_available", is_available)
        found = machine.nvidia(smi)
        assert found.level is Level.WARNING
        assert detail in found.detail
        assert "Triggered" not in found.detail
        assert remedy in found.remedy

    def test_all_is_well(self, card):
        card()
        found = machine.nvidia(smi)
        assert found.level is Level.OK
        assert "550.54.14" in found.detail


class TestGpu:
    def test_what_it_is_and_what_fits(self, card):
        card()
        found = machine.gpu(0)
        assert found.level is Level.OK
        assert "compute capability 8.9, bfloat16, 23.0 GB of 24.0 GB free" in found.detail
        assert "16-bit weights 8.3 GB" in found.detail

    def test_each_has_its_own_check(self, card):
        card()
        assert "cuda:0" in dict(machine.checks().checks)

    def test_one_that_torch_was_not_built_for(self, card):
        card(capability=(6, 1), built=("sm_75", "sm_80", "compute_90"))
        found = machine.gpu(0)
        assert found.level is Level.WARNING
        assert "not built for it" in found.detail
        assert "--device cpu" in found.remedy

    def test_one_without_bfloat16(self, card):
        card(capability=(7, 5), built=("sm_75",))
        found = machine.gpu(0)
        assert (found.level, ", float16, " in found.detail) == (Level.OK, True)

    def test_one_that_is_too_small(self, card):
        card(free=2 * 10**9)
        found = machine.gpu(0)
        assert (found.level, "does not fit" in found.detail) == (Level.NOTE, True)
        assert found.remedy


def test_the_cpu(monkeypatch):
    monkeypatch.setattr(devices, "free_memory", lambda _: 40 * 10**9)
    found = machine.processor()
    assert found.level is Level.OK
    assert "The full model runs, slowly" in found.detail
    monkeypatch.setattr(devices, "free_memory", lambda _: 10**9)
    assert "does not fit" in machine.processor().detail


def test_flash_attention_is_not_needed():
    assert machine.flash_attention().level is Level.OK


@pytest.mark.parametrize("works", [True, False])
def test_flash_attention_that_is_there(monkeypatch, tmp_path, works):
    code = (
        '__version__, flash_attn_func = "2.8.1", print'
        if works
        else 'raise ImportError("undefined symbol: _ZN3c10")'
    )
    (tmp_path / "flash_attn.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "flash_attn", raising=False)
    found = machine.flash_attention()
    assert found.level is (Level.OK if works else Level.NOTE)
    assert ("2.8.1" if works else "undefined symbol") in found.detail
    sys.modules.pop("flash_attn", None)


def test_a_flash_attention_of_another_generation(monkeypatch, tmp_path):
    (tmp_path / "flash_attn" / "cute").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "flash_attn", raising=False)
    found = machine.flash_attention()
    assert (found.level, "is not used" in found.detail) == (Level.OK, True)
    sys.modules.pop("flash_attn", None)


def test_a_bundled_model_that_is_cut_short(monkeypatch, tmp_path):
    assert machine.bundled_model().level is Level.OK
    monkeypatch.setattr(weights, "BUNDLED", tmp_path)
    assert machine.bundled_model().level is Level.PROBLEM
