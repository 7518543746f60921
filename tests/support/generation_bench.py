"""A tiny model that generates, and the truth to compare with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.phi3v import Phi3VImageProcessor
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.generation import Generation, Generator
from phi3v_tui.phi3v.pictures import VisionEncoder
from phi3v_tui.phi3v.prompt import Picture, Prompt, PromptTokenizer, render
from phi3v_tui.phi3v.sampling import Sampler
from tests.support.goldens import IMAGES

SWITCH = 4096
WIDE, TALL = "rgb_640x480.png", "rgb_31x47.png"
NUM_CROPS = 1


@dataclass
class Bench:
    """One tiny model with a fresh generator, and the truth to compare with."""

    model: object
    folder: Path
    tokenizer: PromptTokenizer
    generator: Generator

    @classmethod
    def of(cls, model: object, folder: Path, **options: object) -> "Bench":
        """A fresh generator, without stop tokens unless they are given."""
        pictures = VisionEncoder(model, Phi3VImageProcessor.from_pretrained(folder))
        options = {"context_length": 8192, "chunk": 256, "stop_ids": frozenset()} | options
        generator = Generator(Decoder(model), pictures, **options)
        return cls(model, folder, PromptTokenizer.from_folder(folder), generator)

    def prompt(self, *messages: Message, num_crops: int = NUM_CROPS) -> Prompt:
        def count(attachment: Attachment) -> int:
            return self.generator.pictures.count_tokens(attachment, num_crops)

        return render(messages, self.tokenizer, count)

    def begin(self, prompt: Prompt, most: int = 8, num_crops: int = NUM_CROPS) -> Generation:
        return Generation(prompt, Sampler(), most, num_crops)

    def run(self, generation: Generation) -> list[int]:
        return list(self.generator.generate(generation))

    def run_and_check(
        self, prompt: Prompt, most: int = 8, num_crops: int = NUM_CROPS
    ) -> Generation:
        generation = self.begin(prompt, most, num_crops)
        ids = self.run(generation)
        assert ids == self.fresh(prompt, ids, num_crops)
        assert len(ids) == most
        return generation

    def fresh(self, prompt: Prompt, made: list[int], num_crops: int = NUM_CROPS) -> list[int]:
        """Greedy tokens of forward passes without a cache, each over all that came before.

        One pass serves all steps of a regime: what comes later does not change what came before.
        """
        ids = [*prompt.ids, *made]
        features = [
            self.generator.pictures.encode(picture.attachment, num_crops, lambda _: None)
            for picture in prompt.pictures
        ]
        tokens = []
        for count in range(len(prompt.ids), len(ids)):
            last = count + 1 == len(ids)
            if last or count == SWITCH:
                new = count + 1 - len(prompt.ids) - len(tokens)
                tokens += self._forward(ids[:count], features, new)
        return tokens

    def _forward(self, ids: list[int], features: list[torch.Tensor], new: int) -> list[int]:
        """The tokens that follow the last `new` positions."""
        with torch.no_grad():
            embeddings = self.model.model.embed(torch.tensor([ids]), features)
            outputs = self.model(inputs_embeds=embeddings, use_cache=False, logits_to_keep=new)
        return outputs.logits[0].argmax(dim=-1).tolist()


def user(text: str, *names: str) -> Message:
    return Message(Role.USER, text, tuple(Attachment.from_path(IMAGES / name) for name in names))


def answer(bench: Bench, ids: list[int]) -> Message:
    return Message(Role.ASSISTANT, bench.tokenizer.decode(ids), (), tuple(ids))


def random_prompt(length: int, seed: int = 5) -> Prompt:
    ids = np.random.RandomState(seed).randint(3, 32000, size=length)
    return Prompt(tuple(int(i) for i in ids))


def picture_prompt(bench: Bench, length: int) -> Prompt:
    """A picture, then text up to `length` tokens."""
    attachment = Attachment.from_path(IMAGES / WIDE)
    size = bench.generator.pictures.count_tokens(attachment, NUM_CROPS)
    head, tail = [1, 32010, 29871, 13], random_prompt(length - size - 4).ids
    return Prompt((*head, *[-1] * size, *tail), (Picture(attachment, 4, size),))
