"""LocalEngine: its events, their order, cancelling, failures, and closing."""

import gc
import queue
import re
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from types import ModuleType

import pytest
import torch

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    FinishReason,
    Loaded,
    LoadProgress,
    PrefillProgress,
    TextDelta,
    Unloaded,
)
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import AttachmentError, ContextFullError, ModelError
from phi3v_tui.phi3v import loading
from phi3v_tui.phi3v.checkpoint import Checkpoint
from tests.support.goldens import IMAGES
from tests.support.tiny_checkpoint import TINY_35

TIMEOUT = 60


def asking(text: str, *names: str, most: int = 8, **choice) -> Request:
    pictures = tuple(Attachment.from_path(IMAGES / name) for name in names)
    message = Message(Role.USER, text, pictures)
    return Request((message,), SamplingParams(max_new_tokens=most, **choice), num_crops=1)


class Events(queue.SimpleQueue):
    """Collects events; remembers the threads that they came from."""

    def __init__(self) -> None:
        self.threads = set()

    def __call__(self, event) -> None:
        self.threads.add(threading.current_thread().name)
        self.put(event)

    def until_end(self) -> list:
        events = []
        while not events or not isinstance(events[-1], Finished | Failed | Loaded):
            events.append(self.get(timeout=TIMEOUT))
        return events


@pytest.fixture(scope="module")
def engine(tiny_checkpoint_35):
    engine = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(engine)
    yield engine
    engine.close()


def test_loading_reports_progress_and_ends_with_loaded(tiny_checkpoint_35):
    engine, events = LocalEngine(str(tiny_checkpoint_35), device="cpu"), Events()
    assert engine.limits() is None
    engine.load(events)
    *progress, loaded = events.until_end()
    assert all(isinstance(event, LoadProgress) for event in progress)
    assert progress[-1].total > 0
    assert isinstance(loaded, Loaded)
    assert (loaded.model, loaded.device) == (tiny_checkpoint_35.name, "cpu")
    assert engine.limits().crop_size == 336
    assert events.threads == {"engine"}
    engine.close()


def test_limits_hold_the_context_asked_for(engine):
    assert engine.limits().context_length == 2048
    assert engine.limits().num_crops == 4


def test_an_answer_streams(engine):
    events = Events()
    engine.stream(asking("What is it?", "rgb_31x47.png"), events)
    *before, finished = events.until_end()
    text = "".join(event.text for event in before if isinstance(event, TextDelta))
    prefill = [event for event in before if isinstance(event, PrefillProgress)]
    assert prefill[-1].done == prefill[-1].total == finished.usage.prompt_tokens
    assert before.index(prefill[-1]) < next(
        index for index, event in enumerate(before) if isinstance(event, TextDelta)
    )
    assert finished.reason is FinishReason.LENGTH
    assert len(finished.token_ids) == finished.usage.completion_tokens == 8
    assert finished.timings.prefill > 0
    assert text
    assert events.threads == {"engine"}


def test_a_follow_up_reuses_the_slot(engine):
    first = asking("Describe it.", "rgb_480x640.png")
    answer = collect.answer(engine, first)
    reply = Message(Role.ASSISTANT, answer.text, (), answer.finished.token_ids)
    more = Request((*first.messages, reply, Message(Role.USER, "Why?")), first.sampling, 1)
    usage = collect.answer(engine, more).finished.usage
    assert usage.reused_tokens == answer.finished.usage.prompt_tokens + 7
    assert usage.crops_encoded == 0


def test_the_default_is_repeatable_and_a_seed_is_too(engine):
    assert collect.answer(engine, asking("a")).text == collect.answer(engine, asking("a")).text
    seeded = [collect.answer(engine, asking("a", temperature=1.5, seed=n)).text for n in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]


def test_the_model_makes_ready_while_nothing_is_asked(engine, monkeypatch):
    made_ready = queue.SimpleQueue()

    def warm_up(_, wanted) -> None:
        made_ready.put((threading.current_thread().name, wanted()))
        raise RuntimeError("out of memory")

    monkeypatch.setattr("phi3v_tui.phi3v.generation.Generator.warm_up", warm_up)
    assert collect.answer(engine, asking("a")).text
    assert made_ready.get(timeout=TIMEOUT) == ("engine", True)
    # That it failed is nothing to those who ask next.
    assert collect.answer(engine, asking("b")).text


