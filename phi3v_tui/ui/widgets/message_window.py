"""Messages from old to new, of which some neighbouring ones are widgets."""

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget

from phi3v_tui.ui.widgets.growing import Growing
from phi3v_tui.ui.widgets.message_view import AnswerView, Entry, MessageView, NoteView, view_of
from phi3v_tui.ui.widgets.other_messages import OtherMessages
from phi3v_tui.ui.widgets.welcome import Welcome

FEWEST_LIVE = 12
"""Messages that are widgets at once, at least: each costs time whenever anything is added."""

_LEAST_ROWS = 3
"""What the shortest message takes: who speaks, a line, and a gap."""

_PASSING = (MessageView, NoteView)


class MessageWindow(Growing, VerticalScroll, can_focus=False):
    """A long row of messages, of which a window is shown; rows stand for those beyond it."""

    def __init__(self, id: str) -> None:
        """Start without messages."""
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self._start = self._end = 0
        # Widgets come and go in several steps, and a worker may want to while a message does.
        self._changing = asyncio.Lock()
        self._welcome = Welcome()
        self._earlier = OtherMessages(is_above=True)
        self._later = OtherMessages(is_above=False)

    def compose(self) -> ComposeResult:
        """A greeting, until there are messages."""
        yield self._earlier
        yield self._welcome
        yield self._later

    def on_mount(self) -> None:
        """Greet."""
        self._count()

    @property
    def live(self) -> int:
        """How many of the last messages are widgets: they fill the window, however short."""
        return max(FEWEST_LIVE, self.size.height // _LEAST_ROWS)

    @property
    def has_earlier(self) -> bool:
        """Whether there are messages above those that are widgets."""
        return self._start > 0

    @property
    def has_later(self) -> bool:
        """Whether there are messages below those that are widgets."""
        return self._end < len(self.entries)

    @property
    def is_changing(self) -> bool:
        """Whether other messages are just becoming widgets."""
        return self._changing.locked()

    async def show(self, entries: list[Entry]) -> None:
        """Show these messages instead of those before, and the end of them."""
        async with self._changing:
            self.entries = list(entries)
            await self._show_from(len(entries) - self.live)
        self.anchor(bool(entries))

    async def add(self, entry: Entry) -> None:
        """Show one more message, and let go of the oldest ones."""
        async with self._changing:
            await self._go_to_end()
            self.entries.append(entry)
            self._end += 1
            await self.mount(view_of(entry), before=self._later)
            await self._let_go_of_first(self._end - self._start - self.live)
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
                await self._show_from(self._end - self.live)
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
                await self._show_from(index - self.live // 2)
            return self.views()[index - self._start]

    async def go_to_first(self) -> None:
        """Make sure that the first message has a widget."""
        async with self._changing:
            if self.has_earlier:
                await self._show_from(0)

    async def go_to_last(self) -> None:
        """Make sure that the last message has a widget."""
        async with self._changing:
            await self._go_to_end()

    async def extend_up(self, count: int, most: int) -> MessageView:
        """Make widgets of earlier messages; the later ones beyond `most` are let go.

        Returns:
            The widget that was the first.
        """
        async with self._changing:
            first, end = self.views()[0], self._start
            self._start = max(0, end - count)
            await self.mount_all(map(view_of, self.entries[self._start : end]), before=first)
            await self._let_go_of_last(self._end - self._start - most)
            self._count()
            return first

    async def extend_down(self, count: int, most: int) -> MessageView:
        """Make widgets of later messages; the earlier ones beyond `most` are let go.

        Returns:
            The widget that was the last.
        """
        async with self._changing:
            last, start = self.views()[-1], self._end
            self._end = min(len(self.entries), start + count)
            later = map(view_of, self.entries[start : self._end])
            await self.mount_all(later, before=self._later)
            await self._let_go_of_first(self._end - self._start - most)
            self._count()
            return last

    async def _go_to_end(self) -> None:
        if self.has_later:
            await self._show_from(len(self.entries) - self.live)

    async def _show_from(self, start: int) -> None:
        await self._remove(self.children)
        self._start = max(0, start)
        self._end = min(len(self.entries), self._start + self.live)
        live = self.entries[self._start : self._end]
        await self.mount_all(map(view_of, live), before=self._later)
        self._count()

    async def _let_go_of_first(self, count: int) -> None:
        if count <= 0:
            return
        self._start += count
        keep_from = self.children.index(self.views()[count])
        await self._remove(self.children[:keep_from])

    async def _let_go_of_last(self, count: int) -> None:
        if count <= 0:
            return
        self._end -= count
        gone_from = self.children.index(self.views()[-count])
        await self._remove(self.children[gone_from:])

    async def _remove(self, children: Sequence[Widget]) -> None:
        """Remove the messages and notes among some children; the other rows stay."""
        await self.remove_children([child for child in children if isinstance(child, _PASSING)])

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
        self._welcome.display = not self.entries
        self.set_class(not self.entries, "-empty")
