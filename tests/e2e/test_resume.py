"""One conversation, now in the app, now line by line, on the bundled checkpoint."""

import contextlib
import re

from phi3v_tui.store.history import History
from tests.e2e.conftest import ask

PICTURE_TOKENS = 145
"""What one of the pictures takes at least."""


def _say(plain, text: str) -> str:
    """Type a line in the plain mode, and give what comes until it asks for the next one."""
    before = plain.text.count("You:")
    plain.type(text)
    plain.press("enter")
    screen = plain.wait_for(
        lambda screen: screen.rstrip().endswith("You:") and plain.text.count("You:") > before
    )
    return screen.rpartition(text)[2]


def test_app_then_plain_then_app(start, home, circle, square):
    app = start(size=(100, 40))
    app.wait_for("context 4,096")
    for text, said in (
        ("/set seed 7", "seed is 7"),
        ("/system You are kind.", "system_prompt is You"),
        ("/crops 4", "num_crops is 4"),
    ):
        app.type(text)
        app.press("enter")
        app.wait_for(said)
    app.paste(str(circle))
    app.wait_for("1 circle.png")
    assert "red" in ask(app, "What colour is the circle?")
    app.press("ctrl+r")
    app.wait_for("‹2/2›")
    app.wait_for(lambda screen: " tokens in " in screen.rpartition("‹2/2›")[2])
    app.press("ctrl+q")
    assert app.wait_for_end() == 0

    plain = start("--plain", "--resume", size=(100, 40))
    screen = plain.wait_for(lambda screen: screen.rstrip().endswith("You:"))
    assert "You, with circle.png:" in screen
    assert "It goes by seed 7 · num_crops 4 · own system prompt." in screen
    assert "red" in _say(plain, "What colour is the circle?")
    assert "Picture 2 attached: my square.png" in _say(plain, f"/attach {square}")
    assert "blue" in _say(plain, "Describe the second picture.")
    plain.type("/quit")
    plain.press("enter")
    assert plain.wait_for_end() == 0

    app = start("--resume", size=(100, 40))
    app.wait_for("Describe the second picture.")
    app.wait_for("2 my square.png")
    app.wait_for("‹2/2›")
    app.wait_for("seed 7 · num_crops 4 · own system prompt")
    taken = re.search(r"context (\d+) of 4,096", app.wait_for(re.compile(r"context \d+ of").search))
    assert taken is not None
    assert int(taken[1]) > 2 * PICTURE_TOKENS
    assert ask(app, "What can you do?")
    app.press("ctrl+q")
    assert app.wait_for_end() == 0

    with contextlib.closing(History(home / "data" / "phi3v-tui" / "history.sqlite3")) as history:
        assert len(history.conversations()) == 1
        kept = history.latest()
    path = kept.path()
    assert [len(turn.message.attachments) for turn in path[::2]] == [1, 0, 1, 0]
    assert [len(kept.branches(turn.id)) for turn in path] == [1, 2, 1, 1, 1, 1, 1, 1]
    assert {turn.model for turn in path[1::2]} == {"Demo model"}
    assert (kept.sampling.seed, kept.num_crops) == (7, 4)
    assert kept.system_prompt == "You are kind."