def test_cancelling_keeps_what_has_come(engine):
    pieces, finished = [], queue.SimpleQueue()

    def emit(event) -> None:
        if isinstance(event, TextDelta):
            pieces.append(event.text)
            engine.cancel()
        if isinstance(event, Finished):
            finished.put(event)

    engine.stream(asking("Tell me more.", most=1000), emit)
    event = finished.get(timeout=TIMEOUT)
    assert event.reason is FinishReason.CANCELLED
    assert 1 <= len(pieces) <= 2
    assert 1 <= len(event.token_ids) < 10


def going_on(asked: Request, text: str, ids: tuple[int, ...], most: int) -> Request:
    reply = Message(Role.ASSISTANT, text, (), ids)
    sampling = SamplingParams(max_new_tokens=most)
    return Request((*asked.messages, reply), sampling, asked.num_crops, continue_last=True)


@pytest.mark.parametrize("at", [1, 7, 20, 33])
def test_a_stopped_answer_goes_on_as_if_it_had_not_been_stopped(engine, at):
    pictures = ("rgb_31x47.png",)
    whole = collect.answer(engine, asking("Describe it.", *pictures, most=40))
    start = collect.answer(engine, asking("Describe it.", *pictures, most=at))
    begun = start.finished.token_ids
    assert 0 < len(begun) <= at
    assert start.text == whole.text[: len(start.text)]

    more = going_on(asking("Describe it.", *pictures), start.text, begun, 40 - len(begun))
    rest = collect.answer(engine, more)

    assert rest.finished.token_ids == whole.finished.token_ids
    assert start.text + rest.text == whole.text
    usage = rest.finished.usage
    assert usage.prompt_tokens == start.finished.usage.prompt_tokens + len(begun)
    assert usage.reused_tokens == usage.prompt_tokens - 1
    assert usage.crops_encoded == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seeded_answer_goes_on_as_if_it_had_not_been_stopped(engine, seed):
    sampling = SamplingParams(temperature=1.5, top_p=0.95, seed=seed, max_new_tokens=24)
    asked = replace(asking("Tell me."), sampling=sampling)
    whole = collect.answer(engine, asked).finished.token_ids
    start = replace(asked, sampling=replace(sampling, max_new_tokens=9))
    stopped = collect.answer(engine, start)
    begun = stopped.finished.token_ids
    assert begun == whole[: len(begun)] != ()

    more = replace(sampling, max_new_tokens=24 - len(begun))
    reply = Message(Role.ASSISTANT, stopped.text, (), begun)
    going_on = Request((*asked.messages, reply), more, continue_last=True)
    rest = [collect.answer(engine, going_on).finished.token_ids for _ in range(2)]
    assert rest == [whole, whole]
    # The rest does not repeat what chance chose at the beginning.
    assert whole[len(begun) : 2 * len(begun)] != begun


def test_an_answer_of_another_model_goes_on_by_its_words(engine):
    more = going_on(asking("What is it?"), "It is a red", (1, 2, 3), 4)
    ids = collect.answer(engine, more).finished.token_ids
    assert engine._chat.tokenizer.decode(ids).startswith("It is a red")
    assert len(ids) > 4


def test_half_a_character_is_made_again(engine, monkeypatch):
    grin = [engine._chat.tokenizer.tokenizer.token_to_id(f"<0x{b:02X}>") for b in "😀".encode()]
    generated = iter(grin)

    def generate(generation):
        yield next(generated)
        yield next(generated)
        generation.ending = "length"

    monkeypatch.setattr(engine._chat.generator, "generate", generate)
    answer = collect.answer(engine, asking("Smile"))
    assert (answer.text, answer.finished.token_ids) == ("", ())


def test_counting_agrees_with_what_is_read(engine):
    request = asking("What is it?", "rgb_480x640.png")
    counted = engine.count(request)
    answer = collect.answer(engine, request)
    assert counted == answer.finished.usage.prompt_tokens
    more = going_on(request, answer.text, answer.finished.token_ids, 1)
    assert engine.count(more) == counted + len(answer.finished.token_ids)
    assert LocalEngine("demo").count(request) is None


def test_cancelling_ends_those_waiting_too(engine):
    waiting, started = Events(), threading.Event()
    engine.stream(asking("One", most=1000), lambda event: started.set())
    assert started.wait(TIMEOUT)
    engine.stream(asking("Two", most=1000), waiting)
    engine.cancel()
    (finished,) = waiting.until_end()
    assert finished.reason is FinishReason.CANCELLED
    assert finished.token_ids == ()


