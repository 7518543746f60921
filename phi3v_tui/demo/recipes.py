"""Sizes of the models that can be trained here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Sizes of a model; all the rest is as published.

    Attributes:
        name: What `--recipe` calls it.
        num_crops: Into how many crops a picture is cut at most, beside the global view.
        tower_width: Hidden size of the vision tower.
        tower_layers: Layers of the tower whose output is used.
        tower_heads: Attention heads of the tower.
        width: Hidden size of the decoder.
        layers: Layers of the decoder.
        heads: Attention heads of the decoder.
        inner: Size between the two halves of the decoder's MLP.
    """

    name: str
    num_crops: int
    tower_width: int
    tower_layers: int
    tower_heads: int
    width: int
    layers: int
    heads: int
    inner: int


SMALL = Recipe("small", 1, 128, 6, 4, 192, 4, 6, 512)
"""3.4 million parameters, for a CPU: the bundled checkpoint."""

LARGE = Recipe("large", 4, 192, 6, 3, 256, 5, 4, 704)
"""7.4 million parameters and twice the resolution, for a GPU; 14.8 MB in bfloat16."""

RECIPES = {recipe.name: recipe for recipe in (SMALL, LARGE)}
