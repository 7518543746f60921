"""The conversation that is on the screen."""

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.ui.answers import entries, shown_path
from phi3v_tui.ui.journal import Journal
from phi3v_tui.ui.widgets.message_view import Entry
from phi3v_tui.ui.widgets.status_bar import StatusBar
from phi3v_tui.ui.widgets.transcript_view import TranscriptView


class ShownConversation:
    """A conversation, its place on the disk, and the log that draws it.

    The screen owns it and alone changes the conversation, on the UI thread.

    Attributes:
        conversation: What is said.
        speaker: The model that answers, for people.
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
        self.speaker = "Assistant"
        self.journal = journal
        self.transcript = transcript
        self._status = status

    @property
    def entries(self) -> list[Entry]:
        """The messages to show."""
        return entries(self.conversation, self.speaker)

    @property
    def picture_count(self) -> int:
        """Pictures in these messages."""
        return sum(len(turn.message.attachments) for turn in shown_path(self.conversation))

    async def open(self, conversation: Conversation) -> None:
        """Show another conversation."""
        self.conversation = conversation
        await self.draw()

    async def draw(self) -> None:
        """Draw the messages anew."""
        await self.transcript.show(self.entries)

    def save(self) -> None:
        """Write what is new."""
        self.journal.save(self.conversation)
        self._status.is_unsaved = self.journal.is_failing
