"""Messages from old to new, of which some neighbouring ones are widgets."""

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.ui.widgets.message_view import (
    AnswerView,
    Entry,
    MessageView,
    NoteView,
    view_of,
)
from phi3v_tui.ui.widgets.welcome import Welcome

LIVE_MESSAGES = 24
"""Messages that are widgets at once: each costs time whenever anything is added."""

MOST_LIVE = 2 * LIVE_MESSAGES
"""Where a person looks back, as many more."""

_PASSING = (MessageView, NoteView)


class OtherMessages(Static, can_focus=True):
    """The row that stands for messages above or below."""

    BINDINGS = [Binding("enter,space", "bring", "Show")]

    class Wanted(Message):
        """The person wants to see some of them."""

        def __init__(self, row: "OtherMessages") -> None:
            """Say which ones."""
            super().__init__()
            self.row = row

    def __init__(self, arrow: str, words: str) -> None:
        """Stand for none yet.

        Args:
            arrow: Points to where they are.
            words: "earlier" or "later".
        """
        super().__init__(markup=False)
        self._arrow = arrow
        self._words = words

    def action_bring(self) -> None:
        """Bring some of them back."""
        self.post_message(self.Wanted(self))

    def on_click(self) -> None:
        """Bring some of them back."""
        self.action_bring()

    def count(self, hidden: int) -> None:
        """Say how many there are."""
        noun = "message" if hidden == 1 else "messages"
        self.update(
            f"{self._arrow} {hidden:,} {self._words} {noun}: click or press Enter to show more"
        )
        self.display = hidden > 0


