"""What child processes do: each task yields events, which are JSON objects."""

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import transformers

from phi3v_tui.bench import checkpoint, inputs, probes
from phi3v_tui.bench.inputs import Count, Input, Reply, converse, text
from phi3v_tui.bench.reference import Reference
from phi3v_tui.bench.systems import Setup, System, open_system
from phi3v_tui.memory import OutOfMemory
from phi3v_tui.phi3v import Phi3VForCausalLM, Phi3VImageProcessor, devices, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from phi3v_tui.phi3v.prompt import PromptTokenizer
from phi3v_tui.shapes import Quantization

Event = dict[str, Any]


def prepare(random: str | None, model: str, device: str, dtype: str, cache: str) -> Iterator[Event]:
    """Find or make a checkpoint, and say what will run where.

    Args:
        random: Size of a random one; None takes `model`.
        model: "demo", a folder or a hub id.
        device: "auto" or a torch device.
        dtype: "auto", or the name of a torch dtype.
        cache: Folder in which random ones are kept.
    """
    place = devices.choose_device(device)
    if random:
        model = str(checkpoint.make(random, Path(cache)))
    found = weights.find(model, place, devices.choose_dtype(place), lambda *_: None)
    precision = devices.choose_dtype(place) if dtype == "auto" else getattr(torch, dtype)
    if dtype == "auto" and found.bundled:
        precision = torch.float32
    shapes = found.shapes
    yield {
        "folder": str(found.folder),
        "name": found.name,
        "parameters": shapes.linear + shapes.other,
        "device": str(place),
        "dtype": str(precision).removeprefix("torch."),
        "context": shapes.longest,
        "weight_bytes_per_token": _read_per_token(found, precision.itemsize),
        "kv_bytes_per_token": shapes.kv_per_token * precision.itemsize,
        "free_memory": devices.free_memory(place),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "machine": _machine(place),
    }


def measure(system: str, setup: Mapping[str, Any], names: list[str]) -> Iterator[Event]:
    """Load a system and hold the timed conversations with it.

    Args:
        system: Its name.
        setup: Fields of a `Setup`.
        names: Of the conversations.
    """
    opened, count = _open(system, setup)
    yield {"ready": True, "process": os.getpid()}
    # The first passes of a process are slower for everybody: memory is allocated, code is loaded.
    opened.ask(inputs.opening("Hello."), 3)
    for name in names:
        yield from _hold(opened, inputs.timed(name, count))
    yield _cancels(opened, count)
    yield {"memory": probes.peak_memory(setup["device"])}
    yield {"bandwidth": probes.bandwidth(setup["device"], setup["threads"])}


def answers(system: str, setup: Mapping[str, Any], names: list[str]) -> Iterator[Event]:
    """Load a system and hold the conversations with it that are to be checked.

    Args:
        system: Its name.
        setup: Fields of a `Setup`.
        names: Of the conversations.
    """
    opened, count = _open(system, setup)
    for name in names:
        yield from _hold(opened, inputs.checked(name, count))


def check(setup: Mapping[str, Any], replies: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    """Compare answers with full forward passes.

    Args:
        setup: Fields of a `Setup`.
        replies: For each system and name of an input, the fields of `Reply`s.
    """
    torch.set_num_threads(setup["threads"])
    folder = Path(setup["folder"])
    model = Phi3VForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = PromptTokenizer.from_folder(folder)
    reference = Reference(model, tokenizer, Phi3VImageProcessor.from_pretrained(folder))
    for system, answered in replies.items():
        for name, said in answered.items():
            given = inputs.checked(name, _counter(tokenizer))
            verdict = reference.check(given, [_reply(one) for one in said])
            yield {"system": system, "input": name, **asdict(verdict)}


def vision(setup: Mapping[str, Any], repeats: int) -> Iterator[Event]:
    """Encode pictures with and without padding."""
    for encoding in probes.encodings(_setup(setup), repeats):
        yield asdict(encoding)


TASKS: dict[str, Callable[..., Iterator[Event]]] = {
    task.__name__: task for task in (prepare, measure, answers, check, vision)
}


def _setup(fields: Mapping[str, Any]) -> Setup:
    return Setup(**{**fields, "folder": Path(fields["folder"])})


def _open(system: str, setup: Mapping[str, Any]) -> tuple[System, Count]:
    chosen = _setup(setup)
    opened = open_system(system, chosen)
    return opened, _counter(PromptTokenizer.from_folder(chosen.folder))


def _counter(tokenizer: PromptTokenizer) -> Count:
    return lambda written: len(tokenizer.plain(written))


def _hold(system: System, given: Input) -> Iterator[Event]:
    """One conversation; where the memory is too small for it, the others still can be held."""
    try:
        replies = converse(system.ask, given)
    except (MemoryError, torch.OutOfMemoryError, OutOfMemory):
        yield {"input": given.name, "failed": "the memory is full"}
        return
    yield {"input": given.name, "replies": [asdict(reply) for reply in replies]}


def _cancels(system: System, count: Count) -> Event:
    question = inputs.opening(text(1500, count, seed=4))
    again = inputs.opening(text(100, count, seed=5))
    return {
        "cancel": {
            "reading": system.cancel(question, True),
            "answering": system.cancel(again, False),
        }
    }


def _reply(fields: Mapping[str, Any]) -> Reply:
    return Reply(**{**fields, "token_ids": tuple(fields["token_ids"])})


def _read_per_token(found: Checkpoint, itemsize: int) -> dict[str, int]:
    """Bytes of weights that each token reads: the linear layers and the head."""
    config = json.loads((found.folder / "config.json").read_text("utf-8"))
    elsewhere = found.shapes.other - config["vocab_size"] * config["hidden_size"]
    return {
        str(kind): found.shapes.weights(kind, itemsize) - elsewhere * itemsize
        for kind in (Quantization.NONE, Quantization.INT8)
    }


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        name = next(line for line in lines if line.startswith("model name")).split(":")[1].strip()
    except (OSError, StopIteration):
        name = platform.machine()
    return f"{name}, {os.cpu_count()} cores"
