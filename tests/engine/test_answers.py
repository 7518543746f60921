"""LocalEngine: its events and their order, answers that go on, and cancelling."""

import queue
import threading
from dataclasses import replace

import pytest

from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import Finished, FinishReason, Loaded, PrefillProgress, TextDelta
from phi3v_tui.engine.local import LocalEngine
from tests.engine.steps import TIMEOUT, Events, asking, going_on


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
