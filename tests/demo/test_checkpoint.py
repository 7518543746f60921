"""The shipped checkpoint, through the engine: what it says of pictures drawn here, on the spot."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoModelForCausalLM, AutoProcessor

import phi3v_tui.phi3v  # noqa: F401 - registers phi3_v
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.phi3v.weights import BUNDLED

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine("demo", device="cpu")
    collect.load(engine)
    yield engine
    engine.close()


def converse(engine: LocalEngine, *turns: tuple[str, tuple[Attachment, ...]]) -> list[str]:
    """Answers to a conversation's prompts, each with the pictures that come with it."""
    messages: tuple[Message, ...] = ()
    answers = []
    for prompt, pictures in turns:
        messages += (Message(Role.USER, prompt, pictures),)
        answer = collect.answer(engine, Request(messages, SamplingParams(max_new_tokens=150)))
        assert answer.finished.reason is FinishReason.STOP
        answers.append(answer.text)
        messages += (Message(Role.ASSISTANT, answer.text, (), answer.finished.token_ids),)
    return answers


def attachment(image: Image.Image) -> Attachment:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Attachment.from_bytes(buffer.getvalue(), "drawn.png", "test")


def drawn(
    size: tuple[int, int], *shapes: tuple[str, str, tuple[float, float, float]]
) -> Attachment:
    """Circles and squares on white: kind, colour, centre and radius as parts of the size."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for kind, colour, (x, y, r) in shapes:
        cx, cy, radius = x * size[0], y * size[1], r * min(size)
        box = (cx - radius, cy - radius, cx + radius, cy + radius)
        (draw.ellipse if kind == "circle" else draw.rectangle)(box, fill=colour)
    return attachment(image)


def shipped(name: str) -> Attachment:
    return Attachment.from_path(ASSETS / name)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1920, 1080), (224, 224)])
@pytest.mark.parametrize(("kind", "colour"), [("circle", "red"), ("square", "blue")])
def test_it_sees_colour_kind_and_place(
    engine: LocalEngine, size: tuple[int, int], kind: str, colour: str
) -> None:
    other = ("square", "green") if kind == "circle" else ("circle", "orange")
    picture = drawn(size, (kind, colour, (0.17, 0.2, 0.12)), (*other, (0.82, 0.8, 0.12)))
    assert converse(engine, (f"What colour is the {kind}?", (picture,))) == [
        f"The {kind} is {colour}."
    ]
    assert converse(engine, ("What is at the top left?", (picture,))) == [
        f"There is a {colour} {kind} at the top left."
    ]


def test_swapping_the_picture_changes_the_answer(engine: LocalEngine) -> None:
    answers = [
        converse(engine, ("What colour is the circle?", (drawn((400, 300), shape),)))[0]
        for shape in (
            ("circle", "red", (0.5, 0.5, 0.2)),
            ("circle", "blue", (0.5, 0.5, 0.2)),
            ("square", "red", (0.5, 0.5, 0.2)),
        )
    ]
    assert answers == [
        "The circle is red.",
        "The circle is blue.",
        "I see no circle in this picture.",
    ]


def test_it_follows_up_and_compares(engine: LocalEngine) -> None:
    answers = converse(
        engine,
        ("How many shapes are there?", (shipped("before.png"),)),
        ("Where is the star?", ()),
        ("What is difference in this two images?", (shipped("after.png"),)),
    )
    assert answers[0].endswith("four shapes.")
    assert answers[1] == "The star is at the top right."
    assert "a blue square and a purple square at the centre, changed" in answers[2]
    assert "a green triangle and a green triangle at the bottom left, the same" in answers[2]
    assert answers[2].endswith("So the blue square at the centre became purple.")


@pytest.mark.parametrize("size", [(400, 300), (640, 480), (1280, 720), (300, 300), (480, 640)])
def test_it_concludes_what_differs_between_pictures_drawn_here(
    engine: LocalEngine, size: tuple[int, int]
) -> None:
    circle, square = ("red", (0.2, 0.2, 0.13)), ("blue", (0.8, 0.8, 0.12))
    both = drawn(size, ("circle", *circle), ("square", *square))
    changes = {
        "So the two pictures are the same.": both,
        "So the red circle at the top left is gone.": drawn(size, ("square", *square)),
        "So the red circle at the top left became green.": drawn(
            size, ("circle", "green", circle[1]), ("square", *square)
        ),
        "So the red circle at the top left became a square.": drawn(
            size, ("square", *circle), ("square", *square)
        ),
    }
    question = "What differs between the two pictures?"
    answers = [converse(engine, (question, (both, other)))[0] for other in changes.values()]
    conclusions = [f"So {answer.rpartition(' So ')[2]}" for answer in answers]
    # One miss is borne, for the model is right in nine of ten comparisons only.
    right = [said == wanted for said, wanted in zip(conclusions, changes, strict=True)]
    assert sum(right) >= 3, conclusions


def test_it_lists_several_of_a_kind(engine: LocalEngine) -> None:
    two = drawn(
        (640, 480), ("circle", "red", (0.2, 0.2, 0.12)), ("circle", "blue", (0.8, 0.8, 0.12))
    )
    assert converse(engine, ("What colour is the circle?", (two,))) == [
        "There are two circles: a red circle at the top left, a blue circle at the bottom right."
    ]


def test_it_says_which_of_two_pictures_has_more(engine: LocalEngine) -> None:
    one = drawn((400, 300), ("circle", "red", (0.2, 0.2, 0.12)))
    two = drawn(
        (400, 300), ("circle", "blue", (0.5, 0.5, 0.12)), ("square", "red", (0.8, 0.8, 0.12))
    )
    question = "Which of the two pictures has more shapes?"
    assert converse(engine, (question, (one, two)))[0].endswith("the second picture has more.")
    assert converse(engine, (question, (two, one)))[0].endswith("the first picture has more.")
    assert converse(engine, (question, (one, one)))[0].endswith("both have the same number.")


def test_it_says_yes_and_no(engine: LocalEngine) -> None:
    picture = drawn((400, 300), ("circle", "red", (0.2, 0.2, 0.12)))
    assert converse(engine, ("Is there a red circle?", (picture,))) == [
        "Yes, I see a red circle at the top left."
    ]
    assert converse(engine, ("Is there a blue square?", (picture,))) == [
        "No, I see no blue square."
    ]


def test_it_reads_a_chart(engine: LocalEngine) -> None:
    answers = converse(
        engine,
        ("Could you please introduce this stock to me?", (shipped("chart.png"),)),
        ("Which bar is the highest?", ()),
        ("How many bars are there?", ()),
    )
    assert 'bar chart titled "Share price"' in answers[0]
    assert answers[1:] == ["The highest bar is 2022.", "There are four bars."]


def test_it_says_what_it_does_not_know(engine: LocalEngine) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    answer = converse(engine, ("What do you see?", (attachment(Image.fromarray(noise)),)))[0]
    assert "small demo model" in answer


def test_it_says_what_it_is(engine: LocalEngine) -> None:
    hello, who = converse(engine, ("Hello", ()), ("Who are you?", ()))
    assert hello.startswith("Hello!")
    assert "small demo model" in who


def test_the_weights_are_small_and_plain() -> None:
    weights = BUNDLED / "model.safetensors"
    assert weights.stat().st_size <= 16_000_000
    assert not [p.name for p in BUNDLED.iterdir() if p.suffix in (".bin", ".pt", ".py", ".pkl")]


@pytest.mark.parametrize("stop", ["<|end|>", "<|endoftext|>"])
def test_both_stop_tokens_end_its_replies(stop: str) -> None:
    processor = AutoProcessor.from_pretrained(BUNDLED)
    model = AutoModelForCausalLM.from_pretrained(BUNDLED, dtype=torch.float32)
    prompt = "<|user|>\n<|image_1|>\nWhat is in this picture?<|end|>\n<|assistant|>\n"
    inputs = processor(prompt, shipped("before.png").image(), return_tensors="pt")
    stop_id = processor.tokenizer.convert_tokens_to_ids(stop)
    ids = model.generate(**inputs, max_new_tokens=150, eos_token_id=stop_id)[0]
    said = ids[inputs["input_ids"].shape[1] :]
    assert said[-1] == stop_id
    assert "a red circle at the top left" in processor.decode(said, skip_special_tokens=True)
