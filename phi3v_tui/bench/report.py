"""Results as a table for people, and as JSON."""

import platform
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from phi3v_tui import __version__
from phi3v_tui.bench.measures import MEASURES, Measure, Roofline, Spread, spread
from phi3v_tui.bench.schedule import TOLERANCE, VISION_TOLERANCE, Results

_TITLE_WIDTH, _WIDTH = 34, 15


def bandwidth(results: Results) -> Spread | None:
    """Bytes a second that the memory gave to the processes of all systems."""
    return Spread.of(run.bandwidth for run in results.runs if run.bandwidth is not None)


def roofline(results: Results, system: str) -> Roofline | None:
    """The bound for a system, with the bandwidth that was measured in the same run."""
    measured = bandwidth(results)
    if measured is None:
        return None
    checkpoint = results.checkpoint
    weights = checkpoint["weight_bytes_per_token"]["int8" if system == "int8" else "none"]
    return Roofline(measured.median, weights, checkpoint["kv_bytes_per_token"])


def figure(results: Results, system: str, measure: Measure) -> Spread | None:
    """A measure of a system; None where there is none, or where its answers were wrong."""
    if measure.input and not results.right(system, measure.input):
        return None
    runs = [run for run in results.runs if run.system == system]
    return spread(measure, runs, roofline(results, system))


def as_table(results: Results) -> str:
    """All results, for a terminal of 80 columns or more."""
    parts = (_head(results), _checks(results), _figures(results), _vision(results), _notes(results))
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines)


def _head(results: Results) -> Iterator[str]:
    options, checkpoint = results.options, results.checkpoint
    threads, repeats = options.num_threads, options.repeats
    yield (
        f"{checkpoint['name']}: {checkpoint['parameters'] / 1e6:,.0f} million parameters, "
        f"{checkpoint['dtype']}, {checkpoint['device']}"
    )
    yield f"{checkpoint['machine']}; {threads} thread{'s' if threads > 1 else ''}"
    yield (
        f"phi3v-tui {__version__}, torch {checkpoint['torch']}, "
        f"transformers {checkpoint['transformers']}, Python {platform.python_version()}"
    )
    measured = bandwidth(results)
    if measured:
        yield f"memory bandwidth: {_cell(measured.scaled(1e-9))} GB/s"
    if repeats > 1:
        yield f"Medians of {repeats} fresh processes each, ± half the way from lowest to highest."


def _checks(results: Results) -> Iterator[str]:
    """What the comparison with full forward passes found."""
    yield f"Tokens against full forward passes in float32, on {results.checked}:"
    for system in results.options.systems:
        found = [v for v in results.verdicts if v["system"] == system]
        if not found:
            yield f"  {system:<14}not compared"
            continue
        tokens, equal = (sum(v[name] for v in found) for name in ("tokens", "equal"))
        worst = max(found, key=lambda v: v["shortfall"])
        line = f"  {system:<14}{equal} of {tokens} equal"
        if worst["shortfall"] > 0:
            line += f"; largest shortfall {worst['shortfall']:.3g} (allowed: {TOLERANCE[system]})"
        if worst["shortfall"] > TOLERANCE[system]:
            turn, token = worst["where"]
            line += f" WRONG: {worst['input']}, turn {turn}, token {token}"
        yield line


def _figures(results: Results) -> Iterator[str]:
    systems = [s for s in results.options.systems if any(r.system == s for r in results.runs)]
    if not systems:
        return
    compared = "transformers" in systems and "ours" in systems
    header = "".join(f"{system:<{_WIDTH}}" for system in systems)
    yield f"{'':<{_TITLE_WIDTH}}{header}{'better' if compared else ''}".rstrip()
    for measure in MEASURES:
        if measure.input in results.left_out:
            continue
        cells = "".join(f"{_shown(results, system, measure):<{_WIDTH}}" for system in systems)
        ratio = better(results, measure) if compared else None
        last = f"{ratio:.3g} x" if ratio else ""
        yield f"{measure.title:<{_TITLE_WIDTH}}{cells}{last}".rstrip()


def better(results: Results, measure: Measure) -> float | None:
    """How many times better ours is than transformers; None where that cannot be said."""
    ours, theirs = (figure(results, system, measure) for system in ("ours", "transformers"))
    if measure.more_is_better is None or ours is None or theirs is None:
        return None
    over, under = (ours, theirs) if measure.more_is_better else (theirs, ours)
    return over.median / under.median if under.median else None


def _shown(results: Results, system: str, measure: Measure) -> str:
    if measure.input and not results.right(system, measure.input):
        checked = results.was_checked(system, measure.input)
        return "wrong tokens" if checked else "not checked"
    found = figure(results, system, measure)
    return _cell(found) if found else "-"


def _cell(found: Spread) -> str:
    if found.low == found.high:
        return _number(found.median)
    return f"{_number(found.median)} ±{found.percent:.0f}%"


def _number(value: float) -> str:
    """Three digits that matter; whole numbers in full."""
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}"


def _vision(results: Results) -> Iterator[str]:
    if not results.vision:
        return
    yield "Encoding a picture at num_crops 4, real crops against crops and padding:"
    for found in results.vision:
        crops = f"{found['crops']} of {found['padded_crops']} crops"
        line = f"  {found['shape']:<6}{crops:<18}"
        if found["difference"] > VISION_TOLERANCE:
            yield f"{line}wrong: features differ by {found['difference']:.3g}"
            continue
        times = f"{found['real']:.3f} s against {found['padded']:.3f} s"
        yield f"{line}{times}: {found['real'] / found['padded']:.2f}"


def _notes(results: Results) -> Iterator[str]:
    """What is missing, and why."""
    for name, reason in results.left_out.items():
        yield f"not run: {name} ({reason})"
    for name, reason in results.failures.items():
        yield f"not measured: {name}: {reason}"
    for run in results.runs:
        for name, reason in run.failures.items():
            what = f"{run.system}, repeat {run.repeat}{', ' + name if name else ''}"
            yield f"not measured: {what}: {reason}"


def as_json(results: Results, command: list[str]) -> dict[str, Any]:
    """All results, raw and summed up.

    Args:
        results: The results.
        command: With which they were made.
    """
    return {
        "schema": 1,
        "version": __version__,
        "command": command,
        "python": platform.python_version(),
        "options": asdict(results.options) | {"threads": results.options.num_threads},
        "checkpoint": results.checkpoint,
        "checked_on": results.checked,
        "checks": [v | {"right": results.right(v["system"], v["input"])} for v in results.verdicts],
        "summary": {system: _summary(results, system) for system in results.options.systems},
        "ours_times_better": {
            m.name: ratio for m in MEASURES if (ratio := better(results, m)) is not None
        },
        "vision": results.vision,
        "left_out": results.left_out,
        "failures": results.failures,
        "runs": [asdict(run) for run in results.runs],
    }


def _summary(results: Results, system: str) -> dict[str, Any]:
    figures = {measure.name: figure(results, system, measure) for measure in MEASURES}
    return {name: asdict(found) for name, found in figures.items() if found}
