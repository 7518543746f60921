"""Drawn pictures as tensors: crops for the tower, and what each cell of a view shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.demo.drawing import Picture
from phi3v_tui.phi3v.image_processing import CLIP_MEAN, CLIP_STD

T = TypeVar("T")


@dataclass
class Pictures:
    """Pictures one after the other; P pictures, C crops, V views (see `views`).

    Attributes:
        crops: uint8 [C, CROP, CROP, 3], row by row.
        grids: Of the crops, P of them.
        characters: int64 [V, GRID, GRID, slots].
        planes: int64 [V, planes, GRID, GRID].
    """

    crops: Tensor
    grids: list[CropGrid]
    characters: Tensor
    planes: Tensor


def picture_tensors(pictures: Sequence[Picture]) -> Pictures:
    """Crops and labels of pictures."""
    if not pictures:
        return Pictures(torch.zeros(0), [], torch.zeros(0), torch.zeros(0))
    crops, characters, planes = [], [], []
    for picture in pictures:
        grid = picture.grid
        if count_views(grid) > 1:
            characters.append(picture.overview.characters()[None])
            planes.append(picture.overview.planes[None])
        crops.append(_cut(picture.pixels, grid))
        characters.append(_cut(picture.labels.characters(), grid))
        planes.append(_cut(picture.labels.planes.transpose(1, 2, 0), grid).transpose(0, 3, 1, 2))
    joined = (torch.from_numpy(np.concatenate(parts)) for parts in (crops, characters, planes))
    cut, read, shown = joined
    return Pictures(cut, [picture.grid for picture in pictures], read, shown)


def _cut(laid_out: np.ndarray, grid: CropGrid) -> np.ndarray:
    """[rows * S, cols * S, d] -> [rows * cols, S, S, d]."""
    height, width, depth = laid_out.shape
    down, across = height // grid.rows, width // grid.cols
    cut = laid_out.reshape(grid.rows, down, grid.cols, across, depth).swapaxes(1, 2)
    return cut.reshape(-1, down, across, depth)


def count_views(grid: CropGrid) -> int:
    """Views of a picture that the tower encodes: an only crop equals the global view."""
    return grid.num_crops if grid.num_crops > 2 else 1


def views(crops: Tensor, grids: Sequence[CropGrid]) -> Tensor:
    """What the image processor makes of pictures, of all those with the same grid at once.

    Args:
        crops: uint8 [C, CROP, CROP, 3], as in `Pictures`.
        grids: One for each picture.

    Returns:
        [V, 3, CROP, CROP], normalised: of each picture the global view and then the crops, or the
        only crop.
    """
    mean, std = _mean_and_std(crops.device)
    pixels = ((crops.float() / 255 - mean) / std).permute(0, 3, 1, 2)
    parts = list(pixels.split([grid.rows * grid.cols for grid in grids]))
    for grid in {grid for grid in grids if count_views(grid) > 1}:
        same = [i for i, other in enumerate(grids) if other == grid]
        cut = torch.stack([parts[i] for i in same])
        for i, picture in zip(same, torch.cat((_overviews(cut, grid), cut), 1), strict=True):
            parts[i] = picture
    return torch.cat(parts)


@cache
def _mean_and_std(device: torch.device) -> tuple[Tensor, Tensor]:
    """Kept, for a GPU is waited for where they are copied to it."""
    return torch.tensor(CLIP_MEAN, device=device), torch.tensor(CLIP_STD, device=device)


def _overviews(crops: Tensor, grid: CropGrid) -> Tensor:
    """Global views of pictures with the same grid: [N, crops, 3, S, S] -> [N, 1, 3, S, S]."""
    number, side = len(crops), crops.shape[-1]
    laid_out = crops.view(number, grid.rows, grid.cols, 3, side, side).permute(0, 3, 1, 4, 2, 5)
    whole = laid_out.reshape(number, 3, grid.rows * side, grid.cols * side)
    return functional.interpolate(whole, size=(side, side), mode="bicubic")[:, None]


def map_tensors(value: T, change: Callable[[Tensor], Tensor]) -> T:
    """A copy of a dataclass with each tensor changed, also in dataclasses within."""
    changed: dict[str, Any] = {}
    for field in fields(value):  # type: ignore[arg-type]
        part = getattr(value, field.name)
        if isinstance(part, Tensor):
            changed[field.name] = change(part)
        elif is_dataclass(part):
            changed[field.name] = map_tensors(part, change)
    return replace(value, **changed)  # type: ignore[type-var]
