"""The engine of the app, measured through its protocol."""

import time
from typing import TYPE_CHECKING, Any

import torch

from phi3v_tui import memory
from phi3v_tui.bench.inputs import NUM_CROPS, Reply
from phi3v_tui.bench.systems import CANCEL_AFTER, CANCEL_LIMIT, Setup
from phi3v_tui.conversation.message import Message
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import Finished, PrefillProgress, TextDelta
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.phi3v import devices

if TYPE_CHECKING:
    from phi3v_tui.phi3v.chat import ChatModel


class EngineSystem:
    """`LocalEngine`, asked as the interface asks it.

    Args:
        setup: What it runs.
        quantize: "none" or "int8".
        cuda_graphs: Whether decode steps are captured.
    """

    def __init__(self, setup: Setup, quantize: str, cuda_graphs: bool) -> None:
        self._engine = _Engine(setup, quantize, cuda_graphs)
        collect.load(self._engine)

    def ask(self, messages: tuple[Message, ...], tokens: int) -> Reply:
        """Answer a conversation in so many tokens."""
        answer = collect.answer(self._engine, _request(messages, tokens))
        finished = answer.finished
        return Reply(
            text=answer.text,
            token_ids=finished.token_ids,
            prompt_tokens=finished.usage.prompt_tokens,
            reused_tokens=finished.usage.reused_tokens,
            crops_encoded=finished.usage.crops_encoded,
            first_token=finished.timings.prefill,
            decode=finished.timings.decode,
        )

    def cancel(self, messages: tuple[Message, ...], reading: bool) -> float:
        """Seconds from a cancel to the end of the generation."""
        awaited = (PrefillProgress, 1) if reading else (TextDelta, CANCEL_AFTER)
        came, asked = 0, 0.0
        for event in collect.events(self._engine, _request(messages, CANCEL_LIMIT)):
            came += isinstance(event, awaited[0])
            if not asked and came == awaited[1]:
                asked = time.monotonic()
                self._engine.cancel()
            if isinstance(event, Finished):
                break
        return time.monotonic() - asked


class _Engine(LocalEngine):
    """LocalEngine with threads, precision and slot of the run, and with no token that ends answers.

    The engine chooses those for the machine that it finds; here all systems must have the same.
    """

    def __init__(self, setup: Setup, quantize: str, cuda_graphs: bool) -> None:
        super().__init__(str(setup.folder), setup.device, quantize, cuda_graphs=cuda_graphs)
        self._setup = setup

    def _load_chat(self, report: Any) -> "ChatModel":
        # In this process of the benchmark's own, and before anything has been loaded.
        devices.choose_dtype = lambda device: self._setup.torch_dtype
        memory.FIRST_SLOT = self._setup.first_slot
        chat = super()._load_chat(report)
        torch.set_num_threads(self._setup.threads)
        chat.generator.stop_ids = frozenset()
        return chat


def _request(messages: tuple[Message, ...], tokens: int) -> Request:
    return Request(messages, SamplingParams(max_new_tokens=tokens), NUM_CROPS)
