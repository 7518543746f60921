"""Measure the interface on a real pseudo-terminal: `make measure`.

First paint, how long a key takes to its echo, CPU time and bytes to the terminal for each token
with short and long conversations, opening a long one, and a folder of 20,000 pictures. Times are
for this machine; compare them within one run.
"""

import argparse
import itertools
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.store.history import History
from tests.support.terminal import ROOT, Terminal, app_environ

# Letters that no answer has, so that each can be told from what streams.
LETTERS = "бгджзийлпфцчшщъыэюя"
PACED = [sys.executable, "-m", "scripts.paced_app"]
REAL = [sys.executable, "-m", "phi3v_tui", "--device", "cpu"]
Figures = dict[str, float]


@contextmanager
def running(command: list[str], home: Path, folder: Path | None = None) -> Iterator[Terminal]:
    """A command on a terminal of 120 x 40."""
    with Terminal(command, 120, 40, app_environ(home), folder) as terminal:
        yield terminal


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def echo(terminal: Terminal, count: int, pause: float = 0.05) -> Figures:
    """Milliseconds from a key to its echo, one key at a time."""
    times = []
    for letter in itertools.islice(itertools.cycle(LETTERS), count):
        before = terminal.text.count(letter)
        began = time.perf_counter()
        terminal.send(letter)
        while terminal.text.count(letter) == before:
            terminal.read(1.0)
        times.append(1000 * (time.perf_counter() - began))
        deadline = time.perf_counter() + pause
        while (left := deadline - time.perf_counter()) > 0:
            terminal.read(left)
    return {"median ms": statistics.median(times), "p95 ms": percentile(times, 0.95)}


def first_paint(home: Path) -> Figures:
    """Seconds from the command to the first picture of the app, and to a model that is ready."""
    began = time.perf_counter()
    with running([*REAL, "--model", "demo"], home) as terminal:
        terminal.wait_for("F1 help")
        painted = time.perf_counter() - began
        terminal.wait_for("context 4,096")
        return {"first paint s": painted, "model ready s": time.perf_counter() - began}


