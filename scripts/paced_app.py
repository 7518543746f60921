"""The app with an engine that speaks at a given pace, for `measure_terminal.py`.

What the model costs is left out, so that what the interface costs can be seen. The longest that
the event loop did not listen is written to a file, again and again.
"""

import argparse
import asyncio
import inspect
import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from phi3v_tui.engine.base import Limits, Request
from phi3v_tui.engine.events import FinishReason, StreamEvent
from phi3v_tui.interface.terminal import leave
from phi3v_tui.local_models import LocalModels
from phi3v_tui.settings import Settings
from phi3v_tui.ui import app as app_module
from phi3v_tui.ui.app import Phi3VApp
from tests.ui.scripted_engine import ScriptedEngine

TICK_SECONDS = 0.002
WORDS = "The chart shows how prices rose over the year, and then **fell** a little in autumn. "


class PacedEngine(ScriptedEngine):
    """Says prose, a word a token."""

    def __init__(self, tokens_per_second: float, tokens: int) -> None:
        super().__init__()
        self._pause = 1 / tokens_per_second
        self._count = tokens

    def limits(self) -> Limits | None:
        """Room for the longest conversation."""
        known = super().limits()
        return known and replace(known, context_length=10_000_000)

    def stream(self, request: Request, emit: Callable[[StreamEvent], None]) -> None:
        super().stream(request, emit)
        threading.Thread(target=self._speak, daemon=True).start()

    def _speak(self) -> None:
        began = time.monotonic()
        words = itertools.cycle(WORDS.split(" ")[:-1])
        for index in range(self._count):
            time.sleep(max(0.0, began + index * self._pause - time.monotonic()))
            self.say(next(words) + ("\n\n" if index % 80 == 79 else " "))
        self.finish(FinishReason.STOP)


async def watch_loop(file: Path) -> None:
    """Write down the longest that the event loop was late; begin anew when the file is emptied."""
    longest = 0.0
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late = time.monotonic() - due
        if file.exists() and not file.stat().st_size:
            longest = late = 0.0
            file.write_text("0")
        if late > longest:
            longest = late
            file.write_text(f"{longest:.4f}")


class WatchedApp(Phi3VApp):
    """The app, with a clock beside it."""

    CSS_PATH = Path(inspect.getfile(Phi3VApp)).parent / "app.tcss"
    late: Path

    def on_ready(self) -> None:
        """Start the clock."""
        self._watching = asyncio.create_task(watch_loop(self.late))


def main() -> None:
    """Parse the command line and run the app."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the history")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--rate", type=float, default=100, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--late", type=Path, help="file for the longest wait of the event loop")
    args = parser.parse_args()
    if args.late:
        WatchedApp.late = args.late
        app_module.Phi3VApp = WatchedApp  # type: ignore[misc]
    engine = PacedEngine(args.rate, args.tokens)
    settings = Settings(data_dir=args.data)
    models = LocalModels(settings, lambda *_: engine)
    leave(app_module.run(engine, settings, models, [], args.resume))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
