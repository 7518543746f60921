"""What each step of a stage trains on; drawn ahead by worker processes where there are any."""

import random
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
    """The lessons of a stage by step; each is the same whenever it is drawn again.

    Args:
        stage: What they are for.
        tokenizer: Serialised, for it travels to other processes.
        seed: Of the run and of this process.
        size: Multiplies the number of items in each.
        num_crops: Into how many crops pictures are cut at most.
    """

    def __init__(self, stage: Stage, tokenizer: str, seed: str, size: int, num_crops: int) -> None:
        self.stage, self.seed, self.size, self.num_crops = stage, seed, size, num_crops
        self._serialised = tokenizer

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Made where it is used."""
        return Tokenizer.from_str(self._serialised)

    def __len__(self) -> int:
        return self.stage.steps

    def __getitem__(self, step: int) -> Lesson:
        with cut_into(self.num_crops):
            return self._draw(step)

    def _draw(self, step: int) -> Lesson:
        rng = random.Random(f"{self.seed} {self.stage.name} {step}")
        mix = self.stage.mix
        if not mix:
            pictures, shapes = perception_pictures(rng, self.stage, step, self.size)
            return Lesson("", picture_tensors(pictures), shapes)
        kind = rng.choices(list(mix), list(mix.values()))[0]
        items = [MAKERS[kind](rng, False) for _ in range(ITEMS_PER_STEP[kind] * self.size)]
        return Lesson(kind, pack(items, self.tokenizer))

    def loader(self, first: int, workers: int) -> DataLoader:
        """Goes through the lessons from one step to the end."""
        return DataLoader(
            self,
            batch_size=None,
            sampler=range(first, self.stage.steps),
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            multiprocessing_context="spawn" if workers else None,
        )
