"""What every test can count on: no network, no real home folder, one thread, plain colours."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Snapshots differ under these two, so they go before anything can import textual.
os.environ.pop("NO_COLOR", None)
os.environ.pop("TEXTUAL_THEME", None)

_HOME = Path(tempfile.mkdtemp(prefix="phi3v-tui-test-home-"))
for _name in list(os.environ):
    if _name.startswith(("XDG_", "PHI3V_TUI_", "HF_")):
        del os.environ[_name]
os.environ |= {
    "HOME": str(_HOME),
    "XDG_CACHE_HOME": str(_HOME / "cache"),
    "XDG_CONFIG_HOME": str(_HOME / "config"),
    "XDG_DATA_HOME": str(_HOME / "data"),
    "XDG_RUNTIME_DIR": str(_HOME / "runtime"),
    "XDG_STATE_HOME": str(_HOME / "state"),
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
# A shell has what it starts in the background ignore Ctrl+C, and so would the programs under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402

from tests.support.picture_server import PictureServer  # noqa: E402
from tests.support.tiny_checkpoint import TINY_3, TINY_35, write_checkpoint  # noqa: E402


def pytest_unconfigure() -> None:
    """Remove the home folder that stood in for the real one."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_checkpoint_3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small random checkpoint in the layout of Phi-3-vision-128k-instruct."""
    return write_checkpoint(TINY_3, tmp_path_factory.mktemp("checkpoint") / TINY_3.name)


@pytest.fixture(scope="session")
def tiny_checkpoint_35(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small random checkpoint in the layout of Phi-3.5-vision-instruct."""
    return write_checkpoint(TINY_35, tmp_path_factory.mktemp("checkpoint") / TINY_35.name)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    """A web server on the loopback that has pictures."""
    server = PictureServer()
    yield server
    server.close()
