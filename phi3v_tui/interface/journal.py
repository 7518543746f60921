"""Saving as things happen; where that fails, the chat goes on and says so once."""

import os
from collections.abc import Callable
from pathlib import Path

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message
from phi3v_tui.errors import StoreError
from phi3v_tui.store.history import ConversationSummary, History


class Journal:
    """The stored conversations, as the screen uses them: what is called unasked raises nothing.

    Attributes:
        is_failing: Whether the last write did not succeed.
    """

    def __init__(self, path: Path, complain: Callable[[StoreError], None]) -> None:
        """Open nothing yet.

        Args:
            path: The history's file.
            complain: Called with the first error of a row of them.
        """
        self._path = path
        self._complain = complain
        self._history: History | None = None
        self.is_failing = False

    def save(self, conversation: Conversation) -> None:
        """Write what is new."""
        try:
            self._open().save(conversation)
            self.is_failing = False
        except StoreError as error:
            self._complain_once(error)

    def latest(self) -> Conversation | None:
        """The conversation last written, if there is one that can be read."""
        try:
            return self._open().latest()
        except StoreError as error:
            self._complain_once(error)
            return None

    def earlier(self, words: str, but_not: str) -> Conversation | None:
        """The conversation last written that has these words in its title or messages.

        Args:
            words: To be found in any case; nothing finds any conversation.
            but_not: Id of the conversation that is open.
        """
        try:
            history = self._open()
            found = (one.id for one in history.search(words) if one.id != but_not)
            id = next(found, None)
            return history.load(id) if id else None
        except StoreError as error:
            self._complain_once(error)
            return None

    def search(self, words: str) -> list[ConversationSummary]:
        """Conversations with these words, the last written first.

        Raises:
            StoreError: The file cannot be read.
        """
        return self._open().search(words)

    def load(self, conversation_id: str) -> Conversation:
        """A conversation whole.

        Raises:
            StoreError: It is not there, or the file cannot be read.
        """
        return self._open().load(conversation_id)

    def rename(self, conversation_id: str, name: str) -> None:
        """Give a conversation a name; an empty one lets it go by its first prompt again.

        Raises:
            StoreError: The file cannot be written.
        """
        self._open().rename(conversation_id, name)

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation.

        Raises:
            StoreError: The file cannot be written.
        """
        self._open().delete(conversation_id)

    def prompts(self, most: int) -> list[str]:
        """The prompts sent last, the newest first; none where they cannot be read."""
        try:
            return self._open().prompts(most) if os.path.exists(self._path) else []
        except StoreError as error:
            self._complain_once(error)
            return []

    def keep_draft(self, draft: Message) -> None:
        """Keep a prompt that was not sent, with what another program has kept."""
        if not (draft.text or draft.attachments):
            return
        try:
            self._open().keep_draft(draft)
        except StoreError as error:
            self._complain_once(error)

    def take_draft(self) -> Message | None:
        """The prompt that was kept, if there is one that can be read; it is kept no more."""
        if not os.path.exists(self._path):
            return None
        try:
            draft = self._open().take_draft()
        except StoreError as error:
            self._complain_once(error)
            return None
        return draft if draft.text or draft.attachments else None

    def close(self) -> None:
        """Close the file."""
        if self._history is not None:
            self._history.close()

    def _open(self) -> History:
        if self._history is None:
            self._history = History(self._path)
        return self._history

    def _complain_once(self, error: StoreError) -> None:
        if not self.is_failing:
            self.is_failing = True
            self._complain(error)
