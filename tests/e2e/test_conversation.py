"""A conversation from the first key to the next day."""

import pytest

from tests.e2e.conftest import SIZES, ask, below, stored_replies
from tests.support.terminal import Terminal


@pytest.mark.parametrize("size", SIZES)
def test_pictures_by_path_and_picker_three_turns_and_found_again(start, home, circle, square, size):
    app = start(size=size)
    app.wait_for("F1 help")
    app.paste(str(circle))
    app.wait_for("circle.png")
    assert "red" in ask(app, "What colour is the circle?")
    app.press("ctrl+o")
    app.wait_for("my square.png")
    app.type("square")
    app.wait_for(lambda screen: "circle.png" not in below(screen, "Attach a picture"))
    app.press("enter")
    app.wait_for("2 my square.png")
    assert "blue" in ask(app, "Describe the second picture.")
    assert ask(app, "What can you do?")
    app.press("ctrl+q")
    assert app.wait_for_end() == 0
    assert [state for _, state in stored_replies(home)] == ["stop"] * 3

    app = start("--resume", size=size)
    app.wait_for("What can you do?")
    app.press("ctrl+q")
    assert app.wait_for_end() == 0
    assert "Traceback" not in app.text


def test_picture_named_on_the_command_line(start, circle):
    app = start(str(circle))
    app.wait_for("circle.png")
    assert "circle" in ask(app, "What is in this picture?")


def test_stop_keeps_what_has_come(start, home, endless):
    app = start(model=endless)
    app.wait_for("F1 help")
    app.type("Hello")
    app.press("enter")
    app.wait_for(lambda _: any(text for text, _ in stored_replies(home)))
    app.press("escape")
    app.wait_for("stopped")
    app.press("ctrl+q")
    assert app.wait_for_end() == 0
    ((partial, state),) = stored_replies(home)
    assert partial
    assert state == "cancelled"
    app = start("--resume", model=endless)
    app.wait_for("stopped")


def test_size_may_change_while_an_answer_streams(start, home, endless):
    app = start(model=endless, size=(140, 45))
    app.wait_for("F1 help")
    app.type("Hello")
    app.press("enter")
    app.wait_for(lambda _: any(text for text, _ in stored_replies(home)))
    for columns, rows in ((60, 16), (300, 80), (40, 12), (80, 24)):
        app.resize(columns, rows)
        app.wait_for(lambda screen: "Ask about" in screen or "F1" in screen)
    app.press("escape")
    app.wait_for("stopped")


def test_path_completed_edit_branches_and_search(start, circle):
    app = start()
    app.wait_for("context 4,096")
    app.type("@cir")
    app.wait_for(lambda screen: screen.count("circle.png") == 1)
    app.press("enter")
    app.wait_for("1 circle.png  320")
    assert "red" in ask(app, "What colour is the circle?")
    choose_prompt(app)
    app.type("e")
    app.wait_for("Another version")
    app.press("ctrl+u")
    app.wait_for("Ask about a picture")
    assert "one shape" in ask(app, "Describe the picture.")
    app.wait_for("‹2/2›")
    choose_prompt(app)
    app.press("left")
    app.wait_for("‹1/2›")
    app.wait_for("What colour is the circle?")
    app.press("escape")
    app.wait_for(lambda screen: "E edits" not in screen)
    app.press("ctrl+f")
    app.wait_for("Esc closes")
    app.type("colour")
    app.wait_for("1 of 1")
    app.press("escape")
    app.wait_for(lambda screen: "1 of 1" not in screen)
    app.press("ctrl+q")
    assert app.wait_for_end() == 0


def choose_prompt(app: Terminal) -> None:
    """Choose the last prompt, a key after what the one before has shown."""
    app.press("ctrl+up")
    app.wait_for("R answers again")
    app.press("up")
    app.wait_for("E edits")
