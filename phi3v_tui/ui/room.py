"""Whether a prompt fits into the context, and what would have to be left out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.turns import Turn, left_out
from phi3v_tui.engine.base import Engine, Limits, Request
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.pictures import cost

_AROUND_MESSAGE = 8
"""More than the control tokens around a message and behind its pictures."""

_ANSWER_SHARE = 8
"""Room for an answer: its longest allowed, but no more than this part of the context."""

_ROOM_SHARE = 4
"""What is made free at least, so that the next turns fit too: this part of the context."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A prompt that does not fit.

    Attributes:
        tokens: What it takes now.
        context_length: What fits, the answer included.
        left_out: How many turns at the beginning of the path would have to go for it to fit.
    """

    tokens: int
    context_length: int
    left_out: int


def at_most(messages: Sequence[Message], limits: Limits) -> int:
    """A number of tokens that messages do not exceed: a token stands for a byte or more.

    Raises:
        AttachmentError: A picture is too long and thin for the model.
    """
    return sum(
        len(message.text.encode("utf-8", "replace"))
        + _AROUND_MESSAGE
        + sum(cost(picture, limits) + _AROUND_MESSAGE for picture in message.attachments)
        for message in messages
    )


def fits_surely(request: Request, limits: Limits | None) -> bool:
    """Whether a request fits, as far as can be told without counting; True while unknown."""
    if limits is None:
        return True
    try:
        tokens = at_most(request.messages, limits)
    except AttachmentError:
        return True  # the engine says what is wrong with it
    return tokens + _answer_room(request, limits) <= limits.context_length


async def shortage(
    engine: Engine, path: Sequence[Turn], request: Callable[[int], Request]
) -> Shortage | None:
    """Count the tokens of a request, in threads.

    Args:
        engine: Counts.
        path: The turns that lead to the prompt, that one included.
        request: Makes the request that leaves out so many turns.

    Returns:
        None where it fits, where nothing can be left out that would help, and where the engine
        itself will say what is wrong.
    """
    limits = engine.limits()
    now = left_out(path)

    async def count(left_out: int) -> int:
        return await asyncio.to_thread(engine.count, request(left_out)) or 0

    try:
        tokens = await count(now)
        if limits is None or tokens + _answer_room(request(now), limits) <= limits.context_length:
            return None
        starts = _starts(path)
        most = limits.context_length * (1 - 1 / _ROOM_SHARE)
        fewer = await _fewest(starts, count, most)
        if fewer == starts[-1] and await count(fewer) >= limits.context_length:
            return None
    except AttachmentError:
        return None
    return Shortage(tokens, limits.context_length, fewer) if fewer > now else None


async def _fewest(
    starts: Sequence[int], count: Callable[[int], Awaitable[int]], most: float
) -> int:
    """The earliest start from which the rest is small enough; the last one if none is."""
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high) // 2
        if await count(starts[middle]) <= most:
            high = middle
        else:
            low = middle + 1
    return starts[low]


def _starts(path: Sequence[Turn]) -> list[int]:
    """Places of the prompts on the path, where a shorter one can begin."""
    return [place for place, turn in enumerate(path) if turn.message.role is Role.USER]


def _answer_room(request: Request, limits: Limits) -> int:
    return min(request.sampling.max_new_tokens, limits.context_length // _ANSWER_SHARE)
