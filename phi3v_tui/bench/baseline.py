"""transformers' `generate()` as people use it today: the whole conversation again at every turn."""

import threading
import time
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoProcessor, TextIteratorStreamer
from transformers.utils import logging

import phi3v_tui.phi3v  # noqa: F401 - makes the Auto classes load phi3_v
from phi3v_tui.bench.inputs import NUM_CROPS, Reply
from phi3v_tui.bench.systems import CANCEL_AFTER, CANCEL_LIMIT, Setup
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message
from phi3v_tui.phi3v.prompt import PromptTokenizer, render


class TransformersSystem:
    """The Auto classes, `generate()` in a thread, and a TextIteratorStreamer.

    Its prompts have the same ids as those of the engine, so that answers can be compared: the ids
    of earlier answers are kept, not tokenised again. Pictures stay decoded between turns, as in a
    script that holds PIL images.

    Args:
        setup: What it runs.
    """

    def __init__(self, setup: Setup) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(setup.threads)
        self._processor = AutoProcessor.from_pretrained(setup.folder)
        model = AutoModelForCausalLM.from_pretrained(setup.folder, dtype=setup.torch_dtype)
        self._model = model.to(setup.device).eval()
        self._model.generation_config.eos_token_id = None
        self._prompts = PromptTokenizer.from_folder(setup.folder)
        self._pictures: dict[str, Image.Image] = {}

    def ask(self, messages: tuple[Message, ...], tokens: int) -> Reply:
        """Answer a conversation in so many tokens."""
        started = time.monotonic()
        inputs, crops = self._inputs(messages)
        run = _Run(self._model, self._processor.tokenizer, inputs, tokens)
        text = run.text()
        times = run.streamer.times
        return Reply(
            text=text,
            token_ids=tuple(run.ids),
            prompt_tokens=inputs["input_ids"].shape[1],
            reused_tokens=0,
            crops_encoded=crops,
            first_token=times[0] - started,
            decode=times[-1] - times[0],
        )

    def cancel(self, messages: tuple[Message, ...], reading: bool) -> float:
        """Seconds from a cancel to the end of the generation."""
        inputs, _ = self._inputs(messages)
        run = _Run(self._model, self._processor.tokenizer, inputs, CANCEL_LIMIT)
        run.streamer.wait(0 if reading else CANCEL_AFTER)
        asked = time.monotonic()
        run.stop()
        run.text()
        return time.monotonic() - asked

    def _inputs(self, messages: tuple[Message, ...]) -> tuple[dict[str, Any], int]:
        """What `generate()` takes, and how many crops are in it."""
        attached = [picture for message in messages for picture in message.attachments]
        images = self._processor.image_processor
        layouts = [images.layout(self._image(picture), NUM_CROPS) for picture in attached]
        tokens = {p.digest: layout.num_tokens for p, layout in zip(attached, layouts, strict=True)}
        prompt = render(messages, self._prompts, lambda picture: tokens[picture.digest])
        ids = torch.tensor([prompt.ids], device=self._model.device)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if attached:
            pictures = [self._image(picture) for picture in attached]
            pixels = images(pictures, num_crops=NUM_CROPS, return_tensors="pt")
            for name in ("pixel_values", "image_sizes"):
                inputs[name] = pixels[name].to(self._model.device)
        return inputs, sum(layout.num_crops for layout in layouts)

    def _image(self, picture: Attachment) -> Image.Image:
        if picture.digest not in self._pictures:
            self._pictures[picture.digest] = picture.image()
        return self._pictures[picture.digest]


class _Run:
    """One call of `generate()`, in a thread of its own.

    Attributes:
        streamer: What it writes to.
        ids: Its answer, once `text` has returned.
    """

    def __init__(self, model: Any, tokenizer: Any, inputs: dict[str, Any], tokens: int) -> None:
        self.streamer = _Streamer(tokenizer)
        self.ids: list[int] = []
        self._stopped = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._generate, args=(model, inputs, tokens))
        self._thread.start()

    def stop(self) -> None:
        """Let it end after the token under way."""
        self._stopped.set()

    def text(self) -> str:
        """The whole answer, taken piece by piece as it comes."""
        text = "".join(self.streamer)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return text

    def _generate(self, model: Any, inputs: dict[str, Any], tokens: int) -> None:
        try:
            output = model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=tokens,
                streamer=self.streamer,
                stopping_criteria=[self._is_stopped],
            )
            self.ids += output[0, inputs["input_ids"].shape[1] :].tolist()
        except Exception as error:  # noqa: BLE001 - the thread boundary
            self._failure = error
        finally:
            # Whoever reads the streamer would wait for ever for a generation that failed.
            self.streamer.end()

    def _is_stopped(self, ids: Tensor, scores: Any, **_: Any) -> Tensor:
        return torch.full((len(ids),), self._stopped.is_set(), device=ids.device)


class _Streamer(TextIteratorStreamer):
    """Writes down when each token came; the prompt, which comes first, is left out."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self.times: list[float] = []
        self._came = threading.Semaphore(0)
        self._prompt_came = False

    def put(self, value: Any) -> None:
        """Take a token, or at first the prompt."""
        if self._prompt_came:
            self.times.append(time.monotonic())
        self._prompt_came = True
        super().put(value)
        self._came.release()

    def wait(self, tokens: int) -> None:
        """Wait for the prompt and so many tokens, or for the end."""
        for _ in range(1 + tokens):
            self._came.acquire()

    def end(self) -> None:
        """Take the end, after which nobody has to wait."""
        super().end()
        self._came.release(1000)
