"""Which device is chosen, and how much memory it is said to have."""

import subprocess
from types import SimpleNamespace

import pytest
import torch

from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import devices

GB = 10**9


@pytest.fixture
def cuda(monkeypatch):
    """GPUs that torch sees, with free memory; the driver tells nothing unless a test says so."""
    asked = []

    def see(*free: int) -> list[int]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(free))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
        monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: memory(device, free))
        return asked

    def properties(device: object) -> SimpleNamespace:
        index = torch.device("cuda", device).index if isinstance(device, int) else device.index
        return SimpleNamespace(
            name=f"Card {index}", uuid=f"id-{index}", total_memory=24 * GB, major=8, minor=6
        )

    def memory(device: object, free: tuple[int, ...]) -> tuple[int, int]:
        index = device if isinstance(device, int) else device.index
        asked.append(index)
        return free[index], 24 * GB

    monkeypatch.setattr(devices.subprocess, "run", absent)
    return see


def absent(*_: object, **__: object) -> None:
    raise FileNotFoundError("nvidia-smi")


def test_auto_without_a_gpu_is_the_cpu(cuda):
    cuda()
    assert devices.choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_auto_takes_the_gpu_with_the_most_free_memory_and_names_it(cuda, asked):
    cuda(3 * GB, 20 * GB, 7 * GB)
    chosen = devices.choose_device(asked)
    assert chosen == torch.device("cuda", 1)
    assert devices.describe(chosen) == "cuda:1 (Card 1)"
    assert devices.room(chosen, torch.bfloat16).free == 20 * GB


def test_a_gpu_that_is_asked_for_is_taken_however_full(cuda):
    cuda(3 * GB, 20 * GB)
    assert devices.choose_device("cuda:0") == torch.device("cuda", 0)


def test_where_the_driver_tells_torch_touches_no_gpu_to_choose(cuda, monkeypatch):
    asked = cuda(1 * GB, 1 * GB)
    told = "GPU-id-1, 9000\nGPU-id-0, 500\n"
    monkeypatch.setattr(
        devices.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, told)
    )
    assert devices.choose_device("auto") == torch.device("cuda", 1)
    assert [gpu.free for gpu in devices.gpus()] == [500 * 2**20, 9000 * 2**20]
    assert asked == []


def test_a_gpu_of_which_the_driver_says_nothing_useful_is_asked_itself(cuda, monkeypatch):
    cuda(2 * GB, 1 * GB)
    monkeypatch.setattr(
        devices.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "[N/A]\n")
    )
    assert devices.choose_device("auto") == torch.device("cuda", 0)


@pytest.mark.parametrize(("asked", "chosen"), [("auto", "cpu"), ("cuda", "cuda:0")])
def test_a_gpu_that_is_full_is_taken_only_if_asked_for(cuda, asked, chosen):
    cuda(GB // 50, GB // 100)
    assert devices.choose_device(asked) == torch.device(chosen)


def test_a_gpu_that_torch_was_not_built_for_is_passed_over(cuda, monkeypatch):
    cuda(20 * GB)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90"])
    assert devices.gpus() == []
    assert devices.choose_device("auto") == torch.device("cpu")


def test_a_gpu_that_does_not_answer_is_passed_over(cuda, monkeypatch):
    cuda(20 * GB, 3 * GB)
    answer = torch.cuda.mem_get_info

    def ask(index: int) -> tuple[int, int]:
        if index == 0:
            raise RuntimeError("CUDA error: out of memory")
        return answer(index)

    monkeypatch.setattr(torch.cuda, "mem_get_info", ask)
    assert devices.choose_device("auto") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("built", "capability", "runs"),
    [
        (["sm_80", "sm_86"], (8, 6), True),
        (["sm_80"], (8, 9), True),
        (["sm_86"], (8, 0), False),
        (["sm_80"], (9, 0), False),
        (["sm_90", "compute_90"], (12, 0), True),
        (["sm_90a", "sm_100"], (10, 0), True),
        (["compute_90"], (8, 6), False),
        (["gfx90a", "gfx1100"], (11, 0), True),
        ([], (8, 6), True),
    ],
)
def test_architectures(built, capability, runs):
    assert devices.is_built_for(built, capability) is runs


@pytest.mark.parametrize(
    ("capability", "dtype"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)]
)
def test_bfloat16_only_where_a_gpu_computes_in_it(monkeypatch, capability, dtype):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert devices.choose_dtype(torch.device("cuda", 0)) is dtype


def test_the_gpu_of_a_model_becomes_the_current_one_of_its_thread(monkeypatch):
    current = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    threads, preferred = torch.get_num_threads(), torch.backends.cuda.cudnn_sdp_enabled()
    devices.enter(torch.device("cpu"))
    assert (current, torch.backends.cuda.cudnn_sdp_enabled()) == ([], preferred)
    devices.enter(torch.device("cuda", 1))
    assert current == [torch.device("cuda", 1)]
    assert not torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(preferred)
    torch.set_num_threads(threads)


def test_memory_of_a_lost_gpu_is_given_up(monkeypatch, caplog):
    def fail() -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", fail)
    devices.give_memory_back()
    assert "unspecified launch failure" in caplog.text


def test_cuda_without_a_gpu_is_refused(cuda):
    cuda()
    with pytest.raises(ModelError, match="no GPU 0 that torch can use"):
        devices.choose_device("cuda")


def test_mps_where_torch_has_it(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.choose_device("mps") == torch.device("mps")


def test_mps_where_torch_has_it_not(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=r"no Apple GPU .* Choose --device cpu"):
        devices.choose_device("mps")


def test_files_that_a_container_has_read_do_not_count_as_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_CGROUP", tmp_path)
    unlimited = devices.free_memory(torch.device("cpu"))
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 100000\ninactive_file 700000\nactive_file 1\n")
    assert devices.free_memory(torch.device("cpu")) == 800_000 < unlimited


def test_a_container_without_a_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert 10**7 < devices.free_memory(torch.device("cpu")) < 10**15
