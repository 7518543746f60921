"""LocalEngine: what fails is an event with a sentence, and the engine goes on."""

import weakref

import pytest
import torch

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import TextDelta
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import AttachmentError, ContextFullError, ModelError
from phi3v_tui.phi3v.generation import Generator
from tests.engine.steps import Events, asking


class Panic(BaseException):
    """As libraries written in Rust raise where they are broken: it is no Exception."""


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


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "the memory of cpu is full"),
        (MemoryError(), "the memory of cpu is full"),
        (ValueError("odd\nthings"), r"ValueError: odd\. The log"),
        (Panic("index out of bounds"), r"Panic: index out of bounds\. The log"),
        (RuntimeError("CUDA error: unspecified launch failure"), "has been started again"),
    ],
)
def test_unforeseen_failures_are_events(engine, monkeypatch, caplog, failure, sentence):
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("phi3v_tui.phi3v.generation.Generator._embed", fail)
    with pytest.raises(ModelError, match=sentence):
        collect.answer(engine, asking("Break, please"))
    assert "Traceback" in caplog.text


def test_a_tokenizer_that_panics_counts_nothing_and_says_so_when_asked(engine, monkeypatch):
    def panic(*_: object) -> None:
        raise Panic("index out of bounds")

    monkeypatch.setattr("phi3v_tui.phi3v.prompt.PromptTokenizer.plain", panic)
    assert engine.count(asking("Hello")) is None
    with pytest.raises(ModelError, match="index out of bounds"):
        collect.answer(engine, asking("Hello"))


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
    assert failure.value.remedy.startswith("A new conversation takes less")
    assert "What fits: --quantize" in failure.value.remedy
    assert [reference() for reference in held] == [None]
    # The conversation goes on, and the slot still knows what it holds.
    assert collect.answer(engine, first).text == before.text


def test_what_fails_amid_an_answer_broke_off(engine, monkeypatch):
    launch, steps = Generator._launch, []

    def fail(generator, *arguments) -> None:
        steps.append(arguments)
        if len(steps) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        launch(generator, *arguments)

    whole = collect.answer(engine, asking("Describe it.", most=20))
    events = Events()
    with monkeypatch.context() as broken:
        broken.setattr(Generator, "_launch", fail)
        engine.stream(asking("Describe it.", most=20), events)
        *before, failed = events.until_end()
    assert failed.error.title == "The answer broke off: the memory of cpu is full."
    text = "".join(event.text for event in before if isinstance(event, TextDelta))
    assert 0 < len(text) < len(whole.text)
    assert whole.text.startswith(text)
    assert collect.answer(engine, asking("Describe it.", most=20)).text == whole.text


def test_out_of_memory_while_loading_says_what_would_fit(tiny_checkpoint_35, monkeypatch):
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu")

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with monkeypatch.context() as broken:
        broken.setattr("phi3v_tui.phi3v.loading._Assembly.place", fail)
        with pytest.raises(ModelError) as failure:
            collect.load(engine)
    assert "could not be loaded: the memory of cpu is full." in failure.value.title
    assert failure.value.remedy.startswith("What fits: --quantize none --context")
    collect.load(engine)
    assert collect.answer(engine, asking("Hello")).text
    engine.close()
