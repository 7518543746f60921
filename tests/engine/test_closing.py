"""LocalEngine: closing stops everything, and gives the memory back."""

import queue
import threading
import weakref

import pytest

from phi3v_tui.engine import collect
from phi3v_tui.engine.events import LoadEvent, LoadProgress
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import loading, weights
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

    def notice(event: LoadEvent) -> None:
        if isinstance(event, LoadProgress) and event.stage == "Reading weights":
            reading.set()

    engine.load(notice)
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


def test_the_one_before_has_gone_when_the_next_begins_to_load(tiny_checkpoint_35, monkeypatch):
    first = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(first)
    model = weakref.ref(first._chat.generator.decoder)
    left = []
    find = weights.find

    def watched(*arguments):
        left.append(model())
        return find(*arguments)

    monkeypatch.setattr(weights, "find", watched)
    second = LocalEngine("demo", device="cpu", instead_of=first)
    assert collect.load(second).source == "demo"
    assert left == [None]
    second.close()


class HeldJobs(queue.SimpleQueue):
    """Gives nothing out before it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def get(self, **arguments):
        assert self.let.wait(TIMEOUT)
        return super().get(**arguments)


def test_the_one_before_is_closed_also_by_one_that_is_closed_itself(tiny_checkpoint_35):
    first = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(first)
    jobs = HeldJobs()
    second = LocalEngine("demo", device="cpu", instead_of=first, jobs=jobs)
    second.load(lambda _: None)
    closing = threading.Thread(target=second.close)
    closing.start()
    while not second._closed:
        closing.join(0.001)
    jobs.let.set()
    closing.join(TIMEOUT)
    assert first.count(asking("Hi")) is None
