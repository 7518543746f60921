"""The terminal goes away while the program is not the first one in it."""

import shlex

import pytest

from tests.e2e.conftest import ENDLESS_TOKENS, app_command, stored_replies
from tests.support.processes import is_there, wait_until
from tests.support.terminal import Terminal, app_environ


@pytest.mark.parametrize(("arguments", "ready"), [([], "F1 help"), (["--plain"], "You:")])
def test_a_window_that_is_closed_ends_it_also_behind_make(home, endless, arguments, ready):
    app = f"echo $$ > pid; exec {shlex.join(app_command(endless, *arguments))}"
    # Like `make run`: the system tells the first program, which waits for the app to end.
    first = ["sh", "-c", f"trap : HUP; sh -c {shlex.quote(app)}; exit"]
    environ = app_environ(home) | {"PHI3V_TUI_MAX_NEW_TOKENS": str(ENDLESS_TOKENS)}
    with Terminal(first, environ=environ, folder=home) as window:
        window.wait_for(ready)
        window.type("Hello")
        window.press("enter")
        window.wait_for(lambda _: any(text for text, _ in stored_replies(home)))
        pid = int((home / "pid").read_text())
        assert is_there(pid)
        window.hang_up()
        wait_until(lambda: not is_there(pid))
        ((partial, state),) = stored_replies(home)
        assert partial
        # On a machine too busy to end the app in good order it ends without, and keeps what it had.
        assert state in ("cancelled", "in_progress")
