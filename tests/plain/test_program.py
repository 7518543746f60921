"""The real program, line by line, on the bundled model: on a terminal and in a script."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw

from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.store.history import History
from tests.support.terminal import ROOT, Terminal, app_environ

COMMAND = [sys.executable, "-m", "phi3v_tui", "--model", "demo", "--device", "cpu"]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def circle(home):
    image = Image.new("RGB", (320, 320), "white")
    ImageDraw.Draw(image).ellipse((80, 80, 240, 240), fill="red")
    image.save(home / "circle.png")
    return home / "circle.png"


def _asks(screen):
    return screen.rstrip().endswith("You:")


def _press_ctrl_c(terminal, until):
    """Press it at a prompt; again where readline was just about to wait, when it hears nothing."""
    for seconds in (10, 10, 90):
        terminal.press("ctrl+c")
        with contextlib.suppress(AssertionError):
            until(seconds)
            return
    raise AssertionError(f"Ctrl+C is not heard:\n{terminal.text}")


def latest(home):
    return History(home / "data" / "phi3v-tui" / "history.sqlite3").latest()


def test_a_pipe_is_a_script(home, circle):
    script = f"/attach {circle}\nWhat colour is the circle?\n/quit\nnever\n"
    run = subprocess.run(
        COMMAND,
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | app_environ(home) | {"TERM": "xterm-256color"},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Demo model:\n")
    assert "red" in run.stdout
    assert "Picture 1 attached" in run.stderr
    assert "\x1b" not in run.stdout + run.stderr
    assert "never" not in run.stdout


def test_what_fails_in_a_script_is_its_status(home):
    run = subprocess.run(
        COMMAND,
        input="/attach nothing.png\n",
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | app_environ(home),
    )
    assert run.returncode == 1
    assert "nothing.png" in run.stderr


@pytest.mark.parametrize("arguments", [["--plain"], []], ids=["asked", "dumb"])
def test_on_a_terminal(home, circle, arguments):
    environ = app_environ(home) | ({} if arguments else {"TERM": "dumb"})
    command = [*COMMAND, *arguments, str(circle)]
    ended = []
    with Terminal(command, 100, 30, environ=environ, folder=home) as terminal:
        terminal.wait_for(_asks)
        terminal.type("What colour \\")
        terminal.press("enter")
        terminal.wait_for("\n...")
        terminal.type("is the circle?")
        terminal.press("enter")
        terminal.wait_for("red")
        terminal.wait_for(lambda screen: " seconds; context" in screen)
        terminal.wait_for(_asks)
        _press_ctrl_c(terminal, lambda seconds: ended.append(terminal.wait_for_end(seconds)))
    assert ended == [0]
    prompt, reply = latest(home).path()
    assert prompt.message.text == "What colour \nis the circle?"
    assert (reply.state, "red" in reply.message.text) == (TurnState.STOP, True)


def test_ctrl_c_sets_a_prompt_aside_and_up_brings_it_back(home):
    with Terminal([*COMMAND, "--plain"], 100, 30, environ=app_environ(home), folder=home) as term:
        term.wait_for(_asks)
        term.type("Hello there")
        term.wait_for("You: Hello there")
        _press_ctrl_c(term, lambda seconds: term.wait_for("Ctrl+C again ends", seconds))
        term.wait_for(_asks)
        term.press("up")
        term.wait_for(lambda screen: screen.rstrip().endswith("You: Hello there"))
        term.press("enter")
        term.wait_for(" seconds; context")
    assert latest(home).path()[0].message.text == "Hello there"


def _hang_up_on(terminal):
    """Send the signal at a prompt; again where readline was just about to wait."""
    for seconds in (10, 10, 90):
        os.kill(terminal.pid, signal.SIGHUP)
        with contextlib.suppress(AssertionError):
            return terminal.wait_for_end(seconds)
    raise AssertionError("The hangup is not heard.")


def test_a_closed_terminal_keeps_what_was_said(home):
    with Terminal([*COMMAND, "--plain"], 100, 30, environ=app_environ(home), folder=home) as term:
        term.wait_for(_asks)
        term.type("Hello")
        term.press("enter")
        term.wait_for(" seconds; context")
        term.wait_for(_asks)
        assert _hang_up_on(term) == 128 + signal.SIGHUP
    assert latest(home).path()[0].message.text == "Hello"


_TOLD_AGAIN = """
import signal
from phi3v_tui.cli.program import main
from phi3v_tui.plain.session import PlainSession

keep = PlainSession.keep_before_leaving

def keep_amid_a_hangup(session):
    signal.raise_signal(signal.SIGHUP)
    keep(session)
    print("All is kept.", flush=True)

PlainSession.keep_before_leaving = keep_amid_a_hangup
main()
"""


def test_a_hangup_that_is_told_of_again_does_not_end_the_saving(home):
    command = [sys.executable, "-c", _TOLD_AGAIN, *COMMAND[3:], "--plain"]
    with Terminal(command, 100, 30, environ=app_environ(home), folder=home) as term:
        term.wait_for(_asks)
        assert _hang_up_on(term) == 128 + signal.SIGHUP
        assert "All is kept." in term.text


def test_a_pipe_that_is_no_utf_8_is_read_all_the_same(home):
    run = subprocess.run(
        COMMAND,
        input=b"hello caf\xe9\n",
        capture_output=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | app_environ(home) | {"PYTHONIOENCODING": "utf-8:strict"},
    )
    assert run.returncode == 0
    assert latest(home).path()[0].message.text == "hello caf\ufffd"
