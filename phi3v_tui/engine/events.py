"""What an engine reports while it loads and generates."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.memory import Plan


class FinishReason(StrEnum):
    """Why generation ended: LENGTH at the longest answer allowed, CONTEXT where that was full."""

    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Loading is under way.

    Attributes:
        stage: What is being done, in words for people ("Reading weights").
        done: Bytes done so far.
        total: Bytes in all; None where unknown.
        speed: Bytes per second; None where it cannot be told yet.
        seconds_left: Until this stage ends; None where it cannot be told.
    """

    stage: str
    done: int = 0
    total: int | None = None
    speed: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The engine is ready.

    Attributes:
        model: Name for people, such as "Phi-3.5-vision-instruct" or "Demo model".
        device: Where it runs, such as "cuda:0" or "cpu".
        seconds: How long loading took.
        notice: A sentence that people should read once (the bundled model says that it is
            small); empty where there is nothing to say.
        source: What `--model` takes for it, whatever was asked for.
        folder: Where it is; None where that is not known.
        plan: How it lies in memory; None where that is not known.
    """

    model: str
    device: str
    seconds: float
    notice: str = ""
    source: str = ""
    folder: Path | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    """The prompt is being read.

    Attributes:
        done: Tokens of the prompt in the KV cache so far, reused ones included.
        total: Tokens of the prompt.
        reused: Tokens that were in the KV cache already.
        note: Words for an unusual step (the switch of rope factors at 4096 tokens), or empty.
    """

    done: int
    total: int
    reused: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one generation.

    Attributes:
        prompt_tokens: Tokens of the whole prompt, pictures included.
        reused_tokens: Those of them that the KV cache already held.
        completion_tokens: Tokens generated.
        crops_encoded: Picture crops (global views included) that went through the vision tower.
    """

    prompt_tokens: int
    reused_tokens: int
    completion_tokens: int
    crops_encoded: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations in seconds.

    Attributes:
        prefill: From the request to the first token.
        decode: From the first token to the last.
    """

    prefill: float
    decode: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete, or was stopped; what came before it stays.

    Attributes:
        reason: Why generation ended.
        usage: Token counts.
        timings: Durations.
        token_ids: Ids of the answer, without the stop token; to be kept in the Message. Where an
            answer went on, those from before too. Ids at the end that had not become a whole
            character are left out: going on makes them again.
    """

    reason: FinishReason
    usage: Usage
    timings: Timings
    token_ids: tuple[int, ...]
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Loading or generating failed; the engine is still there for the next request."""

    error: Phi3VTuiError


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The model's memory was given back, for want of requests; the next one loads it again.

    Attributes:
        minutes: How long nothing was asked.
    """

    minutes: float

    def __str__(self) -> str:
        """The same in words."""
        noun = "minute" if self.minutes == 1 else "minutes"
        return f"Unloaded after {self.minutes:g} idle {noun}; the next prompt loads it again."


LoadEvent = LoadProgress | Loaded | Unloaded | Failed
StreamEvent = PrefillProgress | TextDelta | Finished | Failed
