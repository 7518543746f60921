"""Picture -> projected features, crop by crop."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout, crop_layout
from phi3v_tui.phi3v.image_embedding import distinct_views

CROPS_AT_ONCE = {"cpu": 1, "cuda": 8, "mps": 4}
"""Crops the tower takes in one pass; between passes a cancel is heard."""


class VisionEncoder:
    """The loaded model's tower and projection, for attachments.

    Args:
        model: A loaded `Phi3VForCausalLM`.
        image_processor: The checkpoint's.
    """

    def __init__(self, model: Any, image_processor: Any) -> None:
        self._embedding = model.model.vision_embed_tokens
        self._device: torch.device = model.model.norm.weight.device
        self._image_processor = image_processor
        self._crop_size: int = model.config.crop_size

    def count_tokens(self, attachment: Attachment, num_crops: int) -> int:
        """Tokens that a picture takes in the prompt."""
        return self._layout(attachment, num_crops).num_tokens

    def encode(
        self, attachment: Attachment, num_crops: int, before_pass: Callable[[int], None]
    ) -> Tensor:
        """Encode a picture.

        Args:
            attachment: The picture.
            num_crops: Most crops it is cut into.
            before_pass: Called with the number of crops before each pass of the tower; raises to
                stop.

        Returns:
            [tokens, hidden size].
        """
        layout = self._layout(attachment, num_crops)
        crops = self._image_processor.crops(attachment.image(), layout).to(self._device)
        passes = []
        for some in distinct_views(crops).split(CROPS_AT_ONCE[self._device.type]):
            before_pass(len(some))
            passes.append(self._embedding.encode_crops(some))
        return self._embedding.project(torch.cat(passes), layout)

    def _layout(self, attachment: Attachment, num_crops: int) -> CropLayout:
        return crop_layout(attachment.width, attachment.height, num_crops, self._crop_size)
