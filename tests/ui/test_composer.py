"""Typing a prompt."""

import pytest
from textual import events
from textual.app import App, ComposeResult

from phi3v_tui.ui.widgets.composer import Composer
from tests.ui.steps import wait_until


class ComposerApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer("composer")

    def on_composer_prompt_submitted(self, message: Composer.PromptSubmitted) -> None:
        self.sent.append(message.text)

    @property
    def text(self) -> str:
        return self.query_one(Composer).text


def _keys_at_once(app: ComposerApp, text: str) -> None:
    """What a terminal without bracketed paste sends for pasted text."""
    for character in text:
        key = "enter" if character == "\n" else character
        app.query_one(Composer).post_message(events.Key(key, character))


async def test_enter_sends():
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("h", "i")
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.sent == ["hi"])


async def test_joiners_between_letters_are_typed():
    app = ComposerApp()
    async with app.run_test() as pilot:
        for character in "\u0645\u06cc\u200c\u062e \u200d":
            app.query_one(Composer).post_message(events.Key("any", character))
        await wait_until(pilot, lambda: app.text == "\u0645\u06cc\u200c\u062e \u200d")


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "ctrl+enter", "alt+enter"])
async def test_newline_keys_do_not_send(key: str):
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b")
        assert app.text == "a\nb"
        assert app.sent == []


async def test_trailing_backslash_and_enter_make_a_line():
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("a", "backslash", "enter", "b")
        assert app.text == "a\nb"
        assert app.sent == []


async def test_unbracketed_paste_of_lines_is_not_sent_at_its_first_line():
    app = ComposerApp()
    async with app.run_test() as pilot:
        _keys_at_once(app, "one\ntwo")
        await wait_until(pilot, lambda: app.text == "one\ntwo")
        assert app.sent == []


async def test_keys_and_enter_in_one_burst_are_sent():
    app = ComposerApp()
    async with app.run_test() as pilot:
        _keys_at_once(app, "one\n")
        await wait_until(pilot, lambda: app.sent == ["one"])


async def test_pasted_line_ends_and_control_characters_are_cleaned_up():
    app = ComposerApp()
    async with app.run_test() as pilot:
        app.query_one(Composer).post_message(events.Paste("a\r\nb\rc\x1b[31m"))
        await wait_until(pilot, lambda: app.text == "a\nb\nc[31m")


async def test_typing_an_umlaut_and_deleting_goes_in_once():
    app = ComposerApp()
    async with app.run_test() as pilot:
        await pilot.press("ü", "x", "backspace")
        assert app.text == "ü"


async def test_a_key_that_is_of_no_use_here_goes_on_to_others():
    class Around(ComposerApp):
        BINDINGS = [("ctrl+c", "tell", "Tell")]

        def action_tell(self) -> None:
            self.sent.append("told")

    app = Around()
    async with app.run_test() as pilot:
        await pilot.press("a", "ctrl+c")
        await wait_until(pilot, lambda: app.sent == ["told"])
        app.query_one(Composer).select_all()
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: app.clipboard == "a")
        assert app.sent == ["told"]
