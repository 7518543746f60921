"""LocalEngine: closing stops everything, and gives the memory back."""

import threading
import weakref

import pytest

from phi3v_tui.engine import collect
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import loading
from tests.engine.steps import TIMEOUT, asking


def test_no_event_comes_after_closing(tiny_checkpoint_35):
    engine = LocalEngine(str(tiny_checkpoint_35), device="cpu")
    collect.load(engine)
    after_close, started, closed = [], threading.Event(), threading.Event()

    def emit(event) -> None:
        started.set()
        if closed.is_set():
            after_close.append(event)

    engine.stream(asking("Go on", most=10_000), emit)
    assert started.wait(TIMEOUT)
    engine.close()
    closed.set()
    assert not engine._thread.is_alive()
    assert after_close == []


def test_the_memory_is_given_back_when_closing_has_ended(tiny_checkpoint_35):
    """Else two models lie in memory for a moment when another one takes over."""
    engine, started = LocalEngine(str(tiny_checkpoint_35), device="cpu"), threading.Event()
    collect.load(engine)
    network = weakref.ref(engine._chat.generator.decoder)
    engine.stream(asking("Go on", most=10_000), lambda event: started.set())
    assert started.wait(TIMEOUT)
    engine.close()
    assert network() is None


@pytest.fixture
def skeletons(monkeypatch):
    """References to the models whose loading has begun."""
    begun = []

    class Noticed(loading.Phi3VForCausalLM):
        def __init__(self, config) -> None:
            super().__init__(config)
            begun.append(weakref.ref(self))

    monkeypatch.setattr(loading, "Phi3VForCausalLM", Noticed)
    return begun


def test_closing_while_loading_gives_the_memory_back(tiny_checkpoint_35, skeletons):
    engine, reading = LocalEngine(str(tiny_checkpoint_35), device="cpu"), threading.Event()
    engine.load(lambda event: event.stage == "Reading weights" and reading.set())
    assert reading.wait(TIMEOUT)
    engine.close()
    assert [reference() for reference in skeletons] == [None]


def test_half_a_model_that_failed_to_load_is_gone(tiny_checkpoint_35, skeletons, monkeypatch):
    def fail(*_: object) -> None:
        raise ModelError("It cannot be had.", "Do without.")

    monkeypatch.setattr("phi3v_tui.phi3v.loading._Assembly.complete", fail)
    engine = LocalEngine(str(tiny_checkpoint_35), device="cpu")
    with pytest.raises(ModelError, match="Do without"):
        collect.load(engine)
    assert [reference() for reference in skeletons] == [None]
    engine.close()


def test_an_event_may_be_what_an_engine_is_closed_by(tiny_checkpoint_35):
    engine, closed = LocalEngine(str(tiny_checkpoint_35), device="cpu"), threading.Event()

    def close(_: object) -> None:
        engine.close()
        closed.set()

    engine.load(close)
    assert closed.wait(TIMEOUT)
    engine.close()
    assert not engine._thread.is_alive()


def test_closing_what_has_not_begun_waits_for_nothing():
    LocalEngine("demo").close()


def test_the_one_before_is_closed(tiny_checkpoint_35):
    first = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(first)
    second = LocalEngine("demo", device="cpu", instead_of=first)
    assert collect.load(second).source == "demo"
    first._thread.join(TIMEOUT)
    assert first.count(asking("Hi")) is None
    second.close()
