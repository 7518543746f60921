"""Child processes: one task each, none outlives the benchmark, none runs for ever."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from phi3v_tui.errors import ModelError

Event = dict[str, Any]

_log = logging.getLogger(__name__)


def run(task: Event, timeout: float, threads: int = 1) -> Iterator[Event]:
    """Run a task in a fresh process, and yield its events as they come.

    Each event has "seconds" in it: how long after the start of the process it came.

    Args:
        task: "kind" names a function of `tasks`; the rest are its arguments.
        timeout: Seconds after which the process is ended.
        threads: For the libraries that compute.

    Raises:
        ModelError: The task failed, or took too long.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = _start(threads, errors)
        late = threading.Event()
        timer = threading.Timer(timeout, _end, (process, late))
        timer.start()
        try:
            yield from _events(process, task, started)
            _require_success(process, late.is_set(), timeout, errors)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _start(threads: int, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "phi3v_tui.bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
        # Ctrl+C is for the benchmark, which then ends its children.
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _events(process: subprocess.Popen[bytes], task: Event, started: float) -> Iterator[Event]:
    assert process.stdin is not None
    assert process.stdout is not None
    # Left open: the child ends when it closes.
    process.stdin.write(json.dumps(task).encode() + b"\n")
    process.stdin.flush()
    for line in process.stdout:
        event = json.loads(line)
        if "error" in event:
            raise ModelError(event["error"], event["remedy"])
        yield event | {"seconds": time.monotonic() - started}


def _require_success(
    process: subprocess.Popen[bytes], late: bool, timeout: float, errors: IO[bytes]
) -> None:
    if process.wait() == 0:
        return
    if late:
        raise ModelError(
            f"It took longer than {timeout:.0f} seconds and was stopped.",
            "Choose a smaller checkpoint, fewer inputs, or a longer --timeout.",
        )
    errors.seek(0)
    words = errors.read().decode("utf-8", "replace").strip()
    _log.error("A process of the benchmark failed:\n%s", words)
    last = words.splitlines()[-1] if words else f"status {process.returncode}"
    raise ModelError(f"A process of the benchmark failed: {last}.", "The log file says more.")


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except BrokenPipeError:
            # The child is gone, and with it what it was still to read.
            return
