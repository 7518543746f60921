"""Prefill, decode, and the rules of when the KV slot can be kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.phi3v.cuda_graphs import Capture
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.kv_cache import FIRST_CAPACITY, PictureCache
from phi3v_tui.phi3v.prompt import Picture, Prompt
from phi3v_tui.phi3v.sampling import Choice, Sampler, choose
from phi3v_tui.phi3v.stepper import Stepper
from phi3v_tui.phi3v.steps import DecodeState, TokenReader


class Ending(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context"
    CANCELLED = "cancelled"


class PictureEncoder(Protocol):
    """Vision tower and projection."""

    def encode(
        self, attachment: Attachment, num_crops: int, before_pass: Callable[[int], None]
    ) -> Tensor:
        """Features [tokens, hidden size]; tells `before_pass`, which may raise, of its crops."""


@dataclass(slots=True)
class Generation:
    """One answer: what is asked, and what came of it.

    Attributes:
        prompt: What the model reads.
        sampler: How tokens are chosen.
        max_new_tokens: Longest answer.
        num_crops: Most crops a picture is cut into.
        cancelled: Asked before every step.
        on_prefill: Called with (tokens in the slot, tokens in all, tokens reused, whether the
            rope factors have changed) at the start of a prefill and after each of its chunks.
        reused: Tokens of the prompt that the slot held already.
        prefilled: Tokens that went through prefill, repeated ones counted again.
        crops_encoded: Crops that went through the vision tower.
        ending: Why it ended; None while it runs.
    """

    prompt: Prompt
    sampler: Sampler
    max_new_tokens: int
    num_crops: int
    cancelled: Callable[[], bool] = lambda: False
    on_prefill: Callable[[int, int, int, bool], None] = lambda *_: None
    reused: int = 0
    prefilled: int = 0
    crops_encoded: int = 0
    ending: Ending | None = None

    def proceed(self) -> None:
        """Raise `Cancelled` if somebody has asked to stop."""
        if self.cancelled():
            raise Cancelled

    def encode_crops(self, count: int) -> None:
        """Count crops that go through the vision tower next, unless somebody wants to stop."""
        self.proceed()
        self.crops_encoded += count


class Cancelled(Exception):
    """The answer is not wanted any more."""


@dataclass
class Generator:
    """Answers prompts, one at a time, keeping what the next one can use.

    Attributes:
        decoder: The model.
        pictures: Vision tower and projection.
        stop_ids: Ids that end an answer.
        context_length: Tokens of prompt and answer together.
        chunk: Prompt tokens a forward pass takes.
        bucket: Attention lengths of decode steps are rounded up, at least to a multiple of it; at
            1 they are exact.
        first_slot: Tokens of the KV slot that are allocated at once.
        features: Picture features that earlier prompts needed.
        capture: Captures decode steps, to be replayed; None runs each as it is written.
        lookahead: Launch each step before the token of the one before it is read. It keeps a
            device busy that works apart from the host, and costs a step when an answer ends.
    """

    decoder: Decoder
    pictures: PictureEncoder
    stop_ids: frozenset[int]
    context_length: int
    chunk: int = 512
    bucket: int = 64
    first_slot: int = FIRST_CAPACITY
    features: PictureCache = field(default_factory=PictureCache)
    capture: Capture | None = None
    lookahead: bool = False

    def __post_init__(self) -> None:
        self.cache = self.decoder.new_cache(min(self.first_slot, self.context_length))
        device = self.decoder.device
        may_wait = device.type == "cpu" and self.capture is None
        self._state = DecodeState.on(device, self.decoder.config.vocab_size, may_wait)
        self._reader = TokenReader(device)
        self._stepper = Stepper(self.decoder, self.cache, self._state, self.bucket, self.capture)
        self._last_choice = Choice.GREEDY

    @torch.inference_mode()
    def generate(self, generation: Generation) -> Iterator[int]:
        """Yield the ids of an answer, without the stop token; `generation` says how it ended.

        However it ends, the slot holds exactly what its `tokens` say.
        """
        try:
            yield from self._generate(generation)
        except Cancelled:
            generation.ending = Ending.CANCELLED

    @torch.inference_mode()
    def warm_up(self, wanted: Callable[[], bool], tokens: int = 3072) -> None:
        """Make ready for the next answer while there is nothing else to do.

        Args:
            wanted: Asked before each part, none of which takes a second; False ends it.
            tokens: How much longer than the slot's content prompt and answer may become.
        """
        first = self.cache.length + 1
        if self.capture is None or first > self.context_length:
            return
        self._make_room(first)
        for length in range(first, min(first + tokens, self.cache.capacity + 1), self.bucket):
            if not wanted():
                return
            self._stepper.prepare(length, self._last_choice)

    def _generate(self, generation: Generation) -> Iterator[int]:
        ids = list(generation.prompt.ids)
        keys = generation.prompt.keys(generation.num_crops)
        self._last_choice = generation.sampler.choice
        generation.sampler.begin(self._state.sampling)
        generation.reused, switched = self._fit(ids, keys)
        self._prefill(generation, ids, keys, switched)
        for left in reversed(range(generation.max_new_tokens)):
            self._reader.start(self._state.token)
            more = left > 0 and len(ids) + 1 < self.context_length
            ahead = self.lookahead and more and self._can_step(len(ids) + 1)
            if ahead:
                self._launch(generation, len(ids) + 1)
            token = self._reader.wait()
            if token in self.stop_ids:
                generation.ending = Ending.STOP
                return
            yield token
            if not more:
                generation.ending = Ending.CONTEXT if left > 0 else Ending.LENGTH
                return
            generation.proceed()
            ids.append(token)
            keys.append(token)
            self._step(generation, ids, keys, launched=ahead)

    def _step(
        self, generation: Generation, ids: Sequence[int], keys: Sequence[int], launched: bool
    ) -> None:
        """Put the newest token into the slot and choose the next."""
        if not self._can_step(len(ids)):
            _, switched = self._fit(ids, keys)
            self._prefill(generation, ids, keys, switched)
            return
        if not launched:
            self._launch(generation, len(ids))
        self.cache.tokens.append(keys[-1])

    def _can_step(self, length: int) -> bool:
        """Whether a sequence of `length` tokens still has the rope factors of the slot."""
        return self.decoder.regime(length) == self.cache.regime

    def _launch(self, generation: Generation, length: int) -> None:
        """Launch the step that makes `length` tokens out of one less.

        What it writes counts only once the token is in the slot's `tokens`: until then it lies
        behind the length of the slot.
        """
        self._make_room(length)
        generation.sampler.draw(self._state.sampling)
        self._stepper.run(length, generation.sampler.choice)

    def _fit(self, ids: Sequence[int], keys: Sequence[int]) -> tuple[int, bool]:
        """Drop from the slot what `ids` cannot use, and make room for them.

        Returns:
            Tokens that stay, and whether all had to go because the rope factors change.
        """
        regime = self.decoder.regime(len(ids))
        switched = self.cache.length > 0 and regime != self.cache.regime
        reused = self.cache.reuse(keys, regime)
        self._make_room(len(ids))
        return reused, switched

    def _prefill(
        self, generation: Generation, ids: Sequence[int], keys: Sequence[int], switched: bool
    ) -> None:
        """Put the rest of `ids` into the slot, and choose the token that follows."""
        reused = self.cache.length
        generation.on_prefill(reused, len(ids), reused, switched)
        for start in range(reused, len(ids), self.chunk):
            generation.proceed()
            end = min(start + self.chunk, len(ids))
            hidden = self._forward_chunk(generation, ids, start, end)
            self.cache.tokens += keys[start:end]
            generation.prefilled += end - start
            generation.on_prefill(end, len(ids), reused, switched)
        generation.sampler.draw(self._state.sampling)
        logits, choice = self.decoder.logits(hidden[-1:]), generation.sampler.choice
        self._state.token.copy_(choose(logits, self._state.sampling, choice))
        self._state.position.fill_(len(ids))

    def _forward_chunk(
        self, generation: Generation, ids: Sequence[int], start: int, end: int
    ) -> Tensor:
        """Hidden states [end - start, hidden size] of one chunk of the prompt."""
        embeddings = self._embed(generation, ids, start, end)
        positions = torch.arange(start, end, device=self.decoder.device)
        return self.decoder.forward(
            embeddings, positions, self.cache, self.decoder.causal(start, end)
        )

    def _embed(self, generation: Generation, ids: Sequence[int], start: int, end: int) -> Tensor:
        """Embeddings [end - start, hidden size], picture features laid in."""
        chunk = torch.tensor(ids[start:end], device=self.decoder.device)
        embeddings = self.decoder.embed(chunk.clamp(min=0))
        for picture in generation.prompt.pictures:
            first, last = max(start, picture.start), min(end, picture.end)
            if first < last:
                features = self._encode(generation, picture)
                rows = features[first - picture.start : last - picture.start]
                embeddings[first - start : last - start] = rows
        return embeddings

    def _encode(self, generation: Generation, picture: Picture) -> Tensor:
        """Features [tokens, hidden size] of a picture, from the cache where they are."""
        attachment, num_crops = picture.attachment, generation.num_crops
        features = self.features.get(attachment.digest, num_crops)
        if features is None:
            features = self.pictures.encode(attachment, num_crops, generation.encode_crops)
            self.features.put(attachment.digest, num_crops, features)
        return features

    def _make_room(self, length: int) -> None:
        self.cache.reserve(length, self.context_length)
        self.decoder.rope.prepare(self.cache.regime, self.cache.capacity)