def test_a_request_after_a_cancel_is_answered(engine):
    engine.cancel()
    assert collect.answer(engine, asking("Three")).finished.reason is FinishReason.LENGTH


def test_a_request_while_loading_waits(tiny_checkpoint_35):
    engine, events = LocalEngine(str(tiny_checkpoint_35), device="cpu"), Events()
    engine.load(events)
    engine.stream(asking("Early"), events)
    assert isinstance(events.until_end()[-1], Loaded)
    assert isinstance(events.until_end()[-1], Finished)
    engine.close()


def test_a_prompt_too_long_says_how_long(engine):
    with pytest.raises(ContextFullError, match=r"takes 3,\d\d\d tokens.* holds 2,048"):
        collect.answer(engine, asking("word " * 3000))


def test_an_impossible_picture_is_named(engine):
    strip = Attachment(b"", "0" * 64, "strip.png", "/strip.png", 1, 6000)
    with pytest.raises(AttachmentError, match="too long and thin"):
        collect.answer(engine, Request((Message(Role.USER, "What?", (strip,)),)))


def test_the_engine_survives_a_failure(engine):
    with pytest.raises(ContextFullError):
        collect.answer(engine, asking("word " * 3000))
    assert collect.answer(engine, asking("Short")).text


def test_a_model_that_is_missing_fails_with_a_sentence():
    engine = LocalEngine("no-such-model", device="cpu")
    with pytest.raises(ModelError, match="no model folder"):
        collect.load(engine)
    with pytest.raises(ModelError, match="No model is loaded"):
        collect.answer(engine, asking("Hello"))
    engine.close()


@pytest.mark.parametrize("device", ["quantum", "cuda:99", "meta"])
def test_a_device_that_is_missing_fails_with_a_sentence(tiny_checkpoint_35, device):
    with pytest.raises(ModelError, match=r"device|GPU|Device"):
        collect.load(LocalEngine(str(tiny_checkpoint_35), device=device))


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "the memory of cpu is full"),
        (MemoryError(), "the memory of cpu is full"),
        (ValueError("odd\nthings"), r"ValueError: odd\.$|ValueError: odd\. The log"),
    ],
)
def test_unforeseen_failures_are_events(engine, monkeypatch, caplog, failure, sentence):
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("phi3v_tui.phi3v.generation.Generator._embed", fail)
    with pytest.raises(ModelError, match=sentence):
        collect.answer(engine, asking("Break, please"))
    assert "Traceback" in caplog.text


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


def test_where_torch_cannot_be_imported_a_sentence_says_so():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from phi3v_tui.engine import collect\n"
        "from phi3v_tui.engine.local import LocalEngine\n"
        "from phi3v_tui.errors import ModelError\n"
        "engine = LocalEngine('demo')\n"
        "try: collect.load(engine)\n"
        "except ModelError as error: print(error)\n"
        "engine.close()"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert run.stdout.startswith("The model could not be loaded: ModuleNotFoundError: ")


def test_the_bundled_model_says_what_it_is(tiny_checkpoint_35, monkeypatch):
    monkeypatch.setattr("phi3v_tui.phi3v.weights.BUNDLED", tiny_checkpoint_35)
    engine = LocalEngine("auto", device="cpu")
    loaded = collect.load(engine)
    engine.close()
    assert loaded.model == "Demo model"
    assert "phi3v-tui --model microsoft/Phi-3.5-vision-instruct" in loaded.notice


