"""What a model takes of a device's memory, worked out before anything is loaded. No torch.

Bytes are counted, and shown, in decimal gigabytes.
"""

from dataclasses import dataclass

from phi3v_tui.errors import ModelError
from phi3v_tui.shapes import Quantization, Shapes

FIRST_SLOT = 8192
"""Tokens of the KV slot that are allocated at first where no context was asked for; it doubles."""

SHORTEST_CONTEXT = 2048
"""Tokens below which there is no room for a picture and talk about it."""

COMFORTABLE_CONTEXT = 4096
"""Tokens for which rather the weights are made smaller."""

PICTURES = 256 * 1024**2
"""Bytes that picture features kept for later turns may take: some twenty pictures."""

WORKING_MEMORY = 512 * 1024**2 + PICTURES
"""Bytes beside weights and KV slot: activations of a chunk of the prompt, pictures.

A small model needs less, and never as much as its own weights in 16 bits.
"""

AUTO = "auto"
"""Stands for the finest weights that fit."""

_CONTEXT_STEP = 256
_FULL = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")

_LARGE = 2 * 10**9
"""Bytes of weights, in 16 bits, from which on a CPU without bfloat16 is better off with int8."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a device offers.

    Attributes:
        place: Its name for people, such as "cuda:0".
        free: Bytes that can be taken now.
        itemsize: Bytes of a number in the precision that it computes in.
    """

    place: str
    free: int
    itemsize: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is going to lie in memory.

    Attributes:
        quantization: Of the decoder's linear layers.
        context: Tokens of prompt and answer together.
        first_slot: Tokens of the KV slot that are allocated at once.
        weights: Bytes of all weights.
        kv: Bytes of the KV slot when it holds `context` tokens.
        room: Where that is.
    """

    quantization: Quantization
    context: int
    first_slot: int
    weights: int
    kv: int
    room: Room

    def __str__(self) -> str:
        """The plan in words."""
        weights = f"{weights_in_words(self.quantization, self.room.itemsize)} {_gb(self.weights)}"
        context = f"{self.context:,} tokens of context {_gb(self.kv)}"
        return f"{weights}, {context}, on {self.room.place} with {_gb(self.room.free)} free"


class DoesNotFit(ModelError):
    """A model, or the context asked for, is larger than the memory; says what would fit."""


class OutOfMemory(ModelError):
    """Memory ran out all the same: others took some of it, or there was more to hold at once."""

    def __init__(
        self, what: str, shapes: Shapes, room: Room, plan: Plan, at_once: str = ""
    ) -> None:
        """Say what would fit.

        Args:
            what: What did not succeed, as the beginning of a sentence.
            at_once: What helps without loading the model in another way, as a sentence.
            shapes: The model's sizes.
            room: What the device offers now, what the model takes itself included.
            plan: How the model lies in memory.
        """
        offer = what_fits(shapes, room, plan.quantization, below=plan.context)
        title = f"{what}: the memory of {room.place} is full."
        super().__init__(title, f"{at_once} {offer}".strip())


def is_full(error: BaseException) -> bool:
    """Whether something failed for want of memory."""
    # torch says so in the text only, on a CPU always, and on a GPU where a library asked for it.
    return isinstance(error, MemoryError) or any(words in str(error) for words in _FULL)


def plan(
    shapes: Shapes,
    room: Room,
    quantization: Quantization | None = None,
    context: int | None = None,
    finest: Quantization = Quantization.NONE,
) -> Plan:
    """Choose how a model is loaded.

    A context that is asked for gets its KV slot at once. Else the slot grows with the
    conversation, up to what memory allows while the old slot is copied into the new one.

    Args:
        shapes: The model's sizes.
        room: Where it is to go.
        quantization: As asked for; None takes the finest that leaves room for the context.
        context: Tokens asked for; None takes what fits. More than the model was made for counts
            as that much, since one setting serves small models too.
        finest: Where to begin if `quantization` is None.

    Raises:
        DoesNotFit: Says what would.
    """
    choices = _from(finest) if quantization is None else (quantization,)
    if context is not None:
        asked = min(context, shapes.longest)
        for choice in choices:
            if longest_context(shapes, room, choice) >= asked:
                return _planned(shapes, room, choice, asked, asked)
        raise _does_not_fit(shapes, room, choices, asked)
    for enough in (COMFORTABLE_CONTEXT, SHORTEST_CONTEXT):
        for choice in choices:
            growing = _longest_growing(_tokens_beside(shapes, room, choice))
            longest = _rounded(growing, shapes)
            if longest >= min(enough, shapes.longest):
                return _planned(shapes, room, choice, longest, min(longest, FIRST_SLOT))
    raise _does_not_fit(shapes, room, choices, min(SHORTEST_CONTEXT, shapes.longest))


def plan_as_asked(shapes: Shapes, room: Room, quantize: str, context: int | None) -> Plan:
    """Choose how a model is loaded, by what `--quantize` and `--context` take.

    Args:
        shapes: The model's sizes.
        room: Where it is to go.
        quantize: A `Quantization`, or `AUTO`.
        context: Tokens asked for; None takes what fits.

    Raises:
        DoesNotFit: Says what would.
    """
    if quantize != AUTO:
        return plan(shapes, room, Quantization(quantize), context)
    # Only a CPU ever computes in more than 16 bits. There a large model is several times faster in
    # int8, and takes a third of the memory; a small one is fast enough as it is, and the figures
    # of the bundled one are those of its full precision.
    is_slow = room.itemsize > 2 and shapes.weights(Quantization.NONE, itemsize=2) > _LARGE
    finest = Quantization.INT8 if is_slow else Quantization.NONE
    return plan(shapes, room, context=context, finest=finest)


def longest_context(shapes: Shapes, room: Room, quantization: Quantization) -> int:
    """Most tokens that fit beside the weights: 0 where not even these do."""
    return _rounded(_tokens_beside(shapes, room, quantization), shapes)


def needed(shapes: Shapes, itemsize: int, quantization: Quantization, context: int) -> int:
    """Bytes that a model takes in all.

    Args:
        shapes: Its sizes.
        itemsize: Bytes of a number that is not quantised.
        quantization: Of the decoder's linear layers.
        context: Tokens in the KV slot.
    """
    working = min(WORKING_MEMORY, shapes.weights(Quantization.NONE, itemsize=2))
    kv = context * shapes.kv_per_token * itemsize
    return shapes.weights(quantization, itemsize) + kv + working


def what_fits(
    shapes: Shapes,
    room: Room,
    held: Quantization = Quantization.NONE,
    below: int | None = None,
) -> str:
    """What could be asked for instead, as a sentence.

    Args:
        shapes: The model's sizes.
        room: Where it is to go.
        held: How the weights are held, or were asked for; finer ones need not be offered.
        below: Tokens that were too many with weights held like that; None if none were.
    """
    shortest = min(SHORTEST_CONTEXT, shapes.longest)
    longest = {choice: longest_context(shapes, room, choice) for choice in _from(held)}
    if below is not None:
        longest[held] = min(longest[held], below // 2)
    offers = [f"--quantize {c} --context {n}" for c, n in longest.items() if n >= shortest]
    if offers:
        return f"What fits: {' or '.join(offers)}."
    return "Close other programs that use this memory, or choose another --device or --model."


def weights_in_words(quantization: Quantization, itemsize: int) -> str:
    """How weights are held, for people."""
    if quantization is Quantization.NONE:
        return f"{8 * itemsize}-bit weights"
    return f"{quantization} weights"


def _from(finest: Quantization) -> tuple[Quantization, ...]:
    """That one and the coarser ones."""
    choices = tuple(Quantization)
    return choices[choices.index(finest) :]


def _tokens_beside(shapes: Shapes, room: Room, quantization: Quantization) -> int:
    left = room.free - needed(shapes, room.itemsize, quantization, context=0)
    return max(0, left) // (shapes.kv_per_token * room.itemsize)


def _rounded(tokens: int, shapes: Shapes) -> int:
    return min(shapes.longest, tokens // _CONTEXT_STEP * _CONTEXT_STEP)


def _longest_growing(tokens: int) -> int:
    """The longest slot that grows by doubling within memory for `tokens`, copies included."""
    longest, held = min(tokens, FIRST_SLOT), FIRST_SLOT
    while tokens - held > held:
        longest = min(2 * held, tokens - held)
        held *= 2
    return longest


def _planned(
    shapes: Shapes, room: Room, quantization: Quantization, context: int, first_slot: int
) -> Plan:
    weights = shapes.weights(quantization, room.itemsize)
    kv = context * shapes.kv_per_token * room.itemsize
    return Plan(quantization, context, first_slot, weights, kv, room)


def _does_not_fit(
    shapes: Shapes, room: Room, choices: tuple[Quantization, ...], context: int
) -> DoesNotFit:
    smallest = choices[-1]
    total = needed(shapes, room.itemsize, smallest, context)
    return DoesNotFit(
        f"The model does not fit: {weights_in_words(smallest, room.itemsize)} with {context:,}"
        f" tokens of context take {_gb(total)}, and {room.place} has {_gb(room.free)} free.",
        what_fits(shapes, room, choices[0]),
    )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
