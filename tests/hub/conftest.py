"""A stand-in for the hub, and an empty cache."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, file_download
from huggingface_hub.utils import close_session

from tests.support.hub_server import Hub

REPO = "owner/tiny"
CHUNK = 1024 * 1024


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    """An empty cache; the network allowed, nothing waited for."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda _: None))
    return cache


@pytest.fixture
def server(monkeypatch, tmp_path, cache, tiny_checkpoint_35):
    """The hub with a copy of a checkpoint, and beside it what must never be fetched."""
    folder = shutil.copytree(tiny_checkpoint_35, tmp_path / "repository")
    for name in ("modeling_phi3_v.py", "pytorch_model.bin", "custom_generate/generate.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("raise SystemExit('code of the checkpoint ran')")
    server = Hub(REPO, folder)
    point_to(monkeypatch, server.url)
    yield server
    close_session()
    server.close()


def point_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What HF_ENDPOINT does when huggingface_hub is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
