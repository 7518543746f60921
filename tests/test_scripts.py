"""What measures the app still starts it."""

import sys

from tests.support.terminal import Terminal, app_environ


def test_the_app_with_a_paced_engine_answers_and_its_loop_is_watched(tmp_path):
    late = tmp_path / "late"
    late.touch()
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-m", "scripts.paced_app", str(tmp_path), "--tokens", "5"]
    with Terminal([*command, "--late", str(late)], environ=app_environ(home)) as app:
        app.wait_for("F1 help")
        app.type("Hello")
        app.press("enter")
        app.wait_for("The chart shows how prices")
        app.press("ctrl+q")
        assert app.wait_for_end() == 0
    assert late.read_text(), "nobody wrote down how late the loop was"
