"""`phi3v-tui bench` with real child processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phi3v_tui import cli
from phi3v_tui.bench import processes
from phi3v_tui.errors import ModelError

BENCH = [sys.executable, "-m", "phi3v_tui", "bench", "--device", "cpu"]
WORKER = [sys.executable, "-m", "phi3v_tui.bench.worker"]
NOWHERE = {"random": None, "model": "no-such-model", "device": "cpu", "dtype": "auto", "cache": ""}
DEMO = NOWHERE | {"model": "demo"}


def bench(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*BENCH, *arguments], capture_output=True, text=True, timeout=300)


def test_from_command_to_table(tmp_path):
    path = tmp_path / "results.json"
    flags = ["--random", "small", "--repeats", "1", "--systems", "transformers,ours"]
    result = bench(*flags, "--inputs", "text", "--threads", "1", "--json", str(path))
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    assert "repeat 1 of 1: ours" in result.stderr
    assert "transformers  16 of 16 equal" in result.stdout
    assert "64 tokens: first token, s" in result.stdout
    found = json.loads(path.read_text())
    assert all(check["right"] for check in found["checks"])
    one, other = found["runs"]
    assert {one["system"], other["system"]} == {"transformers", "ours"}
    assert one["process"] != other["process"]
    replies = [run["conversations"]["text"][0] for run in (one, other)]
    assert replies[0]["prompt_tokens"] == replies[1]["prompt_tokens"]
    for run in (one, other):
        assert run["failures"] == {}
        assert min(run["ready"], run["memory"], run["bandwidth"], *run["cancel"].values()) > 0


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--model", "no-such-model"], cli.FAILED, "no model folder"),
        (["--random", "tiny"], cli.USAGE, "small, medium, full"),
        (["--random", "small", "--model", "demo"], cli.USAGE, "both"),
        (["--systems", "ours,theirs"], cli.USAGE, '"theirs"'),
        (["--repeats", "0"], cli.USAGE, "repeats"),
        (["--json", "/no/such/folder/x.json"], cli.USAGE, "no folder"),
    ],
)
def test_mistakes_are_sentences_on_stderr(arguments, status, sentence):
    result = bench(*arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def children(process: int) -> set[int]:
    """Ids of its child processes."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == process:
            found.add(int(path.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_interrupting_leaves_no_children():
    with subprocess.Popen(
        [*BENCH, "--random", "small"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert b"preparing" in process.stderr.readline()
        while not (started := children(process.pid)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    for _ in range(600):
        if not any(Path(f"/proc/{child}").exists() for child in started):
            return
        time.sleep(0.05)
    pytest.fail("a child is still there")


def test_a_child_ends_with_the_benchmark(small):
    """Also where that was killed, and could end nothing."""
    setup = {"folder": str(small), "device": "cpu", "dtype": "float32", "threads": 1}
    task = {"kind": "answers", "system": "ours", "setup": setup, "names": ["switch"] * 1000}
    child = subprocess.Popen(WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(json.dumps(task).encode() + b"\n")
    child.stdin.flush()
    assert b"switch" in child.stdout.readline()
    child.stdin.close()
    assert child.wait(timeout=60) == 1
    child.stdout.close()


def test_a_child_that_takes_too_long_is_ended():
    with pytest.raises(ModelError, match="longer than 0 seconds"):
        list(processes.run(DEMO | {"kind": "prepare"}, timeout=0.01))


def test_what_a_child_says_is_raised():
    with pytest.raises(ModelError, match='no model folder "no-such-model"'):
        list(processes.run(NOWHERE | {"kind": "prepare"}, timeout=100))


def test_a_child_that_breaks_is_a_sentence_and_its_words_go_to_the_log(caplog):
    with pytest.raises(ModelError, match=r"failed: KeyError: 'poem'\. The log file says more"):
        list(processes.run({"kind": "poem"}, timeout=100))
    assert "Traceback" in caplog.text


def test_children_get_the_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    seen = {}

    def start(*_, env, **__):
        seen.update(env)
        raise InterruptedError

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(InterruptedError):
        list(processes.run(DEMO, timeout=1, threads=3))
    assert (seen["OMP_NUM_THREADS"], seen["PATH"]) == ("3", os.environ["PATH"])


def test_the_bundled_model_runs_in_float32():
    (event,) = processes.run(DEMO | {"kind": "prepare"}, timeout=100)
    assert (event["dtype"], event["context"]) == ("float32", 4096)
    assert event["weight_bytes_per_token"]["none"] > event["weight_bytes_per_token"]["int8"]
