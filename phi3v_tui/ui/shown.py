"""The conversation that is on the screen."""

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.interface.journal import Journal
from phi3v_tui.ui.answers import entries, entry, shown_path
from phi3v_tui.ui.widgets.status_bar import StatusBar
from phi3v_tui.ui.widgets.transcript_view import TranscriptView

_MOST_ADDED = 2
"""New messages that are added one by one; for more, all of the log is drawn anew."""


class ShownConversation:
    """A conversation, its place on the disk, and the log that draws it.

    The screen owns it and alone changes the conversation, on the UI thread.

    Attributes:
        conversation: What is said.
        model: The model that answers, for people; empty while none is loaded.
        journal: Where conversations are kept.
        transcript: The log.
    """

    def __init__(
        self,
        conversation: Conversation,
        journal: Journal,
        transcript: TranscriptView,
        status: StatusBar,
    ) -> None:
        """Show nothing yet.

        Args:
            conversation: The one to begin with.
            journal: Where conversations are kept.
            transcript: The log.
            status: Says when the last write has failed.
        """
        self.conversation = conversation
        self.model = ""
        self.journal = journal
        self.transcript = transcript
        self._status = status
        self._left_out = 0

    @property
    def pictures(self) -> list[Attachment]:
        """The pictures of the messages that are shown, in their order."""
        return [p for turn in shown_path(self.conversation) for p in turn.message.attachments]

    async def open(self, conversation: Conversation) -> None:
        """Show another conversation."""
        self.conversation = conversation
        await self.draw_all()

    async def draw_all(self) -> None:
        """Draw every message anew."""
        self._left_out = self.conversation.left_out
        await self.transcript.show(entries(self.conversation))

    async def draw(self) -> None:
        """Draw what has changed at the end of the path; quick, however long it is."""
        path = shown_path(self.conversation)
        shown = self.transcript.entries
        pairs = zip(path, shown, strict=False)
        kept = next(
            (n for n, (turn, old) in enumerate(pairs) if turn.id != old.turn.id),
            min(len(path), len(shown)),
        )
        is_more_left_out = self.conversation.left_out != self._left_out
        if is_more_left_out or len(path) - kept > _MOST_ADDED:
            await self.draw_all()
            return
        await self.transcript.remove_last(len(shown) - kept)
        for turn in path[kept:]:
            await self.transcript.add(entry(self.conversation, turn))

    def update(self, turn_id: str) -> None:
        """Let the log know what the last message has become."""
        self.transcript.update_last(entry(self.conversation, self.conversation.turn(turn_id)))

    def save(self) -> None:
        """Write what is new."""
        self.journal.save(self.conversation)
        self._status.is_unsaved = self.journal.is_failing
