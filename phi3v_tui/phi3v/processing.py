"""Text and pictures become input ids and pixel values, as in the published processor."""

import re
from collections.abc import Sequence
from typing import Any

from PIL import Image
from transformers.image_processing_base import BatchFeature
from transformers.processing_utils import ProcessorMixin
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast
from transformers.utils.generic import TensorType

from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor

IMAGE_TAG = re.compile(r"<\|image_(\d+)\|>")


class Phi3VProcessor(ProcessorMixin):
    """Tokenises a prompt with `<|image_1|>`, `<|image_2|>`, ... in it, and processes its pictures.

    Equal to the reference, which also turns special tokens that were typed into real ones: what
    people type must be made into segments first (see `prompt`), or they can forge turns.

    Args:
        image_processor: For the pictures.
        tokenizer: For the text.
    """

    def __init__(
        self, image_processor: Phi3VImageProcessor, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        super().__init__(image_processor, tokenizer, chat_template=tokenizer.chat_template)

    @classmethod
    def from_pretrained(cls, name: Any, **kwargs: Any) -> "Phi3VProcessor":
        """Load both parts as they are, without looking at the classes that the files name.

        Those may be code in the checkpoint; and the LlamaTokenizer of the published files gives
        other ids in transformers 5.

        Args:
            name: A folder or a hub id.
            **kwargs: Where to find it (`revision`, `cache_dir`, ...), and settings of the image
                processor such as `num_crops`.
        """
        kwargs.pop("trust_remote_code", None)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(
            name, **kwargs, model_input_names=["input_ids", "attention_mask"]
        )
        return cls(Phi3VImageProcessor.from_pretrained(name, **kwargs), tokenizer)

    def __call__(
        self,
        text: str | Sequence[str] | None = None,
        images: Image.Image | Sequence[Image.Image] | None = None,
        return_tensors: str | TensorType | None = "pt",
        num_crops: int | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Process a prompt.

        Args:
            text: One prompt; without pictures also several.
            images: PIL images in the order of their numbers in the text.
            return_tensors: "pt", "np" or None for lists.
            num_crops: Most crops a picture is cut into; overrides the image processor's own.
            **kwargs: For the tokenizer (padding, truncation, max_length); not used for a prompt
                with pictures, which cannot be cut.

        Returns:
            input_ids [1, length] with -k for each token of picture k, attention_mask; with
            pictures also pixel_values and image_sizes.

        Raises:
            ModelError: Tags and pictures do not match.
            AttachmentError: A picture cannot be processed.
        """
        if images is None or (isinstance(images, (list, tuple)) and not images):
            return BatchFeature(self.tokenizer(text, return_tensors=return_tensors, **kwargs))
        if not isinstance(text, str):
            raise ModelError(
                "Pictures go with one prompt at a time.", "Call the processor for each prompt."
            )
        pictures = self.image_processor(images, num_crops=num_crops, return_tensors=return_tensors)
        ids = self._interleave(text, pictures.pop("num_img_tokens"))
        tokens = {"input_ids": [ids], "attention_mask": [[1] * len(ids)]}
        return BatchFeature({**BatchFeature(tokens, tensor_type=return_tensors), **pictures})

    def batch_decode(self, sequences: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Decode as the tokenizer does; places of pictures, which are no tokens, are left out."""
        return self.tokenizer.batch_decode(_without_pictures(sequences), *args, **kwargs)

    def decode(self, token_ids: Any, *args: Any, **kwargs: Any) -> str:
        """Decode as the tokenizer does; places of pictures, which are no tokens, are left out."""
        return self.tokenizer.decode(_without_pictures([token_ids])[0], *args, **kwargs)

    @property
    def model_input_names(self) -> list[str]:
        """Names of all that the model takes."""
        return [*self.tokenizer.model_input_names, *self.image_processor.model_input_names]

    def _interleave(self, text: str, tokens_of_picture: list[int]) -> list[int]:
        """Tokenise the text between tags piece by piece, each with its own `<s>`."""
        parts = IMAGE_TAG.split(text)
        numbers = [int(number) for number in parts[1::2]]
        _check_numbers(numbers, len(tokens_of_picture))
        pieces = self.tokenizer(parts[::2]).input_ids
        ids = list(pieces[0])
        for number, piece in zip(numbers, pieces[1:], strict=True):
            ids += [-number] * tokens_of_picture[number - 1]
            ids += piece
        return ids


def _check_numbers(numbers: list[int], num_pictures: int) -> None:
    """Make sure that tags are numbered from 1 without a gap, and that each has its picture."""
    named = sorted(set(numbers))
    if named != list(range(1, len(named) + 1)):
        raise ModelError(
            f"The picture tags in the text are numbered {named}.",
            "Number them from 1 without a gap: <|image_1|>, <|image_2|>, ...",
        )
    if len(named) != num_pictures:
        raise ModelError(
            f"The text has tags for {len(named)} pictures, and {num_pictures} were given.",
            "Put one tag for each picture into the text, such as <|image_1|>.",
        )


def _without_pictures(sequences: Any) -> list[list[int]]:
    rows = sequences.tolist() if hasattr(sequences, "tolist") else sequences
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in rows]
    return [[token for token in row if token >= 0] for row in rows]
