"""An engine with a tiny model."""

import pytest

from phi3v_tui.engine import collect
from phi3v_tui.engine.local import LocalEngine


@pytest.fixture(scope="module")
def engine(tiny_checkpoint_35):
    engine = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(engine)
    yield engine
    engine.close()
