"""A small random checkpoint, and a process that the systems may change."""

from pathlib import Path

import pytest
import torch

from phi3v_tui import memory
from phi3v_tui.bench import checkpoint
from phi3v_tui.bench.systems import Setup
from phi3v_tui.phi3v import devices


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """Folder of a small random checkpoint."""
    return checkpoint.make("small", tmp_path_factory.mktemp("random"))


@pytest.fixture
def setup(small, monkeypatch):
    """What systems run; what they change in a process of their own is put back."""
    monkeypatch.setattr(devices, "choose_dtype", devices.choose_dtype)
    monkeypatch.setattr(memory, "FIRST_SLOT", memory.FIRST_SLOT)
    threads = torch.get_num_threads()
    yield Setup(small, "cpu", "float32", 1)
    torch.set_num_threads(threads)
