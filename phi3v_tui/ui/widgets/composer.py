"""Where the prompt is typed."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from textual import events, on
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.interface.plain_text import typed
from phi3v_tui.ui.at_path import at_path
from phi3v_tui.ui.keys import meanings
from phi3v_tui.ui.prompt_history import PromptHistory
from phi3v_tui.ui.widgets.path_completion import PathCompletion

TYPING_KEYS = (
    Binding("enter", "send", "Send; while an answer comes, once it has ended"),
    Binding("ctrl+j,shift+enter,ctrl+enter,alt+enter", "new_line", "New line; so does \\ Enter"),
    Binding("up", "before", "At the prompt's edge: what was sent before"),
    Binding("down", "after", "At the prompt's edge: what was sent before"),
    Binding("backspace", "take_back", "If empty: takes a picture back, or what waits"),
)
"""Keys that mean more here than in other fields; the moment decides whether they do."""

_MEANINGS = meanings(TYPING_KEYS)
_SAME_BURST_SECONDS = 0.01
_BURST_GOES_ON_SECONDS = 0.04


class Composer(TextArea):
    """Several lines of prompt. Enter sends; Ctrl+J or a trailing backslash makes a line."""

    BINDINGS = [
        Binding("pageup", "screen.scroll_transcript(-1)", "Scroll the conversation up"),
        Binding("pagedown", "screen.scroll_transcript(1)", "Scroll the conversation down"),
        Binding("ctrl+home", "screen.scroll_transcript_home", "Scroll to its beginning"),
        Binding("ctrl+end", "screen.scroll_transcript_end", "Scroll to its end, and stay there"),
    ]

    @dataclass
    class PromptSubmitted(Message):
        """The person sent the text."""

        text: str

    @dataclass
    class PathsPasted(Message):
        """Paths of files were pasted or dropped; `text` is what to insert if they are no pictures.

        Attributes:
            paths: As they were read from the text; nothing is known of the files.
            text: The pasted text.
        """

        paths: list[Path]
        text: str

    @dataclass
    class PastePressed(Message):
        """Something was pasted that is no text that the terminal has: perhaps a picture.

        Attributes:
            instead: What to insert where there is no picture; may be empty.
        """

        instead: str

    class AttachmentTakenBack(Message):
        """Backspace was pressed where no text is left to delete."""

    def __init__(self, id: str) -> None:
        """Make an empty composer."""
        super().__init__(
            id=id,
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
            placeholder="Ask about a picture",
        )
        self.past = PromptHistory()
        self.completion = PathCompletion()
        self._last_key_time = 0.0
        self._submission: Timer | None = None

    def put_back(self, text: str) -> None:
        """Return a prompt, above whatever was typed since."""
        self.text = f"{text}\n\n{self.text}" if self.text and text else text or self.text
        self.move_cursor(self.document.end)

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _complete(self) -> None:
        self.completion.follow(at_path(self._line_before_cursor()))

    def complete(self, taken: PathCompletion.Taken) -> None:
        """Type a name that was taken: a folder to go on in, or a picture, which is attached.

        A picture's name stays where it is part of a sentence. Alone it would only puzzle the model.
        """
        row, column = self.cursor_location
        in_sentence = bool(row or taken.at.start)
        text = f"{taken.name} " if in_sentence else ""
        if taken.is_folder:
            text = taken.at.descended(taken.name)
        self.replace(typed(text), (row, taken.at.start), (row, column))
        if not taken.is_folder:
            self.post_message(self.PathsPasted([taken.path], ""))

    async def _on_key(self, event: events.Key) -> None:
        if self.completion.take_key(event.key):
            self._handle(event)
            return
        burst = event.time - self._last_key_time < _SAME_BURST_SECONDS
        self._last_key_time = event.time
        if self._submission is not None and (event.is_printable or event.key == "enter"):
            self._turn_submission_into_line()
        if self._means_more(event.key, burst):
            self._handle(event)
        elif _is_format_character(event.character):
            # No key that can be printed, says Textual; Persian is written with them.
            self.insert(event.character or "")
            self._handle(event)

    def _means_more(self, key: str, burst: bool) -> bool:
        """Do what a key means here and now; False if it only means what it does elsewhere."""
        match _MEANINGS.get(key):
            case "send":
                self._press_enter(burst)
            case "new_line":
                self.action_new_line()
            case "before":
                return self._step_history(-1)
            case "after":
                return self._step_history(1)
            case "take_back" if not self.text:
                self.action_take_back()
            case _:
                return False
        return True

    def action_send(self) -> None:
        """Send."""
        self._submit()

    def action_new_line(self) -> None:
        """Begin a line."""
        self.insert("\n")

    def action_take_back(self) -> None:
        """Take back a picture, or what waits."""
        self.post_message(self.AttachmentTakenBack())

    def focus_on_click(self) -> bool:
        """Keys that its edge names may be those of something else, such as a chosen message."""
        return self.app.mouse_position.y != self.region.bottom - 1

    def _step_history(self, by: int) -> bool:
        """Show another prompt, if the cursor stands at the edge; says whether there was one."""
        at_edge = self.cursor_at_first_line if by < 0 else self.cursor_at_last_line
        text = self.past.step(by, self.text) if at_edge else None
        if text is None:
            return False
        self.text = text
        self.move_cursor(self.document.end if by < 0 else (0, 0))
        return True

    def _handle(self, event: events.Event) -> None:
        event.prevent_default()
        event.stop()

    def _press_enter(self, burst: bool) -> None:
        if self._line_before_cursor().endswith("\\"):
            self.action_delete_left()
            self.insert("\n")
        elif burst:
            # Without bracketed paste a pasted line end arrives as Enter, amid other keys.
            self._submission = self.set_timer(_BURST_GOES_ON_SECONDS, self._submit)
        else:
            self._submit()

    def _line_before_cursor(self) -> str:
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def _turn_submission_into_line(self) -> None:
        assert self._submission is not None
        self._submission.stop()
        self._submission = None
        self.insert("\n")

    def _submit(self) -> None:
        self._submission = None
        self.post_message(self.PromptSubmitted(self.text))

    def action_paste(self) -> None:
        """Paste a picture or, where there is none, what was copied within the app."""
        self.post_message(self.PastePressed(self.app.clipboard))

    async def _on_paste(self, event: events.Paste) -> None:
        self._handle(event)
        text = typed(event.text)
        if not event.text:  # what a terminal makes of a picture
            self.post_message(self.PastePressed(""))
        elif paths := paths_in(event.text):  # names of files keep their own Unicode form
            self.post_message(self.PathsPasted(paths, text))
        else:
            self.insert(text)


def _is_format_character(character: str | None) -> bool:
    """Whether it is typed and shows nothing itself, such as a joiner between letters."""
    return character is not None and unicodedata.category(character) == "Cf"
