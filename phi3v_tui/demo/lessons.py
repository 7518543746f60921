"""What each step of a stage trains on; drawn ahead by worker processes where there are any."""

import random
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from phi3v_tui.demo.curriculum import ITEMS_PER_STEP, MAKERS, Stage, perception_pictures
from phi3v_tui.demo.packing import Batch, pack, picture_tensors


@dataclass
class Pictures:
    """Labelled pictures for the dense losses.

    Attributes:
        pixels: uint8 [P, CROP, CROP, 3].
        characters: int64 [P, GRID, GRID, slots].
        planes: int64 [P, planes, GRID, GRID].
        shapes: How many of them, the first ones, show shapes; the others show text.
    """

    pixels: Tensor
    characters: Tensor
    planes: Tensor
    shapes: int


@dataclass
class Lesson:
    """One step: conversations of a kind, or pictures where the kind is empty."""

    kind: str
    batch: Batch | Pictures


class Lessons(Dataset):
    """The lessons of a stage by step; each is the same whenever it is drawn again.

    Args:
        stage: What they are for.
        tokenizer: Serialised, for it travels to other processes.
        seed: Of the run and of this process.
        size: Multiplies the number of items in each.
    """

    def __init__(self, stage: Stage, tokenizer: str, seed: str, size: int) -> None:
        self.stage, self.seed, self.size = stage, seed, size
        self._serialised = tokenizer

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Made where it is used."""
        return Tokenizer.from_str(self._serialised)

    def __len__(self) -> int:
        return self.stage.steps

    def __getitem__(self, step: int) -> Lesson:
        rng = random.Random(f"{self.seed} {self.stage.name} {step}")
        mix = self.stage.mix
        if not mix:
            pictures, shapes = perception_pictures(rng, self.stage, step, self.size)
            return Lesson("", Pictures(*picture_tensors(pictures), shapes))
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
            multiprocessing_context="spawn" if workers else None,
        )
