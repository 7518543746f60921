"""What is asked: conversations, with their answers' length fixed."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role

NUM_CROPS = 4
"""Most crops a picture is cut into: what the app takes on a CPU, and advised for several."""

SWITCH = 4096
"""Tokens beyond which positions are encoded with other factors."""

LONG = 16384
"""Tokens of the long prompt."""

Count = Callable[[str], int]
"""Tokens of a text."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something asked.

    Attributes:
        text: What was typed.
        pictures: What came with it.
        after: Turns of the conversation that it follows; what came after them is given up, as
            when an answer is made again or a question edited. None follows all.
    """

    text: str
    pictures: tuple[Attachment, ...] = ()
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A conversation to run.

    Attributes:
        name: For tables.
        turns: What is asked, in order.
        answer: Tokens of each answer.
    """

    name: str
    turns: tuple[Turn, ...]
    answer: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what it took.

    Attributes:
        text: What was said.
        token_ids: Its ids.
        prompt_tokens: Tokens of the prompt.
        reused_tokens: Those of them that did not have to be computed.
        crops_encoded: Crops that went through the vision tower.
        first_token: Seconds from the question to the first token.
        decode: Seconds from the first token to the last.
    """

    text: str
    token_ids: tuple[int, ...]
    prompt_tokens: int
    reused_tokens: int
    crops_encoded: int
    first_token: float
    decode: float


Ask = Callable[[tuple[Message, ...], int], Reply]
"""Answers a conversation in a number of tokens."""


def converse(ask: Ask, given: Input) -> list[Reply]:
    """Hold a conversation; each turn is asked with all that was said before it."""
    said: list[Message] = []
    replies: list[Reply] = []
    for turn in given.turns:
        if turn.after is not None:
            del said[2 * turn.after :]
        said.append(Message(Role.USER, turn.text, turn.pictures))
        reply = ask(tuple(said), given.answer)
        said.append(Message(Role.ASSISTANT, reply.text, token_ids=reply.token_ids))
        replies.append(reply)
    return replies


def timed(name: str, count: Count) -> Input:
    """A conversation that is timed: one of `plan.INPUTS`.

    Args:
        name: Which.
        count: Tokens of a text, for texts of a given length.
    """
    match name:
        case "text":
            return Input(name, (Turn(text(64, count, 1)),), answer=64)
        case "picture":
            return Input(name, (Turn("What is shown?", (picture(1920, 1080, 1),)),), answer=32)
        case "chat":
            return Input(name, _chat(2), answer=24)
        case "switch":
            return Input(name, (Turn(text(4000, count, 2)),), answer=200)
        case "long":
            return Input(name, (Turn(text(LONG, count, 3)),), answer=32)
    raise ValueError(name)


CHECKED = ("text", "picture", "chat", "switch")
"""Names of the conversations that are checked."""


def checked(name: str, count: Count) -> Input:
    """One of `CHECKED`: short conversations that take every path an answer can take.

    The prompt in chunks, pictures and turns that are reused, an answer made again, a question
    edited, and both directions across `SWITCH`.

    Args:
        name: Which.
        count: Tokens of a text.
    """
    match name:
        case "text":
            return Input(name, (Turn(text(150, count, 1)),), answer=16)
        case "picture":
            return Input(name, (Turn("What is shown?", (picture(1280, 720, 4),)),), answer=6)
        case "chat":
            chat = _chat(3)
            again = Turn(chat[-1].text, after=len(chat) - 1)
            edited = Turn("And now something else: what is it?", chat[2].pictures, after=2)
            return Input(name, (*chat, again, edited), answer=4)
        case "switch":
            beyond = text(SWITCH - 4, count, 2)
            return Input(name, (Turn(beyond), Turn(beyond[: len(beyond) // 8], after=0)), answer=8)
    raise ValueError(name)


def opening(question: str) -> tuple[Message, ...]:
    """A conversation that has just begun."""
    return (Message(Role.USER, question),)


def picture(width: int, height: int, seed: int) -> Attachment:
    """A PNG picture of shapes; the same for the same seed."""
    rng = random.Random(seed)
    image = Image.new("RGB", (width, height), _colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = rng.randrange(width), rng.randrange(height)
        size = rng.randrange(20, max(width, height) // 4)
        shape = rng.choice([draw.rectangle, draw.ellipse])
        shape((x, y, x + size, y + size), fill=_colour(rng))
    file = io.BytesIO()
    image.save(file, "PNG")
    return Attachment.from_bytes(file.getvalue(), f"{seed}.png", "drawn")


_FRAME = 7
"""Tokens around a first question: `<s>`, roles, line breaks and the end of the turn."""

_WORDS = (
    *("the", "old", "harbour", "lies", "in", "fog", "and", "a", "red", "boat", "waits", "for"),
    *("its", "crew", "while", "gulls", "cry", "above"),
)


def _chat(seed: int) -> tuple[Turn, ...]:
    """Five turns, with pictures at the first three."""
    sizes = ((1920, 1080), (1280, 960), (1600, 640))
    pictures = [picture(*size, 10 * seed + n) for n, size in enumerate(sizes)]
    return (
        Turn("What is in this picture?", (pictures[0],)),
        Turn("And in this one? What differs?", (pictures[1],)),
        Turn("Here is a third. Which is the brightest?", (pictures[2],)),
        Turn("Which of the three has the most shapes, and why?"),
        Turn("Say it in one sentence, please."),
    )


def text(tokens: int, count: Count, seed: int) -> str:
    """Words with which a first prompt has at most `tokens` tokens, and hardly fewer.

    Texts of different seeds begin differently, so that no prompt finds the start of another in
    the KV cache.
    """
    room = tokens - _FRAME
    low, high = 1, room
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(_words(middle, seed)) <= room else (low, middle - 1)
    found = _words(low, seed)
    while count(found + ".") <= room:
        found += "."
    return found


def _words(number: int, seed: int) -> str:
    return " ".join(_WORDS[(seed + n) % len(_WORDS)] for n in range(number))


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)