class MessageWindow(VerticalScroll, can_focus=False):
    """A long row of messages, of which a window is shown; rows stand for those beyond it."""

    def __init__(self, id: str) -> None:
        """Start without messages."""
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self._start = self._end = 0
        # Widgets come and go in several steps, and a worker may want to while a message does.
        self._changing = asyncio.Lock()
        self._earlier = OtherMessages("▲", "earlier")
        self._later = OtherMessages("▼", "later")

    def compose(self) -> ComposeResult:
        """A greeting, until there are messages."""
        yield self._earlier
        yield Welcome()
        yield self._later

    def on_mount(self) -> None:
        """Greet."""
        self._count()

    async def show(self, entries: list[Entry]) -> None:
        """Show these messages instead of those before, and the end of them."""
        async with self._changing:
            self.entries = list(entries)
            await self._show_from(max(0, len(entries) - LIVE_MESSAGES))
        self.anchor(bool(entries))

    async def add(self, entry: Entry) -> None:
        """Show one more message, and let go of the oldest ones."""
        async with self._changing:
            await self._go_to_end()
            self.entries.append(entry)
            self._end += 1
            await self.mount(view_of(entry), before=self._later)
            await self._let_go_of_first(self._end - self._start - LIVE_MESSAGES)
            self._count()
        self.anchor()

    async def add_note(self, text: str, is_error: bool = False, before: str = "") -> None:
        """Show a sentence of the app itself, at the end or before the message of a turn."""
        await self.mount(NoteView(text, is_error), before=self.view(before) or self._later)

    async def remove_last(self, count: int) -> None:
        """Take the last messages out."""
        if count <= 0:
            return
        async with self._changing:
            await self._go_to_end()
            del self.entries[len(self.entries) - count :]
            self._end = len(self.entries)
            if self._end <= self._start:
                await self._show_from(max(0, self._end - LIVE_MESSAGES))
            await self.remove_children(self.views()[self._end - self._start :])
            self._count()

    def update_last(self, entry: Entry) -> None:
        """Keep what the last message has become."""
        self.entries[-1] = entry

    def view(self, turn_id: str) -> MessageView | None:
        """The widget of a turn, if it is one of those that have a widget."""
        return next((view for view in self.views() if view.entry.turn.id == turn_id), None)

    def answer(self, turn_id: str) -> AnswerView | None:
        """The widget of a reply, if it is one of those that have a widget."""
        view = self.view(turn_id)
        return view if isinstance(view, AnswerView) else None

    async def go_to(self, turn_id: str) -> MessageView:
        """Make sure that a turn has a widget."""
        async with self._changing:
            index = self.index(turn_id)
            if not self._start <= index < self._end:
                await self._show_from(max(0, index - LIVE_MESSAGES // 2))
            return self.views()[index - self._start]

    def scroll_pages(self, pages: int) -> None:
        """Scroll by a page; at an edge, bring the messages beyond it."""
        if pages < 0 and self.scroll_y <= 0:
            self.bring_earlier()
        elif pages > 0 and self.scroll_y >= self.max_scroll_y:
            self.bring_later()
        elif pages < 0:
            self.scroll_page_up(animate=False)
        else:
            self.scroll_page_down(animate=False)

    async def scroll_to_edge(self, edge: int) -> None:
        """Go to the first message (-1), or to the last one and stay there (1)."""
        if edge < 0:
            self.release_anchor()
            async with self._changing:
                if self._start > 0:
                    await self._show_from(0)
            self.call_after_refresh(self.scroll_home, animate=False)
        else:
            async with self._changing:
                await self._go_to_end()
            self.anchor()

    def on_mouse_scroll_up(self) -> None:
        """Bring earlier messages once the wheel is at the top."""
        if self.scroll_y <= 0:
            self.bring_earlier()

    def on_mouse_scroll_down(self) -> None:
        """Bring later messages once the wheel is at the bottom."""
        if self.scroll_y >= self.max_scroll_y:
            self.bring_later()

    @on(OtherMessages.Wanted)
    def _bring(self, message: OtherMessages.Wanted) -> None:
        if message.row is self._earlier:
            self.bring_earlier()
        else:
            self.bring_later()

    @work
    async def bring_earlier(self) -> None:
        """Show some of the earlier messages, and keep in sight those that are."""
        if self._start == 0 or self._changing.locked():
            return
        async with self._changing:
            first, end = self.views()[0], self._start
            self._start = max(0, end - LIVE_MESSAGES)
            earlier = map(view_of, self.entries[self._start : end])
            await self.mount_all(earlier, before=first)
            await self._let_go_of_last(self._end - self._start - MOST_LIVE)
            self._count()
        self.release_anchor()
        self.call_after_refresh(first.scroll_visible, animate=False, top=True)

    @work
    async def bring_later(self) -> None:
        """Show some of the later messages, and keep in sight those that are."""
        if self._end == len(self.entries) or self._changing.locked():
            return
        self.release_anchor()
        async with self._changing:
            last, start = self.views()[-1], self._end
            self._end = min(len(self.entries), start + LIVE_MESSAGES)
            later = map(view_of, self.entries[start : self._end])
            await self.mount_all(later, before=self._later)
            await self._let_go_of_first(self._end - self._start - MOST_LIVE)
            self._count()
        self.call_after_refresh(last.scroll_visible, animate=False)

    async def _go_to_end(self) -> None:
        if self._end < len(self.entries):
            await self._show_from(max(0, len(self.entries) - LIVE_MESSAGES))

    async def _show_from(self, start: int) -> None:
        await self.remove_children(
            [child for child in self.children if isinstance(child, _PASSING)]
        )
        self._start, self._end = start, min(len(self.entries), start + LIVE_MESSAGES)
        live = self.entries[self._start : self._end]
        await self.mount_all(map(view_of, live), before=self._later)
        self._count()

    async def _let_go_of_first(self, count: int) -> None:
        if count <= 0:
            return
        self._start += count
        keep_from = self.children.index(self.views()[count])
        gone = [child for child in self.children[:keep_from] if isinstance(child, _PASSING)]
        await self.remove_children(gone)

    async def _let_go_of_last(self, count: int) -> None:
        if count <= 0:
            return
        self._end -= count
        gone_from = self.children.index(self.views()[-count])
        gone = [child for child in self.children[gone_from:] if isinstance(child, _PASSING)]
        await self.remove_children(gone)

    def views(self) -> list[MessageView]:
        """Those that are widgets."""
        return [child for child in self.children if isinstance(child, MessageView)]

    def index(self, turn_id: str) -> int:
        """The place of a turn's message among all of them."""
        return next(i for i, entry in enumerate(self.entries) if entry.turn.id == turn_id)

    def views_changed(self) -> None:
        """Called when other messages have become widgets."""

    def _count(self) -> None:
        self._earlier.count(self._start)
        self._later.count(len(self.entries) - self._end)
        self.views_changed()
        self.query_one(Welcome).display = not self.entries
        self.set_class(not self.entries, "-empty")
