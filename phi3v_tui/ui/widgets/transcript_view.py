"""The log of the conversation."""

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from phi3v_tui.ui.widgets.message_view import AnswerView, Entry, MessageView, NoteView, view_of
from phi3v_tui.ui.widgets.welcome import Welcome

LIVE_MESSAGES = 24
"""Messages that are widgets at once: each costs time whenever anything is added."""


class EarlierMessages(Static, can_focus=True):
    """The row that stands for the messages above."""

    BINDINGS = [Binding("enter,space", "bring", "Show")]

    def action_bring(self) -> None:
        """Bring some of them back."""
        self.query_ancestor(TranscriptView).bring_earlier()

    def on_click(self) -> None:
        """Bring some of them back."""
        self.action_bring()

    def count(self, hidden: int) -> None:
        """Say how many there are."""
        noun = "message" if hidden == 1 else "messages"
        self.update(f"▲ {hidden} earlier {noun}: click or press Enter to show more")
        self.display = hidden > 0


class TranscriptView(VerticalScroll, can_focus=False):
    """Messages from old to new; the view stays at the end unless the person scrolls up."""

    def __init__(self, id: str) -> None:
        """Start with an empty log."""
        super().__init__(id=id)
        self._entries: list[Entry] = []
        self._hidden = 0

    def compose(self) -> ComposeResult:
        """A greeting, until there are messages."""
        yield EarlierMessages(markup=False)
        yield Welcome()

    def on_mount(self) -> None:
        """Greet."""
        self._count()

    async def show(self, entries: list[Entry]) -> None:
        """Show these messages instead of those before."""
        await self.remove_children(f"{MessageView.__name__}, {NoteView.__name__}")
        self._entries = list(entries)
        self._hidden = max(0, len(entries) - LIVE_MESSAGES)
        await self.mount_all(view_of(entry) for entry in entries[self._hidden :])
        self._count()
        self.anchor(bool(entries))

    async def add(self, entry: Entry) -> MessageView:
        """Show one more message, and let go of the oldest ones."""
        view = view_of(entry)
        self._entries.append(entry)
        await self.mount(view)
        await self._let_go()
        self._count()
        self.anchor()
        return view

    async def add_note(
        self, text: str, is_error: bool = False, before: MessageView | None = None
    ) -> None:
        """Show a sentence of the app itself, at the end or before a message."""
        await self.mount(NoteView(text, is_error), before=before)

    async def remove_last(self, count: int) -> None:
        """Take the last messages out."""
        del self._entries[len(self._entries) - count :]
        for view in list(self.query(MessageView))[-count:]:
            await view.remove()
        self._count()

    def update_last(self, entry: Entry) -> None:
        """Keep what the last message has become."""
        self._entries[-1] = entry

    @work
    async def bring_earlier(self) -> None:
        """Show some of the earlier messages, and keep in sight those that are."""
        start = max(0, self._hidden - LIVE_MESSAGES)
        earlier = self._entries[start : self._hidden]
        if not earlier:
            return
        self._hidden = start
        first = self.query(MessageView).first()
        await self.mount_all((view_of(entry) for entry in earlier), before=first)
        self._count()
        self.release_anchor()
        self.call_after_refresh(first.scroll_visible, animate=False, top=True)

    async def _let_go(self) -> None:
        views = list(self.query(MessageView))
        surplus = len(views) - LIVE_MESSAGES
        if surplus <= 0:
            return
        keep_from = self.children.index(views[surplus])
        gone = [child for child in self.children[:keep_from] if isinstance(child, _PASSING)]
        self._hidden += surplus
        await self.remove_children(gone)

    def _count(self) -> None:
        self.query_one(EarlierMessages).count(self._hidden)
        self.query_one(Welcome).display = not self._entries
        self.set_class(not self._entries, "-empty")


_PASSING = (MessageView, NoteView)

__all__ = ["AnswerView", "Entry", "MessageView", "TranscriptView"]
