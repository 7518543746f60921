"""From raw results to figures: medians with their spread, speeds, and the roofline."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Reply = dict[str, Any]
"""Fields of an `inputs.Reply`."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure measured several times.

    Attributes:
        median: The one in the middle.
        low: The smallest.
        high: The largest.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """Of some values; None of none."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1]) if found else None

    @property
    def percent(self) -> float:
        """Half the way from the lowest to the highest, in percent of the median."""
        return 50 * (self.high - self.low) / self.median if self.median else 0.0

    def scaled(self, factor: float) -> "Spread":
        """The same in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


@dataclass(slots=True)
class Run:
    """What one process of one system measured.

    Attributes:
        system: Its name.
        repeat: Which, from 1.
        ready: Seconds from the start of the process until the model answers.
        conversations: Replies by name of the input.
        cancel: Seconds from a cancel to the end, while "reading" and while "answering".
        memory: Most bytes held.
        bandwidth: Bytes a second that the memory gave to this process.
        process: Its id.
        failures: Why something is missing, by name of the input; "" stands for all the rest.
    """

    system: str
    repeat: int
    ready: float | None = None
    conversations: dict[str, list[Reply]] = field(default_factory=dict)
    cancel: dict[str, float] = field(default_factory=dict)
    memory: int | None = None
    bandwidth: float | None = None
    process: int | None = None
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roofline:
    """How fast tokens can come at most, if each reads all weights and all of its context.

    Attributes:
        bandwidth: Bytes a second.
        weight_bytes: Read for each token.
        kv_bytes: Read for each token of context.
    """

    bandwidth: float
    weight_bytes: float
    kv_bytes: float

    def tokens_per_second(self, context: float) -> float:
        """The bound for an answer with so many tokens before it."""
        return self.bandwidth / (self.weight_bytes + self.kv_bytes * context)

    def share(self, reply: Reply) -> float:
        """Percent of the bound that an answer reached."""
        context = reply["prompt_tokens"] + len(reply["token_ids"]) / 2
        return 100 * decode_speed(reply) / self.tokens_per_second(context)


def decode_speed(reply: Reply) -> float:
    """Tokens a second, from the second on."""
    return (len(reply["token_ids"]) - 1) / reply["decode"]


def prefill_speed(reply: Reply) -> float:
    """Tokens of the prompt a second, pictures and all, up to the first token of the answer."""
    return prefilled(reply) / reply["first_token"]


def prefilled(reply: Reply) -> int:
    """Tokens of the prompt that had to be computed."""
    return int(reply["prompt_tokens"] - reply["reused_tokens"])


def new_tokens(replies: list[Reply]) -> int:
    """Tokens by which the last prompt is longer than what was read and said before it."""
    before, last = replies[-2], replies[-1]
    return int(last["prompt_tokens"] - before["prompt_tokens"] - len(before["token_ids"]))


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table.

    Attributes:
        name: In JSON.
        title: For people, with the unit.
        input: The conversation it comes from; empty where it comes from none.
        value: Of a run of a system; None where it has none.
        more_is_better: For comparing systems; None where they are not compared.
    """

    name: str
    title: str
    input: str
    value: Callable[[Run, Roofline | None], float | None]
    more_is_better: bool | None


def _turn(
    name: str, title: str, where: tuple[str, int], value: Callable[[Reply], float], better: bool
) -> Measure:
    """A measure of one turn of a conversation."""
    given, turn = where

    def find(run: Run, roofline: Roofline | None) -> float | None:
        replies = run.conversations.get(given)
        return value(replies[turn]) if replies else None

    return Measure(f"{given}.{name}", title, given, find, better)


def _roofline(given: str) -> Measure:
    def find(run: Run, roofline: Roofline | None) -> float | None:
        replies = run.conversations.get(given)
        return roofline.share(replies[-1]) if replies and roofline else None

    return Measure(f"{given}.roofline_percent", "  of the roofline, %", given, find, None)


def _first_token(reply: Reply) -> float:
    return float(reply["first_token"])


def _lines(given: str, title: str) -> list[Measure]:
    """Measures of a conversation of one turn."""
    return [
        _turn("first_token_s", f"{title}: first token, s", (given, -1), _first_token, False),
        _turn("prefill_tok_s", "  prompt, tokens/s", (given, -1), prefill_speed, True),
        _turn("decode_tok_s", "  answer, tokens/s", (given, -1), decode_speed, True),
        _roofline(given),
    ]


def _new(run: Run, roofline: Roofline | None) -> float | None:
    replies = run.conversations.get("chat")
    return new_tokens(replies) if replies else None


MEASURES = (
    Measure("ready_s", "ready, s", "", lambda run, _: run.ready, False),
    *_lines("text", "64 tokens"),
    *_lines("picture", "1080p picture"),
    _turn(
        "turn1.first_token_s", "turn 1 of a chat: first token, s", ("chat", 0), _first_token, False
    ),
    _turn(
        "turn5.first_token_s", "turn 5 of a chat: first token, s", ("chat", 4), _first_token, False
    ),
    Measure("chat.turn5.new_tokens", "  new tokens", "chat", _new, None),
    _turn("turn5.prefilled_tokens", "  tokens computed", ("chat", 4), prefilled, False),
    _turn(
        "turn5.reused_tokens", "  tokens reused", ("chat", 4), lambda r: r["reused_tokens"], True
    ),
    _turn("turn5.decode_tok_s", "  answer, tokens/s", ("chat", 4), decode_speed, True),
    _roofline("chat"),
    *_lines("switch", "4000 tokens"),
    *_lines("long", "16384 tokens"),
    Measure(
        "cancel.reading_s",
        "cancel while reading, s",
        "",
        lambda r, _: r.cancel.get("reading"),
        False,
    ),
    Measure(
        "cancel.answering_s",
        "cancel while answering, s",
        "",
        lambda r, _: r.cancel.get("answering"),
        False,
    ),
    Measure(
        "memory_mb", "peak memory, MB", "", lambda r, _: r.memory / 1e6 if r.memory else None, False
    ),
)
"""The lines of the table, in order."""


def spread(measure: Measure, runs: Iterable[Run], roofline: Roofline | None) -> Spread | None:
    """A measure over all repeats of a system."""
    values = (measure.value(run, roofline) for run in runs)
    return Spread.of(value for value in values if value is not None)
