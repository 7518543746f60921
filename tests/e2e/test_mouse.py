"""The mouse as a terminal reports it."""

from tests.e2e.conftest import ask, below


def test_clicks_choose_messages_open_pictures_and_act_on_what_is_named(start, circle):
    app = start(str(circle), size=(100, 30))
    app.wait_for("1 circle.png")
    app.click("circle.png")
    app.wait_for(lambda screen: "arrows move" in screen and "320×320" in screen)  # noqa: RUF001
    app.wheel("circle.png", down=False)
    app.wait_for("1.5")
    app.press("escape")
    app.wait_for("Ask about a picture")
    assert "red" in ask(app, "What colour is the circle?")
    app.click("What colour is")
    app.wait_for("E edits")
    app.click("E edits")
    app.wait_for("Another version")
    app.press("escape")
    app.wait_for("Ask about a picture")
    app.click("F1 help")
    app.wait_for("Esc closes")
    app.click("Esc closes")
    app.wait_for("Ask about a picture")


def test_the_wheel_scrolls_the_log_and_dragging_selects_words(start, home):
    app = start(size=(80, 24))
    app.wait_for("F1 help")
    for number in range(6):
        ask(app, f"Hello number {number}!")
    app.wait_for(lambda screen: "number 0" not in screen)
    for _ in range(20):
        app.wheel("Hello number", down=False)
    app.wait_for("Hello number 0")
    app.drag("Hello number 0", "number 0")
    app.press("ctrl+c")
    app.wait_for("Sent to the terminal's clipboard")


def test_names_are_taken_by_clicks_in_the_list_and_in_the_picker(start, circle, square):
    app = start()
    app.wait_for("F1 help")
    app.type("@cir")
    app.wait_for(lambda screen: "circle.png" in screen)
    app.click("circle.png")
    app.wait_for("1 circle.png  320")
    app.press("ctrl+o")
    app.wait_for("my square.png")
    app.click("my square.png")
    app.wait_for(lambda screen: "320" in below(screen, "Attach a picture"))
    app.click("Enter attaches")
    app.wait_for("2 my square.png")
