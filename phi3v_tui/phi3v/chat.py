"""A loaded model that continues conversations: checkpoint, tokenizer, pictures and KV slot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging

from phi3v_tui import memory
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message
from phi3v_tui.errors import ContextFullError
from phi3v_tui.hub.download import Report
from phi3v_tui.memory import OutOfMemory, Plan
from phi3v_tui.phi3v import devices, loading, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from phi3v_tui.phi3v.cuda_graphs import CudaCapture
from phi3v_tui.phi3v.damage import reading
from phi3v_tui.phi3v.decoder import Decoder
from phi3v_tui.phi3v.detokenizer import StreamDecoder
from phi3v_tui.phi3v.generation import Generation, Generator
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor
from phi3v_tui.phi3v.kv_cache import PictureCache
from phi3v_tui.phi3v.pictures import VisionEncoder
from phi3v_tui.phi3v.prompt import Prompt, PromptTokenizer, render
from phi3v_tui.phi3v.sampling import Sampler
from phi3v_tui.shapes import Quantization

_CPU_NUM_CROPS = 4
_LESS = "A new conversation takes less, and so do fewer pictures or crops."
_SMALL = 3 * 10**8
"""Bytes of weights, in 16 bits, up to which a CPU reads 256 tokens of a prompt at once.

