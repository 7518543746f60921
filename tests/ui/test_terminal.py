"""The terminal around the app, on a real pseudo-terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from phi3v_tui.store.history import History

TIMEOUT_SECONDS = 20
LOG = Path(os.environ["XDG_STATE_HOME"]) / "phi3v-tui" / "log" / "phi3v-tui.log"

# The app with an engine that has an answer half way.
SCRIPT = """
    import logging, os, sys
    from pathlib import Path
    from phi3v_tui.settings import Settings
    from phi3v_tui.ui.app import run
    from phi3v_tui.interface.terminal import leave
    from tests.ui.scripted_engine import ScriptedEngine
    from tests.ui.scripted_models import ScriptedModels

    class Halfway(ScriptedEngine):
        def stream(self, request, emit):
            super().stream(request, emit)
            self.say("Half an answer")
            os.write(2, b"stray output of a native library\\n")
            logging.getLogger("phi3v_tui.engine").error("what nobody foresaw")

    leave(run(Halfway(), Settings(data_dir=Path(sys.argv[1])), ScriptedModels(), [], False))
"""


class OnTerminal:
    """The app on a pseudo-terminal of 80 x 24."""

    def __init__(self, data_dir: Path, script: str = SCRIPT, **environ: str) -> None:
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environ}
            os.chdir(Path(__file__).parents[2])
            os.execv(sys.executable, [sys.executable, "-c", textwrap.dedent(script), str(data_dir)])

    def read_until(self, text: str) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while text.encode() not in self.output:
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.output[-2000:]!r}"
            self._read()

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def wait(self) -> int:
        """Read to the end and return the exit status, or -signal."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self.fd], [], [], TIMEOUT_SECONDS)[0]:
            os.kill(self.pid, signal.SIGKILL)
            return False
        try:
            piece = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.output += piece
        return bool(piece)


@pytest.fixture
def halfway(tmp_path):
    """The app, answering a prompt that was typed."""
    app = OnTerminal(tmp_path / "data")
    app.read_until("F1 help")
    app.type("Hello\r")
    app.read_until("Half an answer")
    yield app
    os.close(app.fd)


def _stored_answer(data_dir: Path) -> str:
    history = History(data_dir / "history.sqlite3")
    conversation = history.latest()
    history.close()
    assert conversation is not None
    return conversation.path()[-1].message.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_app_in_good_order(halfway, tmp_path, number):
    os.kill(halfway.pid, number)
    assert halfway.wait() == 128 + number
    assert _stored_answer(tmp_path / "data") == "Half an answer"
    assert b"\x1b[?1049l" in halfway.output  # the alternate screen was left
    assert b"\x1b[?25h" in halfway.output  # the cursor is back


def test_quitting_ends_with_status_0_and_stray_output_is_in_the_log(halfway, tmp_path):
    halfway.type("\x11")
    assert halfway.wait() == 0
    assert _stored_answer(tmp_path / "data") == "Half an answer"
    assert b"stray output" not in halfway.output
    assert "stray output of a native library" in LOG.read_text()
    assert b"what nobody foresaw" not in halfway.output
    assert "phi3v_tui.engine what nobody foresaw" in LOG.read_text()


def test_terminal_that_vanishes_costs_nothing(tmp_path):
    app = OnTerminal(tmp_path / "data")
    app.read_until("F1 help")
    app.type("Hello\r")
    app.read_until("Half an answer")
    os.close(app.fd)  # the kernel sends SIGHUP
    os.waitpid(app.pid, 0)
    assert _stored_answer(tmp_path / "data") == "Half an answer"


def test_log_that_cannot_be_written_keeps_nobody_from_chatting(tmp_path):
    (tmp_path / "file").touch()
    app = OnTerminal(tmp_path / "data", XDG_STATE_HOME=str(tmp_path / "file"))
    app.read_until("F1 help")
    app.type("Hello\r")
    app.read_until("Half an answer")
    app.type("\x11")
    assert app.wait() == 0
    assert b"stray output" not in app.output


def test_what_was_imported_is_not_searched_for_garbage_again_and_again(tmp_path):
    script = SCRIPT.replace("import logging, os", "import gc, logging, os").replace(
        '"Half an answer"', 'f"More than half: {gc.get_freeze_count() > len(gc.get_objects())}"'
    )
    app = OnTerminal(tmp_path / "data", script=script)
    app.read_until("F1 help")
    app.type("Hello\r")
    app.read_until("More than half: True")
    app.type("\x11")
    assert app.wait() == 0


def test_fault_of_the_app_is_one_sentence_and_the_traceback_is_in_the_log(tmp_path):
    app = OnTerminal(tmp_path / "data", script=SCRIPT.replace("def stream", "def limits"))
    app.read_until("ended because of a fault")
    assert app.wait() == 1
    assert b"Traceback" not in app.output
    assert b"\x1b[?1049l" in app.output
    assert "missing 2 required positional arguments" in " ".join(LOG.read_text().split())


def test_without_a_terminal_it_says_what_to_do_instead(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TERM": "xterm"},
        check=False,
    )
    assert done.returncode == 2
    assert "its input is not a terminal" in done.stderr
    assert "phi3v-tui ask" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
