"""Where pictures stand in input ids: the k-th picture of a row is -k, once for each token."""

from collections.abc import Sequence

import torch
from torch import Tensor

from phi3v_tui.errors import ModelError


def place_features(input_ids: Tensor, embeddings: Tensor, features: Sequence[Tensor]) -> Tensor:
    """Put picture features in the places that their ids name.

    The reference code lays them down in order of position whatever the ids say, so that it swaps
    pictures named out of order, and fails where one is named twice. Here the id decides.

    Args:
        input_ids: [rows, length].
        embeddings: [rows, length, hidden] of the text; what it holds at placeholders is not used.
        features: [tokens, hidden] of each picture, those of the first row first.

    Returns:
        [rows, length, hidden].

    Raises:
        ModelError: Pictures and placeholders do not match.
    """
    placed = embeddings.clone()
    first = 0
    for row in range(input_ids.shape[0]):
        named = num_pictures(input_ids[row])
        for number in range(1, named + 1):
            if first + number > len(features):
                raise _mismatch(f"The text names {first + number} pictures or more")
            _place(placed[row], input_ids[row] == -number, features[first + number - 1])
        first += named
    if first != len(features):
        raise _mismatch(f"The text names {first} pictures, and {len(features)} were given")
    return placed


def num_pictures(ids: Tensor) -> int:
    """How many pictures one row names.

    Raises:
        ModelError: They are not numbered from 1 without a gap.
    """
    numbers = (-ids[ids < 0]).unique().tolist()
    if numbers != list(range(1, len(numbers) + 1)):
        raise _mismatch(f"Pictures have to be numbered from 1 without a gap, not {numbers}")
    return len(numbers)


def _place(embeddings: Tensor, where: Tensor, features: Tensor) -> None:
    """Write `features` into the places of one row, as often as the picture is named there."""
    places = int(where.sum())
    if places % len(features):
        raise _mismatch(f"A picture of {len(features)} tokens has {places} places in the text")
    embeddings[where] = features.to(embeddings.dtype).repeat(places // len(features), 1)


def _mismatch(what: str) -> ModelError:
    return ModelError(f"{what}.", "Give the model text and pictures from the same processor call.")


def has_placeholders(input_ids: Tensor) -> bool:
    """Whether any id stands for a picture."""
    return bool(torch.any(input_ids < 0))
