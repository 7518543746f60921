"""The HD transform: a picture becomes a global view and a grid of crops, ready for the tower."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature
from transformers.utils.generic import TensorType

from phi3v_tui.conversation.crops import (
    CROP_SIZE,
    CropLayout,
    crop_layout,
    tokens_per_side,
)
from phi3v_tui.errors import AttachmentError, ModelError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
WHITE = (255, 255, 255)


class Phi3VImagesKwargs(TypedDict, total=False):
    """Settings that callers may override when they load the processor."""

    num_crops: int
    crop_size: int
    num_img_tokens: int
    image_mean: list[float]
    image_std: list[float]


class Phi3VImageProcessor(BaseImageProcessor):
    """Cuts pictures into crops, equal to the reference to the pixel.

    Pictures are taken as they are stored: neither turned by EXIF nor blended onto a background
    (transparency is dropped).

    Args:
        num_crops: Most crops a picture is cut into. The model card advises 16 for one picture
            and 4 for several.
        image_mean: Of each colour channel, on a scale of 0 to 1.
        image_std: Of each colour channel.
        num_img_tokens: Tokens of one crop, 144 as published; has to fit `crop_size`.
        crop_size: Side of a crop in pixels; the `image_size` of the vision tower.
    """

    valid_kwargs = Phi3VImagesKwargs
    model_input_names = ["pixel_values", "image_sizes"]

    def __init__(
        self,
        num_crops: int = 1,
        image_mean: Sequence[float] = CLIP_MEAN,
        image_std: Sequence[float] = CLIP_STD,
        num_img_tokens: int = 144,
        crop_size: int = CROP_SIZE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_img_tokens != tokens_per_side(crop_size) ** 2:
            raise ModelError(
                f"preprocessor_config.json speaks of {num_img_tokens} tokens for a crop of "
                f"{crop_size} pixels, which has {tokens_per_side(crop_size) ** 2}.",
                "Mend crop_size or num_img_tokens in that file.",
            )
        self.num_crops = num_crops
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.num_img_tokens = num_img_tokens
        self.crop_size = crop_size

    def layout(self, image: Image.Image, num_crops: int | None = None) -> CropLayout:
        """Lay out one picture; errors as in `crop_layout`."""
        most = self.num_crops if num_crops is None else num_crops
        return crop_layout(*image.size, most, self.crop_size)

    def crops(self, image: Image.Image, layout: CropLayout) -> Tensor:
        """Cut one picture.

        Returns:
            [layout.num_crops, 3, crop_size, crop_size] float32: the global view, then the crops
            row by row.
        """
        pixels = self._normalise(hd_transform(image, layout))
        size = self.crop_size
        # Not antialiased: so is the reference.
        view = functional.interpolate(pixels[None], size=(size, size), mode="bicubic")
        grid = pixels.view(3, layout.rows, size, layout.cols, size).permute(1, 3, 0, 2, 4)
        return torch.cat([view, grid.reshape(-1, 3, size, size)])

    def preprocess(
        self,
        images: Image.Image | Sequence[Image.Image],
        num_crops: int | None = None,
        return_tensors: str | TensorType | None = None,
    ) -> BatchFeature:
        """Process one picture or several.

        Args:
            images: PIL images of any mode.
            num_crops: Overrides the processor's own.
            return_tensors: "pt" or "np"; without it `image_sizes` is a list.

        Returns:
            pixel_values [pictures, 1 + num_crops, 3, crop_size, crop_size], padded with zeros;
            image_sizes [pictures, 2], height and width of the grids in pixels; num_img_tokens, a
            list.

        Raises:
            AttachmentError: No picture, none that PIL opened, or one that is empty or too long
                and thin.
        """
        pictures = _as_pictures(images)
        most = self.num_crops if num_crops is None else num_crops
        layouts = [self.layout(picture, most) for picture in pictures]
        crops = [self.crops(*pair) for pair in zip(pictures, layouts, strict=True)]
        data = {
            "pixel_values": torch.stack([_pad(part, 1 + most) for part in crops]),
            "image_sizes": [[layout.height, layout.width] for layout in layouts],
        }
        features = BatchFeature(data, tensor_type=return_tensors)
        features["num_img_tokens"] = [layout.num_tokens for layout in layouts]
        return features

    def _normalise(self, image: Image.Image) -> Tensor:
        """RGB to [3, height, width] float32."""
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        mean = torch.tensor(self.image_mean).view(3, 1, 1)
        std = torch.tensor(self.image_std).view(3, 1, 1)
        return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)


def hd_transform(image: Image.Image, layout: CropLayout) -> Image.Image:
    """Resize a picture and pad it with white to the size of its grid.

    Returns:
        RGB, layout.width x layout.height.
    """
    rgb = image.convert("RGB")
    size = (layout.resized_width, layout.resized_height)
    resized = _resize_lying(rgb, size) if layout.transposed else rgb.resize(size, _BILINEAR)
    padded = Image.new("RGB", (layout.width, layout.height), WHITE)
    padded.paste(resized, (layout.left, layout.top))
    return padded


_BILINEAR = Image.Resampling.BILINEAR
_TRANSPOSE = Image.Transpose.TRANSPOSE


def _resize_lying(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize a tall picture on its side: rounding differs from resizing it upright."""
    lying = image.transpose(_TRANSPOSE).resize(size[::-1], _BILINEAR)
    return lying.transpose(_TRANSPOSE)


def _pad(crops: Tensor, count: int) -> Tensor:
    """Append crops of zeros up to `count`."""
    return functional.pad(crops, (0, 0, 0, 0, 0, 0, 0, count - len(crops)))


def _as_pictures(images: Any) -> list[Image.Image]:
    pictures = list(images) if isinstance(images, (list, tuple)) else [images]
    if not pictures:
        raise AttachmentError("There is no picture to process.", "Give one or more.")
    for picture in pictures:
        if not isinstance(picture, Image.Image):
            raise AttachmentError(
                f"A picture has to be a PIL image, not {type(picture).__name__}.",
                "Open it with PIL.Image.open, or convert it with PIL.Image.fromarray.",
            )
    return pictures
