"""The log of the conversation."""

import re

from textual import on
from textual.binding import Binding
from textual.message import Message

from phi3v_tui.ui.widgets.message_pages import MessagePages
from phi3v_tui.ui.widgets.message_view import Entry, MessageView

MESSAGE_KEYS = (
    Binding("c", "screen.with_message('copy')", "Copy it as Markdown"),
    Binding("k", "screen.with_message('copy_code')", "Copy a code block of it"),
    Binding("e", "screen.with_message('edit')", "Edit the prompt and send it again; both stay"),
    Binding("r", "screen.with_message('answer_again')", "Answer again; both stay"),
    Binding("g", "screen.with_message('go_on')", "Go on with a stopped answer"),
    Binding("left", "screen.with_message('branch_before')", "The version before"),
    Binding("right", "screen.with_message('branch_after')", "The version after"),
    Binding("f", "screen.with_message('fork')", "Fork: a new conversation up to here"),
)
"""Keys while a message is chosen."""


class TranscriptView(MessagePages, can_focus=False):
    """The log; a message of it can be chosen, and words of it marked.

    It takes the focus while a message is chosen, so that single letters do something with it.
    """

    BINDINGS = [
        Binding("up,ctrl+up,alt+up", "choose_next(-1)", "The message above"),
        Binding("down,ctrl+down,alt+down", "choose_next(1)", "The message below"),
        *MESSAGE_KEYS,
    ]

    class MessageChosen(Message):
        """A message was chosen, or the choice was given up."""

        def __init__(self, entry: Entry | None) -> None:
            """Say which one; None for none."""
            super().__init__()
            self.entry = entry

    def __init__(self, id: str) -> None:
        """Start with an empty log."""
        super().__init__(id=id)
        self._chosen: str | None = None
        self._pattern: re.Pattern[str] | None = None
        self._current: tuple[str, int] | None = None

    async def reveal(self, turn_id: str) -> None:
        """Bring a message in sight."""
        view = await self.go_to(turn_id)
        self.release_anchor()
        self.call_after_refresh(view.scroll_visible, animate=False)

    async def reveal_match(self, turn_id: str, nth: int) -> None:
        """Bring a match of what is marked in sight, and let it stand out.

        Args:
            turn_id: The message that has it.
            nth: Which of its matches, from 0.
        """
        before, self._current = self._current, (turn_id, nth)
        if before and before[0] != turn_id and (left := self.view(before[0])):
            left.mark(self._pattern)
        view = await self.go_to(turn_id)
        self.release_anchor()
        self.call_after_refresh(self._mark_and_scroll_to, view)

    def mark(self, pattern: re.Pattern[str] | None) -> None:
        """Mark what matches a pattern, or nothing any more."""
        self._pattern, self._current = pattern, None
        self._mark_all()

    def _mark_all(self) -> None:
        for view in self.views():
            view.mark(self._pattern, self._nth(view))

    def _nth(self, view: MessageView) -> int | None:
        """The match that stands out in a message, if it is one of its."""
        turn_id, nth = self._current or ("", 0)
        return nth if view.entry.turn.id == turn_id else None

    def views_changed(self) -> None:
        """Mark in what has just become widgets."""
        if self._pattern is not None:
            self.call_after_refresh(self._mark_all)

    def _mark_and_scroll_to(self, view: MessageView) -> None:
        mark = view.mark(self._pattern, self._nth(view))
        if mark is None:
            view.scroll_visible(animate=False)
        else:
            place = mark.region().translate(self.scroll_offset - self.content_region.offset)
            self.scroll_to_region(place, animate=False, center=True, x_axis=False)

    async def choose(self, turn_id: str) -> None:
        """Choose a message, so that keys do something with it."""
        self.give_up_choice()
        view = await self.go_to(turn_id)
        await self.reveal(turn_id)
        self._chosen = turn_id
        view.add_class("-chosen")
        self.can_focus = True
        self.focus(scroll_visible=False)
        self.post_message(self.MessageChosen(view.entry))

    def give_up_choice(self) -> None:
        """Choose no message any more."""
        if self._chosen is None:
            return
        for view in self.views():
            view.remove_class("-chosen")
        self._chosen = None
        self.can_focus = False
        self.post_message(self.MessageChosen(None))

    @property
    def chosen(self) -> Entry | None:
        """The message that keys do something with."""
        # While messages are taken out, the chosen one may be gone before the choice is given up.
        return next((entry for entry in self.entries if entry.turn.id == self._chosen), None)

    async def action_choose_next(self, by: int) -> None:
        """Choose the message above or below; without a choice so far, the last one."""
        if not self.entries:
            return
        last = len(self.entries) - 1
        index = last if self._chosen is None else self.index(self._chosen) + by
        await self.choose(self.entries[max(0, min(index, last))].turn.id)

    @on(MessageView.Clicked)
    async def _choose_clicked(self, message: MessageView.Clicked) -> None:
        if message.turn_id == self._chosen:
            await self.run_action("screen.stop")
        else:
            await self.choose(message.turn_id)

    def on_blur(self) -> None:
        """Choose nothing any more, unless it is the terminal that lost the focus."""
        self.call_after_refresh(self._give_up_unless_away)

    def _give_up_unless_away(self) -> None:
        if self.screen.focused not in (None, self):
            self.give_up_choice()
