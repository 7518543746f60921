"""The Engine protocol: all that the interface knows of a model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from phi3v_tui.conversation.message import Message
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine.events import LoadEvent, StreamEvent


@dataclass(frozen=True, slots=True)
class Request:
    """One answer to generate.

    Attributes:
        messages: The path through the conversation, oldest first; the last is the user's, or
            the answer that is to go on.
        sampling: How tokens are chosen.
        num_crops: Most crops a picture is cut into; None takes the engine's default.
        continue_last: The last message is an answer that was stopped. It goes on where it ended:
            TextDelta brings the rest only, Finished the ids of the whole. With its `token_ids`
            and greedy sampling, or a seed, the answer becomes what it would have been without the
            stop.
    """

    messages: tuple[Message, ...]
    sampling: SamplingParams = field(default_factory=SamplingParams)
    num_crops: int | None = None
    continue_last: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What fits; known once the engine has loaded.

    Attributes:
        context_length: Tokens of prompt and answer together.
        crop_size: Side of a square crop in pixels (336 for the published models).
        num_crops: Most crops a picture is cut into by default.
    """

    context_length: int
    crop_size: int
    num_crops: int


class Engine(Protocol):
    """Generates answers in a thread of its own.

    `load` and `stream` return at once. Their events reach `emit` on the engine's thread, in
    order, one call at a time; `emit` must be quick and must not raise. Each `load` ends with
    `Loaded` or `Failed`, each `stream` with `Finished` or `Failed`. A `stream` that is asked for
    while loading or another stream is under way waits for it.
    """

    def load(self, emit: Callable[[LoadEvent], None]) -> None:
        """Start loading the model."""

    def limits(self) -> Limits | None:
        """What fits; None until loading has ended well."""

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        """Start generating an answer to `request`."""

    def count(self, request: Request) -> int | None:
        """Tokens of the prompt of `request`; None while nobody can tell.

        It may take as long as tokenising all of it: an interface calls it in a thread.

        Raises:
            AttachmentError: A picture is too long and thin for the model.
        """

    def cancel(self) -> None:
        """Stop the generation under way, and those waiting, within one token."""

    def close(self) -> None:
        """Stop, and give memory back; when it returns, both have happened, and no event comes.

        It waits for the step under way, or for a line that stalls: an interface calls it in a
        thread.
        """
