"""The tiny checkpoints, loaded once."""

import pytest
import torch

from phi3v_tui.phi3v import Phi3VForCausalLM
from tests.support.goldens import MODELS
from tests.support.tiny_checkpoint import Tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tiny_checkpoint_3, tiny_checkpoint_35):
    """Folder of a tiny checkpoint."""
    return dict(zip(MODELS, (tiny_checkpoint_3, tiny_checkpoint_35), strict=True)).__getitem__


@pytest.fixture(scope="session")
def load(checkpoint):
    """A tiny model in float32, shared by all tests."""
    loaded = {}

    def get(tiny: Tiny) -> Phi3VForCausalLM:
        if tiny not in loaded:
            folder = checkpoint(tiny)
            loaded[tiny] = Phi3VForCausalLM.from_pretrained(folder, dtype=torch.float32)
        return loaded[tiny]

    return get
