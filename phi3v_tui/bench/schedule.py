"""The order of things: first whether answers are right, then how fast they come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from phi3v_tui.bench import processes
from phi3v_tui.bench.measures import Run
from phi3v_tui.bench.plan import INPUTS, Options, left_out
from phi3v_tui.errors import ModelError

Event = dict[str, Any]
Tell = Callable[[str], None]
"""Told what is being done."""

TOLERANCE = {"transformers": 0.001, "ours": 0.001, "graphs": 0.001, "int8": 0.45}
"""How far a token may fall short of the likeliest of a full forward pass in float32, in standard
deviations of the logits. 0.001 is what rounding makes of a tie; a token chosen blindly falls short
by about four. Of 1300 tokens of int8, on four random checkpoints and the bundled one, none fell
short by more than 0.31; with codes or scales of a wrong axis the worst do by 1.5 and more."""

VISION_TOLERANCE = 0.05
"""How far picture features may differ, in standard deviations; they are compared in the precision
of the run."""

CHECKED_BY = {"long": "switch"}
"""Inputs that are checked by a shorter one which takes the same paths."""

_FIRST_SLOT = 512
"""Tokens for which a KV slot has room at first in what is checked: it grows there as it does in
long conversations."""

_SMALL = 200_000_000
"""Parameters up to which a checkpoint is checked itself; for larger ones a small random one is."""


@dataclass(slots=True)
class Results:
    """All that was measured.

    Attributes:
        options: What was chosen.
        checkpoint: From the task `prepare`.
        left_out: Why an input is not run, by its name.
        checked: Name of the checkpoint on which answers were checked.
        verdicts: From the task `check`.
        runs: One for each system and repeat.
        vision: From the task `vision`.
        failures: Why something else is missing, by its name.
    """

    options: Options
    checkpoint: Event
    left_out: dict[str, str]
    checked: str = ""
    verdicts: list[Event] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    vision: list[Event] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs that are run."""
        return [name for name in INPUTS if name not in self.left_out]

    def right(self, system: str, name: str) -> bool:
        """Whether the answers of a system to an input were found right.

        Those of int8 are right for all inputs or for none: each reads all weights, and that wrong
        ones give some right tokens is chance.
        """
        found = [verdict for verdict in self.verdicts if verdict["system"] == system]
        if system != "int8":
            found = [verdict for verdict in found if verdict["input"] == CHECKED_BY.get(name, name)]
        return self.was_checked(system, name) and all(
            verdict["shortfall"] <= TOLERANCE[system] for verdict in found
        )

    def was_checked(self, system: str, name: str) -> bool:
        """Whether the answers of a system to an input were compared."""
        pairs = {(verdict["system"], verdict["input"]) for verdict in self.verdicts}
        return (system, CHECKED_BY.get(name, name)) in pairs


def bench(options: Options, cache: str, tell: Tell) -> Results:
    """Run the benchmark.

    Args:
        options: What was chosen.
        cache: Folder for random checkpoints.
        tell: Told of the progress.

    Raises:
        ModelError: The checkpoint cannot be found or made.
    """
    tell("preparing the checkpoint")
    checkpoint = _prepare(options, cache, options.random)
    options = options.on(checkpoint["device"])
    results = Results(options, checkpoint, left_out(options, checkpoint))
    _check(results, cache, tell)
    for repeat in range(1, options.repeats + 1):
        _repeat(results, repeat, tell)
    if "picture" not in results.left_out:
        _encode(results, tell)
    return results


def _encode(results: Results, tell: Tell) -> None:
    tell("encoding pictures with and without padding")
    with _noted(results.failures, "vision"):
        repeats = results.options.repeats
        results.vision += _run(results.options, "vision", setup=_setup(results), repeats=repeats)


def _prepare(options: Options, cache: str, random: str | None) -> Event:
    (event,) = _run(
        options,
        "prepare",
        random=random,
        model=options.model,
        device=options.device,
        dtype=options.dtype,
        cache=cache,
    )
    return event


def _check(results: Results, cache: str, tell: Tell) -> None:
    """Compare the answers of all systems with full forward passes."""
    options, checkpoint = results.options, results.checkpoint
    if checkpoint["parameters"] > _SMALL:
        checkpoint = _prepare(options, cache, "small")
    results.checked = checkpoint["name"]
    changes = {"folder": checkpoint["folder"], "dtype": "float32", "first_slot": _FIRST_SLOT}
    setup = _setup(results) | changes
    names = list(dict.fromkeys(CHECKED_BY.get(name, name) for name in results.inputs))
    replies: dict[str, Event] = {}
    for system in options.systems:
        tell(f"checking the answers of {system}")
        with _noted(results.failures, system):
            events = list(_run(options, "answers", system=system, setup=setup, names=names))
            replies[system] = {e["input"]: e["replies"] for e in events if "replies" in e}
    tell("comparing them with full forward passes")
    with _noted(results.failures, "check"):
        results.verdicts += _run(options, "check", setup=setup | {"device": "cpu"}, replies=replies)


def _repeat(results: Results, repeat: int, tell: Tell) -> None:
    """One process for each system; who comes first changes."""
    options = results.options
    first = repeat % len(options.systems)
    for system in (*options.systems[first:], *options.systems[:first]):
        if system not in results.failures:
            tell(f"repeat {repeat} of {options.repeats}: {system}")
            results.runs.append(_measure(results, system, repeat))


def _measure(results: Results, system: str, repeat: int) -> Run:
    run = Run(system, repeat)
    with _noted(run.failures, ""):
        for event in _run(
            results.options, "measure", system=system, setup=_setup(results), names=results.inputs
        ):
            _take(run, event)
    return run


def _take(run: Run, event: Event) -> None:
    """Put what a process says into its place."""
    match event:
        case {"ready": True, "process": process}:
            run.ready, run.process = event["seconds"], process
        case {"input": name, "replies": replies}:
            run.conversations[name] = replies
        case {"input": name, "failed": reason}:
            run.failures[name] = reason
        case {"cancel": times}:
            run.cancel = times
        case {"memory": peak}:
            run.memory = peak
        case {"bandwidth": bandwidth}:
            run.bandwidth = bandwidth


@contextmanager
def _noted(failures: dict[str, str], name: str) -> Iterator[None]:
    """Write down why something is missing, and go on."""
    try:
        yield
    except ModelError as error:
        failures[name] = str(error)


def _setup(results: Results) -> Event:
    checkpoint = results.checkpoint
    return {
        "folder": checkpoint["folder"],
        "device": checkpoint["device"],
        "dtype": checkpoint["dtype"],
        "threads": results.options.num_threads,
    }


def _run(options: Options, kind: str, **arguments: Any) -> Iterator[Event]:
    task = {"kind": kind, **arguments}
    return processes.run(task, options.timeout, options.num_threads)
