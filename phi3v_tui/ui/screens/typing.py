"""The part of the chat that keeps the prompt at hand, and says what keys do now."""

from abc import abstractmethod
from collections.abc import Sequence

from textual import events, on

from phi3v_tui.ui.clickable import AROUND_KEYS, actions, clickable, fitting
from phi3v_tui.ui.hints import is_row
from phi3v_tui.ui.keys import EVERYWHERE, KEYS
from phi3v_tui.ui.screens.attaching import AttachingScreen
from phi3v_tui.ui.widgets.composer import TYPING_KEYS, Composer
from phi3v_tui.ui.widgets.path_completion import PathCompletion
from phi3v_tui.ui.widgets.transcript_view import MESSAGE_KEYS, TranscriptView

_CLICKS = actions(TYPING_KEYS) | actions([*KEYS, *EVERYWHERE, *MESSAGE_KEYS], "screen")


class TypingScreen(AttachingScreen):
    """What is typed or pasted goes into the prompt, unless it means something else here."""

    def on_mount(self) -> None:
        """Take what is typed; whatever takes time comes later."""
        self.composer.focus()
        for part, name in ((self.status, "activity"), (self.attachment_bar, "attachments")):
            self.watch(part, name, self.hint)

    def on_key(self, event: events.Key) -> None:
        """Let people type on where something else has the keys, but means nothing by this one."""
        if event.is_printable and event.character and event.key not in self.active_bindings:
            event.stop()
            self.set_focus(self.composer)
            self.composer.insert(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted while something else has the keys."""
        self.set_focus(self.composer)
        self.composer.post_message(events.Paste(event.text))

    @on(Composer.Changed)
    @on(PathCompletion.Toggled)
    @on(TranscriptView.MessageChosen)
    @on(events.DescendantFocus)
    @on(events.Resize)
    def hint(self) -> None:
        """Say below the prompt what can be done now; a click does it."""
        room = self.composer.outer_size.width - AROUND_KEYS
        clicks = _CLICKS
        if self.composer.completion.is_open:
            clicks = {}  # they would send; the names can be clicked
        elif is_row(self.focused):
            clicks = actions(self.focused.BINDINGS, "focused")
        self.composer.border_subtitle = clickable(fitting(self.hints(), room), clicks)

    @abstractmethod
    def hints(self) -> Sequence[str]:
        """What can be done now, what matters most first."""
