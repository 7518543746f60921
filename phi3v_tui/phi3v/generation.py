"""Prefill, decode, and the rules of when the KV slot can be kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.kv_cache import FIRST_CAPACITY, KVCache, PictureCache
from phi3v_tui.phi3v.prompt import Picture, Prompt
from phi3v_tui.phi3v.sampling import Sampler


class Ending(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
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


@dataclass(slots=True)
class DecodeState:
    """Buffers of the step that makes one token; their addresses never change.

    Attributes:
        token: The newest token, int64 [1]: read by a step, and replaced by its result.
        position: Where that token goes in the slot, int64 [1].
    """

    token: Tensor
    position: Tensor

    @classmethod
    def on(cls, device: torch.device) -> "DecodeState":
        """Buffers on a device."""
        zero = torch.zeros(1, dtype=torch.int64, device=device)
        return cls(zero, zero.clone())


def decode_one_token(
    decoder: Decoder, cache: KVCache, state: DecodeState, sampler: Sampler, bucket: int
) -> None:
    """Put `state.token` into the slot and choose the next: no allocation outlives it, no wait.

    Args:
        decoder: The model.
        cache: The slot; everything before `state.position` is in it.
        state: Read and advanced.
        sampler: How the token is chosen.
        bucket: Positions of the slot to attend over; above `state.position`.
    """
    hidden = decoder.forward(decoder.embed(state.token), state.position, cache, bucket)
    state.token.copy_(sampler.sample(decoder.logits(hidden)))
    state.position.add_(1)


@dataclass
class Generator:
    """Answers prompts, one at a time, keeping what the next one can use.

    Attributes:
        decoder: The model.
        pictures: Vision tower and projection.
        stop_ids: Ids that end an answer.
        context_length: Tokens of prompt and answer together.
        chunk: Prompt tokens a forward pass takes.
        bucket: Attention lengths are rounded up to a multiple of it.
        first_slot: Tokens of the KV slot that are allocated at once.
        features: Picture features that earlier prompts needed.
    """

    decoder: Decoder
    pictures: PictureEncoder
    stop_ids: frozenset[int]
    context_length: int
    chunk: int = 512
    bucket: int = 64
    first_slot: int = FIRST_CAPACITY
    features: PictureCache = field(default_factory=PictureCache)

    def __post_init__(self) -> None:
        self.cache = self.decoder.new_cache(min(self.first_slot, self.context_length))
        self._state = DecodeState.on(self.decoder.device)

    @torch.inference_mode()
    def generate(self, generation: Generation) -> Iterator[int]:
        """Yield the ids of an answer, without the stop token; `generation` says how it ended.

        However it ends, the slot holds exactly what its `tokens` say.
        """
        try:
            yield from self._generate(generation)
        except Cancelled:
            generation.ending = Ending.CANCELLED

    def _generate(self, generation: Generation) -> Iterator[int]:
        ids = list(generation.prompt.ids)
        keys = generation.prompt.keys(generation.num_crops)
        generation.reused, switched = self._fit(ids, keys)
        self._prefill(generation, ids, keys, switched)
        for count in range(1, generation.max_new_tokens + 1):
            token = int(self._state.token)
            if token in self.stop_ids:
                generation.ending = Ending.STOP
                return
            yield token
            if count == generation.max_new_tokens or len(ids) + 1 >= self.context_length:
                generation.ending = Ending.LENGTH
                return
            generation.proceed()
            ids.append(token)
            keys.append(token)
            self._step(generation, ids, keys)

    def _step(self, generation: Generation, ids: Sequence[int], keys: Sequence[int]) -> None:
        """Put the newest token into the slot and choose the next."""
        if self.decoder.regime(len(ids)) != self.cache.regime:
            _, switched = self._fit(ids, keys)
            self._prefill(generation, ids, keys, switched)
            return
        self._make_room(len(ids))
        bucket = min(self._rounded(len(ids)), self.cache.capacity)
        decode_one_token(self.decoder, self.cache, self._state, generation.sampler, bucket)
        self.cache.tokens.append(keys[-1])

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
        self._state.token.copy_(generation.sampler.sample(self.decoder.logits(hidden[-1:])))
        self._state.position.fill_(len(ids))

    def _forward_chunk(
        self, generation: Generation, ids: Sequence[int], start: int, end: int
    ) -> Tensor:
        """Hidden states [end - start, hidden size] of one chunk of the prompt."""
        embeddings = self._embed(generation, ids, start, end)
        positions = torch.arange(start, end, device=self.decoder.device)
        return self.decoder.forward(embeddings, positions, self.cache, end)

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

    def _rounded(self, length: int) -> int:
        return -(-length // self.bucket) * self.bucket
