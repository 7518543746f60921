"""The published model as it is offered and downloaded, from a stand-in for the hub."""

import queue
import threading

import pytest
import torch
from huggingface_hub import constants

from phi3v_tui import full_model, model_list
from phi3v_tui.engine import collect
from phi3v_tui.engine.events import Failed, LoadProgress
from phi3v_tui.engine.full_model import Downloaded
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.full_model import ALWAYS_OFFER, PublishedModel
from phi3v_tui.hub import cache as hub_cache
from phi3v_tui.hub import source
from phi3v_tui.memory import Room
from phi3v_tui.phi3v import devices
from phi3v_tui.settings import Settings
from tests.hub.conftest import CHUNK, REPO
from tests.support.hub_server import COMMIT

WEIGHTS = "model.safetensors"
CUDA = torch.device("cuda", 0)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def published(server, settings, monkeypatch):
    """The model, which is the one that the stand-in has."""
    monkeypatch.setattr(source, "PINNED", {REPO: COMMIT})
    for module in (full_model, model_list):
        monkeypatch.setattr(module, "PINNED", {REPO: COMMIT})

    def make(**environ: str) -> PublishedModel:
        return PublishedModel(settings, REPO, environ)

    return make


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with so much free memory, as far as the arithmetic asks."""

    def with_free(free: int) -> None:
        monkeypatch.setattr(devices, "choose_device", lambda _: CUDA)
        monkeypatch.setattr(devices, "room", lambda *_: Room("cuda:0 (a card)", free, 2))
        monkeypatch.setattr(devices, "choose_dtype", lambda _: torch.bfloat16)

    return with_free


def finish(model: PublishedModel) -> list:
    """All events of a download."""
    events: queue.SimpleQueue = queue.SimpleQueue()
    model.download(events.put)
    heard = [events.get(timeout=60)]
    while isinstance(heard[-1], LoadProgress):
        heard.append(events.get(timeout=60))
    return heard


class TestOffer:
    def test_a_gpu_that_fits(self, published, gpu, cache, server):
        gpu(24 * 10**9)
        offer = published().offer()
        assert (offer.model, offer.size, offer.folder) == ("tiny", 8_293_242_880, cache)
        assert offer.free > offer.size
        assert "16-bit weights 8.3 GB" in offer.reason
        assert "cuda:0 (a card)" in offer.reason
        assert server.requests == []

    def test_a_gpu_that_does_not(self, published, gpu):
        gpu(2 * 10**9)
        assert published().offer() is None

    def test_no_gpu(self, published):
        assert published().offer() is None

    def test_for_trying_it_needs_none(self, published):
        assert published(**{ALWAYS_OFFER: "1"}).offer().model == "tiny"

    def test_never_is_remembered(self, published, gpu):
        gpu(24 * 10**9)
        published().never()
        assert published().offer() is None

    def test_what_is_here_already(self, published, gpu):
        gpu(24 * 10**9)
        model = published()
        assert isinstance(finish(model)[-1], Downloaded)
        assert model.offer() is None

    def test_part_of_it_is_here(self, published, gpu, cache):
        gpu(24 * 10**9)
        blobs = cache / "models--owner--tiny" / "blobs"
        blobs.mkdir(parents=True)
        (blobs / "abc.part").write_bytes(bytes(1000))
        assert published().offer().size == 8_293_241_880

    def test_a_full_disk(self, published, gpu, monkeypatch, cache):
        gpu(24 * 10**9)
        monkeypatch.setattr(hub_cache, "room", lambda: (cache, 10**9))
        assert published().offer() is None

    def test_downloads_are_forbidden(self, published, gpu, monkeypatch):
        gpu(24 * 10**9)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert published().offer() is None


class TestDownload:
    def test_it_arrives_and_answers(self, published, server):
        model = published()
        heard = finish(model)
        assert heard[-1] == Downloaded()
        sizes = {event.total for event in heard[:-1]}
        assert (server.folder / WEIGHTS).stat().st_size in sizes
        engine = LocalEngine(model.name, device="cpu")
        assert collect.load(engine).model == "tiny"
        engine.close()

    def test_stopping_keeps_what_came(self, published, server, cache):
        server.hold_at[WEIGHTS] = 2 * CHUNK
        model, events = published(), queue.SimpleQueue()
        model.download(events.put)
        while not events.get(timeout=60).done:
            pass
        assert server.holding.wait(60)
        model.stop()
        before = [thread for thread in threading.enumerate() if thread.name == "download"]
        server.release()
        for thread in before:
            thread.join(60)
        left = [events.get() for _ in range(events.qsize())]
        assert not [event for event in left if not isinstance(event, LoadProgress)]
        (part,) = cache.rglob("*.part")
        kept = part.stat().st_size
        assert kept >= CHUNK
        assert finish(model)[-1] == Downloaded()
        assert server.ranges(WEIGHTS)[-1] == f"bytes={kept}-"

    def test_a_failure_is_a_sentence(self, published, server):
        server.refuse = (403, "")
        (*_, last) = finish(published())
        assert isinstance(last, Failed)
        assert "does not let you" in last.error.title

    def test_an_unforeseen_failure_too(self, published, monkeypatch):
        def broken(*_: object) -> None:
            raise KeyError("odd")

        monkeypatch.setattr("phi3v_tui.hub.download.find", broken)
        (*_, last) = finish(published())
        assert isinstance(last, Failed)
        assert "KeyError" in last.error.title
