"""Whether answers are right: each token against a fresh full forward pass in float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phi3v_tui.bench.inputs import NUM_CROPS, Input, Reply, converse
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout, crop_layout
from phi3v_tui.conversation.message import Message
from phi3v_tui.phi3v import Phi3VForCausalLM, Phi3VImageProcessor
from phi3v_tui.phi3v.prompt import Prompt, PromptTokenizer, render


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the tokens of an input compare with those of full forward passes.

    Attributes:
        tokens: How many were compared.
        equal: How many were the likeliest.
        shortfall: The largest distance of a token's logit from the largest logit, in standard
            deviations of the logits.
        where: Turn and token of that one, from 1.
    """

    tokens: int
    equal: int
    shortfall: float
    where: tuple[int, int]


class Reference:
    """transformers' forward pass over the whole sequence, without any cache.

    Args:
        model: Loaded in float32.
        tokenizer: The checkpoint's.
        images: The checkpoint's.
    """

    def __init__(
        self, model: Phi3VForCausalLM, tokenizer: PromptTokenizer, images: Phi3VImageProcessor
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._images = images
        self._features: dict[str, Tensor] = {}
        self._known: dict[tuple[Prompt, tuple[int, ...]], Tensor] = {}

    def check(self, given: Input, replies: Sequence[Reply]) -> Verdict:
        """Hold the same conversation again, and compare each answer."""
        found: list[Tensor] = []
        waiting = list(replies)

        def replay(messages: tuple[Message, ...], tokens: int) -> Reply:
            reply = waiting.pop(0)
            found.append(self._shortfalls(messages, reply.token_ids))
            return reply

        converse(replay, given)
        return _verdict(found)

    @torch.inference_mode()
    def _shortfalls(self, messages: tuple[Message, ...], answer: tuple[int, ...]) -> Tensor:
        """How far each token of an answer is from the likeliest: [tokens]."""
        prompt = render(messages, self._tokenizer, self._count)
        if (prompt, answer) not in self._known:
            self._known[prompt, answer] = shortfalls(self._logits(prompt, answer), answer)
        return self._known[prompt, answer]

    def _count(self, picture: Attachment) -> int:
        return self._layout(picture).num_tokens

    def _layout(self, picture: Attachment) -> CropLayout:
        return crop_layout(picture.width, picture.height, NUM_CROPS, self._images.crop_size)

    def _logits(self, prompt: Prompt, answer: tuple[int, ...]) -> Tensor:
        """Logits [answer, vocabulary] from which each token of an answer had to be chosen.

        One pass serves all tokens that were chosen with the same rope factors.
        """
        ids = (*prompt.ids, *answer[:-1])
        first, context = len(prompt.ids), self._model.config.original_max_position_embeddings
        short = min(len(ids), context)
        rows = []
        if first <= short:
            rows.append(self._forward(prompt, ids[:short], short - first + 1))
        if len(ids) > context:
            rows.append(self._forward(prompt, ids, len(ids) - max(first - 1, context)))
        return torch.cat(rows)

    def _forward(self, prompt: Prompt, ids: tuple[int, ...], last: int) -> Tensor:
        """Logits [last, vocabulary] of the last positions."""
        features = [self._encode(picture.attachment) for picture in prompt.pictures]
        embeddings = self._model.model.embed(torch.tensor([ids]), features)
        output = self._model(inputs_embeds=embeddings, use_cache=False, logits_to_keep=last)
        return output.logits[0]

    def _encode(self, picture: Attachment) -> Tensor:
        if picture.digest not in self._features:
            crops = self._images.crops(picture.image(), self._layout(picture))
            self._features[picture.digest] = self._model.encode_image(crops, self._layout(picture))
        return self._features[picture.digest]


def shortfalls(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    """How far tokens fall short of the likeliest, in standard deviations of the logits.

    Args:
        logits: [tokens, vocabulary].
        tokens: Those that were chosen.

    Returns:
        [tokens]; 0 for the likeliest.
    """
    chosen = logits.gather(1, torch.tensor(tokens)[:, None])[:, 0]
    return (logits.amax(dim=1) - chosen) / logits.std(dim=1)


def _verdict(found: list[Tensor]) -> Verdict:
    worst = [float(turn.max()) for turn in found]
    turn = worst.index(max(worst))
    return Verdict(
        tokens=sum(len(turn) for turn in found),
        equal=sum(int((turn == 0).sum()) for turn in found),
        shortfall=worst[turn],
        where=(turn + 1, int(found[turn].argmax()) + 1),
    )
