"""What each step of a stage trains on; drawn ahead by worker processes where there are any."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from phi3v_tui.demo.curriculum import ITEMS_PER_STEP, MAKERS, Stage, perception_pictures
from phi3v_tui.demo.drawing import cut_into
from phi3v_tui.demo.packing import Batch, pack
from phi3v_tui.demo.views import Pictures, map_tensors, picture_tensors


@dataclass
class Lesson:
    """One step.

    Attributes:
        kind: Of its conversations; empty for pictures alone.
        batch: Conversations, or pictures for the dense losses.
        shapes: How many of those pictures, the first ones, show shapes; the others show text.
    """

    kind: str
    batch: Batch | Pictures
    shapes: int = 0

    def pin_memory(self) -> "Lesson":
        """The same in memory that a GPU can read by itself; called by the loader."""
        return map_tensors(self, Tensor.pin_memory)


class Lessons(Dataset):
    """The lessons of stages; each is the same whenever it is drawn again.

    Args:
        stages: What they are for; a lesson is found by the number of its stage and its step.
        tokenizer: Serialised, for it travels to other processes.
        seed: Of the run and of this process.
        size: Multiplies the number of items in each.
        num_crops: Into how many crops pictures are cut at most.
    """

    def __init__(
        self, stages: Sequence[Stage], tokenizer: str, seed: str, size: int, num_crops: int
    ) -> None:
        self.stages, self.seed, self.size, self.num_crops = stages, seed, size, num_crops
        self._serialised = tokenizer

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Made where it is used."""
        return Tokenizer.from_str(self._serialised)

    def __getitem__(self, number_and_step: tuple[int, int]) -> Lesson:
        number, step = number_and_step
        with cut_into(self.num_crops):
            return self._draw(self.stages[number], step)

    def _draw(self, stage: Stage, step: int) -> Lesson:
        rng = random.Random(f"{self.seed} {stage.name} {step}")
        if not stage.mix:
            pictures, shapes = perception_pictures(rng, stage, step, self.size)
            return Lesson("", picture_tensors(pictures), shapes)
        kind = rng.choices(list(stage.mix), list(stage.mix.values()))[0]
        items = [MAKERS[kind](rng, False) for _ in range(ITEMS_PER_STEP[kind] * self.size)]
        return Lesson(kind, pack(items, self.tokenizer))

    def loader(self, first: int, workers: int) -> DataLoader:
        """Goes through all lessons, from one step of the first stage on.

        One loader serves all stages: its processes take seconds to start.
        """
        wanted = [
            (number, step)
            for number, stage in enumerate(self.stages)
            for step in range(0 if number else first, stage.steps)
        ]
        return DataLoader(
            self,
            batch_size=None,
            sampler=wanted,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            multiprocessing_context="spawn" if workers else None,
        )
