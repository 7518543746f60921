"""LocalEngine: a model that was idle gives its memory back, and comes again."""

import queue
import threading
import weakref

import pytest

from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import FinishReason, Loaded, Unloaded
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from tests.engine.steps import TIMEOUT, Events, asking
from tests.support.tiny_checkpoint import TINY_35


class Patience(queue.SimpleQueue):
    """Work for the engine's thread, where time passes only when a test says so."""

    TIME_PASSES = object()

    def __init__(self) -> None:
        self.waits = []

    def get(self, block: bool = True, timeout: float | None = None):
        self.waits.append(timeout)
        job = super().get()
        if job is self.TIME_PASSES:
            if timeout is None:
                return self.get(timeout=None)
            raise queue.Empty
        return job


def resting(engine: LocalEngine, jobs: Patience, told: Events) -> Unloaded:
    jobs.put(Patience.TIME_PASSES)
    return told.get(timeout=TIMEOUT)


@pytest.fixture
def idle(tiny_checkpoint_35):
    """A loaded engine that rests after 10 minutes, its work, and its events of loading."""
    jobs, told = Patience(), Events()
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu", context=2048, idle_unload=10, jobs=jobs)
    engine.load(told)
    assert isinstance(told.until_end()[-1], Loaded)
    yield engine, jobs, told
    engine.close()


def test_an_idle_model_gives_its_memory_back(idle):
    engine, jobs, told = idle
    network = weakref.ref(engine._chat.generator.decoder)
    unloaded = resting(engine, jobs, told)
    assert jobs.waits[-2:] == [600, None] or jobs.waits[-1] == 600
    assert str(unloaded) == "Unloaded after 10 idle minutes; the next prompt loads it again."
    assert network() is None


def test_the_next_prompt_loads_it_again_and_the_conversation_goes_on(idle):
    engine, jobs, told = idle
    first = asking("What is it?", "rgb_31x47.png")
    answer = collect.answer(engine, first)
    resting(engine, jobs, told)
    assert collect.answer(engine, first).text == answer.text
    *progress, loaded = told.until_end()
    assert any(event.stage == "Reading weights" for event in progress)
    assert (loaded.model, loaded.notice) == (TINY_35.name, "")
    reply = Message(Role.ASSISTANT, answer.text, (), answer.finished.token_ids)
    more = Request((*first.messages, reply, Message(Role.USER, "Why?")), first.sampling, 1)
    assert collect.answer(engine, more).finished.usage.reused_tokens > 0
    resting(engine, jobs, told)


def test_a_prompt_withdrawn_while_it_loads_again_is_not_answered(idle):
    engine, jobs, told = idle
    resting(engine, jobs, told)
    answer = Events()
    cancelled = threading.Event()

    def cancel(event) -> None:
        engine.cancel()
        cancelled.set()

    engine._emit_load = cancel
    engine.stream(asking("Hello", most=1000), answer)
    (finished,) = answer.until_end()
    assert cancelled.is_set()
    assert finished.reason is FinishReason.CANCELLED
    assert finished.token_ids == ()


def test_if_loading_again_fails_the_next_prompt_tries_again(idle, monkeypatch):
    engine, jobs, told = idle
    resting(engine, jobs, told)
    with monkeypatch.context() as short:
        short.setattr("phi3v_tui.phi3v.devices.free_memory", lambda device: 1000)
        with pytest.raises(ModelError, match="does not fit"):
            collect.answer(engine, asking("Hello"))
    assert collect.answer(engine, asking("Hello")).text
    ends = [type(event) for event in (told.get(timeout=TIMEOUT) for _ in range(told.qsize()))]
    assert ends.count(Unloaded) == 1
    assert ends[-1] is Loaded


def test_closing_a_resting_engine_ends_its_thread(idle):
    engine, jobs, told = idle
    resting(engine, jobs, told)
    engine.close()
    assert not engine._thread.is_alive()


def test_a_model_that_is_not_to_rest_waits_without_end(tiny_checkpoint_35):
    jobs = Patience()
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu", jobs=jobs)
    collect.load(engine)
    assert collect.answer(engine, asking("Hello")).text
    assert set(jobs.waits) == {None}
    engine.close()