def test_making_an_engine_imports_no_torch():
    code = (
        "import sys; from phi3v_tui.engine.local import LocalEngine; LocalEngine();"
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class Importing(ModuleType):
    """The module with the model, which tells whether garbage was collected while it came."""

    def __init__(self, fails: bool) -> None:
        super().__init__("phi3v_tui.phi3v.chat")
        self.fails = fails
        self.collected = []

    def __getattr__(self, name: str) -> type:
        if name != "ChatModel":
            raise AttributeError(name)
        self.collected.append(gc.isenabled())
        if self.fails:
            raise ImportError("libtorch.so is missing")
        return object  # Something that cannot be loaded.


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("was_enabled", [True, False])
def test_no_garbage_is_collected_while_importing_and_as_before_afterwards(
    monkeypatch, fails, was_enabled
):
    importing = Importing(fails)
    monkeypatch.setitem(sys.modules, "phi3v_tui.phi3v.chat", importing)
    engine = LocalEngine("demo", device="cpu")
    (gc.enable if was_enabled else gc.disable)()
    try:
        with pytest.raises(ModelError, match="libtorch" if fails else "AttributeError"):
            collect.load(engine)
        assert importing.collected == [False]
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
        engine.close()


@pytest.mark.parametrize(("megabytes", "chunk"), [(300, 256), (301, 64)])
def test_a_cpu_reads_less_of_a_prompt_at_once_where_the_model_is_large(
    tiny_checkpoint_35, monkeypatch, megabytes, chunk
):
    sized = replace(Checkpoint(tiny_checkpoint_35, "").shapes, linear=0, other=megabytes * 500_000)
    monkeypatch.setattr(Checkpoint, "shapes", sized)
    engine, events = LocalEngine(str(tiny_checkpoint_35), "cpu", "none", 2048), Events()
    collect.load(engine)
    engine.stream(asking("word " * 600, most=1), events)
    read = [event.done for event in events.until_end() if isinstance(event, PrefillProgress)]
    engine.close()
    assert read[:3] == [0, chunk, 2 * chunk]
    assert len(read) == 1 + -(-read[-1] // chunk)


@pytest.mark.parametrize("quantize", ["int8", "int4"])
def test_a_quantised_model_answers_and_says_how_it_lies_in_memory(tiny_checkpoint_35, quantize):
    engine, events = LocalEngine(str(tiny_checkpoint_35), "cpu", quantize, 2048), Events()
    engine.load(events)
    *progress, loaded = events.until_end()
    plan = re.compile(
        rf"{quantize} weights \d+\.\d MB, 2,048 tokens of context \d+\.\d MB, on cpu with "
    )
    assert any(plan.match(event.stage) for event in progress)
    assert plan.match(loaded.notice)
    assert collect.answer(engine, asking("What is it?", "rgb_31x47.png")).text
    engine.close()


def test_a_context_that_does_not_fit_is_refused_before_loading(tiny_checkpoint_35, monkeypatch):
    monkeypatch.setattr("phi3v_tui.phi3v.devices.free_memory", lambda device: 80_000_000)
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu", "none", 100_000)
    with pytest.raises(ModelError, match=r"100,000 tokens .* --quantize \w+ --context \d+"):
        collect.load(engine)
    engine.close()


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


class Held:
    """Something large that a failing computation holds."""


def test_out_of_memory_while_answering_says_what_would_fit(engine, monkeypatch):
    held = []

    def fail(*_: object) -> None:
        large = Held()
        held.append(weakref.ref(large))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    first = asking("What is it?", "rgb_31x47.png")
    before = collect.answer(engine, first)
    with monkeypatch.context() as broken:
        broken.setattr("phi3v_tui.phi3v.generation.Generator._embed", fail)
        with pytest.raises(ModelError) as failure:
            collect.answer(engine, asking("Break, please"))
    assert failure.value.title == "No answer could be generated: the memory of cpu is full."
    assert "--quantize int8 --context" in failure.value.remedy
    assert [reference() for reference in held] == [None]
    # The conversation goes on, and the slot still knows what it holds.
    assert collect.answer(engine, first).text == before.text


def test_out_of_memory_while_loading_says_what_would_fit(tiny_checkpoint_35, monkeypatch):
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu")

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with monkeypatch.context() as broken:
        broken.setattr("phi3v_tui.phi3v.loading._Assembly.place", fail)
        with pytest.raises(ModelError) as failure:
            collect.load(engine)
    assert "could not be loaded: the memory of cpu is full." in failure.value.title
    assert "--quantize int8 --context" in failure.value.remedy
    collect.load(engine)
    assert collect.answer(engine, asking("Hello")).text
    engine.close()


def test_the_one_before_is_closed(tiny_checkpoint_35):
    first = LocalEngine(str(tiny_checkpoint_35), device="cpu", context=2048)
    collect.load(first)
    second = LocalEngine("demo", device="cpu", instead_of=first)
    assert collect.load(second).source == "demo"
    first._thread.join(TIMEOUT)
    assert first.count(asking("Hi")) is None
    second.close()


def test_what_was_loaded_says_what_asks_for_it_again(engine, tiny_checkpoint_35):
    events = Events()
    engine.load(events)
    *_, loaded = events.until_end()
    assert loaded.source == str(tiny_checkpoint_35)
    assert loaded.folder == tiny_checkpoint_35
    assert loaded.plan.context == 2048
