"""A child process of the benchmark: takes one task from stdin, and writes events to stdout.

Task and events are JSON objects, one a line. It ends when stdin closes, so that nothing goes on
computing for a benchmark that is gone.
"""

import json
import os
import sys
import threading
from typing import Any, TextIO

from phi3v_tui.errors import Phi3VTuiError

Event = dict[str, Any]


def main() -> None:
    """Run one task."""
    # What libraries print must not stand between events.
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    # What takes seconds to import is imported when the end of stdin is heard already.
    from phi3v_tui.bench.tasks import TASKS

    try:
        for event in TASKS[task.pop("kind")](**task):
            _write(events, event)
    except Phi3VTuiError as error:
        _write(events, {"error": error.title, "remedy": error.remedy})
    # Nothing is left to do, and gigabytes need not be given back one by one.
    os._exit(0)


def _write(events: TextIO, event: Event) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