Measured at half of it: 0.36 s on one core. That is how long a cancel may have to wait."""


@dataclass(frozen=True, slots=True)
class ChatModel:
    """Everything that answering needs.

    Attributes:
        checkpoint: Where it came from.
        device: Where it runs.
        plan: How it lies in memory.
        tokenizer: Its tokenizer.
        pictures: Its vision tower.
        generator: Its decoder, with the KV slot.
        num_crops: Most crops a picture is cut into by default.
        crop_size: Side of a crop in pixels.
    """

    checkpoint: Checkpoint
    device: torch.device
    plan: Plan
    tokenizer: PromptTokenizer
    pictures: VisionEncoder
    generator: Generator
    num_crops: int
    crop_size: int

    @classmethod
    def load(
        cls,
        model: str,
        device: str,
        quantize: str,
        context: int | None,
        num_crops: int | None,
        cuda_graphs: bool,
        report: Report,
    ) -> "ChatModel":
        """Find and load a model.

        Args:
            model: "auto", "demo", a folder or a hub id.
            device: "auto" or a torch device.
            quantize: "auto" or a `Quantization`.
            context: Tokens of prompt and answer together; None takes what the model and the
                memory allow.
            num_crops: Most crops a picture is cut into; None takes the checkpoint's own, on a
                CPU at most 4.
            cuda_graphs: Capture decode steps where the device can, and launch each ahead.
            report: Told of bytes downloaded and read, and of how the model is going to lie in
                memory.

        Raises:
            ModelError: It cannot be found or loaded, or does not fit.
        """
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        # Its words about broken connections would stand between ours.
        hub_logging.set_verbosity_error()
        place = devices.choose_device(device)
        devices.enter(place)
        dtype = devices.choose_dtype(place)
        checkpoint = weights.find(model, place, dtype, report)
        # The figures of the bundled model are to hold on every machine, and it is small.
        dtype = torch.float32 if checkpoint.bundled else dtype
        room = devices.room(place, dtype)
        planned = memory.plan_as_asked(checkpoint.shapes, room, quantize, context)
        report(str(planned), 0, None)
        try:
            return cls._read(checkpoint, place, dtype, planned, num_crops, cuda_graphs, report)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_full(error):
                raise
            what = f"{checkpoint.name} could not be loaded"
            raise OutOfMemory(what, checkpoint.shapes, planned.room, planned) from error

    @classmethod
    def _read(
        cls,
        checkpoint: Checkpoint,
        device: torch.device,
        dtype: torch.dtype,
        planned: Plan,
        num_crops: int | None,
        cuda_graphs: bool,
        report: Report,
    ) -> "ChatModel":
        # The small files first: if they are damaged, nobody should wait for the weights.
        tokenizer, processor = _processors(checkpoint.folder)
        network = loading.load(checkpoint, device, dtype, report, planned.quantization)
        decoder, pictures = Decoder(network), VisionEncoder(network, processor)
        chunk, bucket = _steps(device, checkpoint)
        graphs = cuda_graphs and device.type == "cuda"
        generator = Generator(
            decoder,
            pictures,
            tokenizer.stop_ids(),
            planned.context,
            chunk,
            bucket,
            planned.first_slot,
            PictureCache(memory.PICTURES),
            CudaCapture(device) if graphs else None,
            lookahead=graphs,
        )
        crops = num_crops or _default_num_crops(checkpoint, device, processor.num_crops)
        crop_size = network.config.crop_size
        return cls(checkpoint, device, planned, tokenizer, pictures, generator, crops, crop_size)

    @property
    def notice(self) -> str:
        """What people should read once: the checkpoint's notice, and a choice made for them."""
        plain = self.device.type == "cpu" and self.plan.quantization is Quantization.NONE
        plan = "" if plain or self.checkpoint.bundled else f"{self.plan}."
        return f"{self.checkpoint.notice} {plan}".strip()

    def out_of_memory(self, what: str) -> OutOfMemory:
        """Drop pictures kept for later turns, and say what would fit.

        Args:
            what: What did not succeed, as the beginning of a sentence.
        """
        self.generator.features = PictureCache(memory.PICTURES)
        slot = self.generator.cache
        taken = self.plan.weights + slot.keys.nbytes + slot.values.nbytes
        free = devices.free_memory(self.device) + taken
        room = replace(self.plan.room, free=free)
        return OutOfMemory(what, self.checkpoint.shapes, room, self.plan, _LESS)

    def begin(
        self,
        messages: Sequence[Message],
        num_crops: int | None,
        continue_last: bool,
        max_new_tokens: int,
        **choice: Any,
    ) -> Generation:
        """Prepare the next answer; `generator.generate` then makes it.

        Args:
            messages: Oldest first.
            num_crops: Most crops a picture is cut into; None takes the default.
            continue_last: The last message is an answer that goes on.
            max_new_tokens: Longest answer; where one goes on, its longest rest.
            choice: `Sampler`'s temperature, top_p and seed.

        Raises:
            ContextFullError: The conversation leaves no room for an answer.
            AttachmentError: A picture is too long and thin for the model.
        """
        crops = num_crops or self.num_crops
        prompt = self._render(messages, crops, continue_last)
        self._require_room(len(prompt.ids))
        sampler = Sampler(start=prompt.begun, device=self.device, **choice)
        return Generation(prompt, sampler, max_new_tokens, crops)

    def count(self, messages: Sequence[Message], num_crops: int | None, continue_last: bool) -> int:
        """Tokens of the prompt for the next answer; arguments and errors as in `begin`.

        No picture is decoded; any thread may call it.
        """
        return len(self._render(messages, num_crops or self.num_crops, continue_last).ids)

    def _render(self, messages: Sequence[Message], crops: int, continue_last: bool) -> Prompt:
        def count(attachment: Attachment) -> int:
            return self.pictures.count_tokens(attachment, crops)

        return render(messages, self.tokenizer, count, continue_last)

    def text_stream(self, prompt: Prompt) -> StreamDecoder:
        """A detokeniser for the answer to a prompt."""
        return StreamDecoder(self.tokenizer, prompt.begun_ids)

    def _require_room(self, length: int) -> None:
        context = self.generator.context_length
        if length >= context:
            raise ContextFullError(
                f"The conversation takes {length:,} tokens, and the context holds {context:,}.",
                "Shorten the prompt, attach fewer pictures, lower num_crops, or start a new"
                " conversation.",
            )


def _processors(folder: Path) -> tuple[PromptTokenizer, Phi3VImageProcessor]:
    """What makes numbers of text and of pictures."""
    tokenizer = PromptTokenizer.from_folder(folder)
    with reading(folder / "preprocessor_config.json"):
        return tokenizer, Phi3VImageProcessor.from_pretrained(folder)


def _steps(device: torch.device, checkpoint: Checkpoint) -> tuple[int, int]:
    """Prompt tokens that a pass takes, and the step of attention lengths.

    Enough to keep the device busy, little enough for a cancel to be heard soon.
    """
    if device.type != "cpu":
        return 1024, 256
    is_small = checkpoint.shapes.weights(Quantization.NONE, itemsize=2) <= _SMALL
    return (256 if is_small else 64), 1


def _default_num_crops(checkpoint: Checkpoint, device: torch.device, own: int) -> int:
    slow = device.type == "cpu" and not checkpoint.bundled
    return min(own, _CPU_NUM_CROPS) if slow else own