def endless_copy(folder: Path) -> Path:
    """The bundled checkpoint, made unable to end an answer: the same work for each token."""
    from safetensors.torch import load_file, save_file
    from tokenizers import Tokenizer

    from phi3v_tui.phi3v.prompt import STOP_NAMES
    from phi3v_tui.phi3v.weights import BUNDLED

    shutil.copytree(BUNDLED, folder)
    tensors = load_file(folder / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for token_id in filter(None, map(tokenizer.token_to_id, STOP_NAMES)):
        tensors["lm_head.weight"][token_id] = 0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def real_streaming(home: Path, folder: Path) -> Figures:
    """Key echo while the model of the bundled checkpoint's size answers."""
    model = str(endless_copy(folder / "endless"))
    with running([*REAL, "--model", model, "--max-new-tokens", "4000"], home) as terminal:
        terminal.wait_for("context 4,096")
        idle = echo(terminal, 40)
        terminal.press("ctrl+u")
        terminal.type("Hello")
        terminal.press("enter")
        terminal.wait_for("tok/s")
        streaming = echo(terminal, 40, pause=0.02)
        still = "tokens in" not in terminal.text
    return {
        **{f"echo idle {name}": value for name, value in idle.items()},
        **{f"echo while it answers {name}": value for name, value in streaming.items()},
        "still answering at the end": float(still),
    }


def conversation_of(messages: int, data: Path) -> None:
    """Write a history with one conversation."""
    conversation = Conversation()
    for index in range(messages // 2):
        conversation.append_user(f"Question {index + 1} about the chart")
        turn = conversation.append_reply()
        text = f"Answer {index + 1}: the bars **rise** from left to right.\n\n- one\n- two\n"
        conversation.update_reply(turn.id, text, TurnState.STOP)
    history = History(data / "history.sqlite3")
    history.save(conversation)
    history.close()


def streaming_after(messages: int, home: Path, folder: Path, tokens: int) -> Figures:
    """What a token costs at 100 tokens a second, behind so many messages."""
    data, late = folder / f"data-{messages}", folder / f"late-{messages}"
    conversation_of(messages, data)
    command = [*PACED, str(data), "--resume", "--tokens", str(tokens), "--late", str(late)]
    began = time.perf_counter()
    with running(command, home) as terminal:
        terminal.wait_for(f"Answer {messages // 2}")
        opened = time.perf_counter() - began
        terminal.wait_for("context")
        terminal.type("Hello")
        settle(terminal)
        late.write_text("")
        bytes_before, cpu_before = terminal.received, cpu_seconds(terminal.pid)
        terminal.press("enter")
        terminal.wait_for("tokens in")
        settle(terminal)
        return {
            "opened s": opened,
            "CPU ms per token": 1000 * (cpu_seconds(terminal.pid) - cpu_before) / tokens,
            "bytes per token": (terminal.received - bytes_before) / tokens,
            "longest stall ms": 1000 * float(late.read_text()),
        }


def opening(home: Path, folder: Path) -> Figures:
    """Seconds until the app shows nothing, and until it shows the end of 5,000 messages."""
    data = folder / "data-opening"
    conversation_of(5000, data)
    times: dict[bool, list[float]] = {True: [], False: []}
    for resume in (True, False) * 3:
        began = time.perf_counter()
        with running([*PACED, str(data), *(["--resume"] if resume else [])], home) as terminal:
            terminal.wait_for("Answer 2500" if resume else "F1 help")
            times[resume].append(time.perf_counter() - began)
    empty, full = statistics.median(times[False]), statistics.median(times[True])
    return {"empty s": empty, "5,000 messages s": full, "difference s": full - empty}


def settle(terminal: Terminal, seconds: float = 2.0) -> None:
    """Let what is under way come to its end; the cursor blinks on, so it is never quite still."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        terminal.read(left)


def large_folder(home: Path, folder: Path) -> Figures:
    """How long the event loop stalls while a folder of 20,000 pictures is opened and filtered."""
    pictures, late = folder / "pictures", folder / "late-pictures"
    pictures.mkdir()
    Image.new("RGB", (64, 64), "red").save(pictures / "picture 00000.png")
    for index in range(1, 20_000):
        os.link(pictures / "picture 00000.png", pictures / f"picture {index:05}.png")
    command = [*PACED, str(folder / "data-pictures"), "--late", str(late)]
    with running(command, home, pictures) as terminal:
        terminal.wait_for("context")
        settle(terminal)
        late.write_text("")
        terminal.press("ctrl+o")
        terminal.wait_for("picture 00")
        settle(terminal)
        opened = float(late.read_text())
        late.write_text("")
        terminal.type("19987")
        terminal.wait_for("picture 19987.png")
        settle(terminal)
        return {
            "opening: longest stall ms": 1000 * opened,
            "filtering: longest stall ms": 1000 * float(late.read_text()),
        }


def measurements(home: Path, folder: Path) -> dict[str, Callable[[], Figures]]:
    """What is measured, by name."""
    return {
        "start": lambda: first_paint(home),
        "bundled model": lambda: real_streaming(home, folder),
        **{
            f"{count:,} messages": lambda count=count: streaming_after(count, home, folder, 1000)
            for count in (10, 1000, 5000)
        },
        "opening": lambda: opening(home, folder),
        "20,000 pictures": lambda: large_folder(home, folder),
    }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="names of measurements")
    parser.add_argument("--json", type=Path, help="file for the figures")
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name, "home"), Path(name, "work")
        home.mkdir()
        folder.mkdir()
        for title, measure in measurements(home, folder).items():
            if args.only and title not in args.only:
                continue
            figures[title] = measure()
            for figure, value in figures[title].items():
                print(f"| {title} | {figure} | {value:.3g} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
