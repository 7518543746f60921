"""From the crops of a picture to token embeddings: CLIP tower, HD merge, projection."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers.models.clip.modeling_clip import CLIPVisionModel

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.phi3v.configuration import Phi3VConfig


class Phi3VImageEmbedding(nn.Module):
    """Turns the crops of a picture into token embeddings.

    Each crop goes through the tower; two by two patches become one token; the crops are laid side
    by side as they lie in the picture, each line ends in `sub_GN`, and `glb_GN` parts them from the
    global view, which comes last ("sub_glb").
    """

    def __init__(self, config: Phi3VConfig) -> None:
        super().__init__()
        tower = config.tower_config
        self.tokens_per_side = config.tokens_per_side
        self.img_processor = CLIPVisionModel(tower)
        # Hidden state -2 is taken before this norm; no weights, so that none are missed.
        self.img_processor.post_layernorm = nn.Identity()
        merged = 4 * tower.hidden_size
        self.glb_GN = nn.Parameter(torch.zeros(1, 1, merged))
        self.sub_GN = nn.Parameter(torch.zeros(1, 1, 1, merged))
        self.img_projection = nn.Sequential(
            nn.Linear(merged, config.hidden_size),
            nn.GELU(),
            nn.Linear(config.hidden_size, config.hidden_size),
        )

    def forward(self, pictures: Sequence[Tensor], grids: Sequence[CropGrid]) -> list[Tensor]:
        """Encode pictures.

        Args:
            pictures: [grid.num_crops, 3, size, size] each: the global view, then the crops row by
                row.
            grids: One for each picture.

        Returns:
            [tokens, hidden] for each picture.
        """
        views = [distinct_views(picture) for picture in pictures]
        encoded = self.encode_crops(torch.cat(views)).split([len(view) for view in views])
        return [self.project(part, grid) for part, grid in zip(encoded, grids, strict=True)]

    def encode_crops(self, crops: Tensor) -> Tensor:
        """Run the tower: [n, 3, size, size] -> [n, side, side, 4 * tower hidden]."""
        tower = self.img_processor
        patches = tower(pixel_values=crops.to(tower.dtype)).last_hidden_state[:, 1:]
        side, width = self.tokens_per_side, patches.shape[-1]
        squares = patches.view(-1, side, 2, side, 2, width).transpose(2, 3)
        return squares.reshape(-1, side, side, 4 * width)

    def project(self, features: Tensor, grid: CropGrid) -> Tensor:
        """Turn one picture into token embeddings.

        Args:
            features: [n, side, side, d] of its distinct views, from `encode_crops`.
            grid: That its crops lie in.

        Returns:
            [tokens, hidden].
        """
        views = features.expand(grid.num_crops, -1, -1, -1)
        return self.img_projection(self.merge(views, grid))

    def merge(self, features: Tensor, grid: CropGrid) -> Tensor:
        """Lay out one picture: [grid.num_crops, side, side, d] -> [tokens, d]."""
        side, width = features.shape[1], features.shape[-1]
        crops = features[1:].view(grid.rows, grid.cols, side, side, width).transpose(1, 2)
        crops = crops.reshape(grid.rows * side, grid.cols * side, width)
        return torch.cat([self._lines(crops), self.glb_GN[0], self._lines(features[0])])

    def _lines(self, square: Tensor) -> Tensor:
        """End each line in a separator: [height, width, d] -> [height * (width + 1), d]."""
        height, _, width = square.shape
        ends = self.sub_GN[0].expand(height, 1, width)
        return torch.cat([square, ends], dim=1).flatten(0, 1)


def distinct_views(crops: Tensor) -> Tensor:
    """Leave out the only crop where it equals the global view, as it does in a 1 x 1 grid."""
    return crops[:1] if len(crops) == 2 and torch.equal(crops[0], crops[1]) else crops
