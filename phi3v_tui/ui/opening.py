"""Which conversation is open: opening another one, and losing none that could not be saved."""

import asyncio
from typing import TYPE_CHECKING

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.ui.asking import Draft

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen


class Opening:
    """Opens conversations, one instead of the other."""

    def __init__(self, chat: "ChatScreen") -> None:
        """Open none yet.

        Args:
            chat: Whose log, composer and answer these are.
        """
        self._chat = chat
        self._warned_of_loss = False

    async def open(self, conversation: Conversation) -> None:
        """Show a conversation instead of the one before; no answer may be under way."""
        chat = self._chat
        await chat.answer_ended(None)
        chat.asking.give_up_editing()
        chat.transcript.give_up_choice()
        await chat.shown.open(conversation)
        chat.number_pictures()
        chat.tell_choices()
        chat.status.forget_answer()
        chat.show_last_picture()
        chat.show_costs()

    async def reopen_last(self) -> None:
        """Show the conversation that was written last, if there is one."""
        conversation = await asyncio.to_thread(self._chat.shown.journal.latest)
        if conversation is not None:
            await self.open(conversation)
            return
        words = "There is no earlier conversation yet; this is a new one."
        self._chat.notify(words, markup=False)

    async def bring_draft_back(self) -> None:
        """Put what was not sent when the app ended where it was typed."""
        draft = await asyncio.to_thread(self._chat.shown.journal.take_draft)
        if draft is not None:
            self._chat.asking.give_back(Draft(draft.text, draft.attachments))

    async def leave_for(self, conversation: Conversation) -> None:
        """Stop the answer under way, and show another conversation."""
        answer = self._chat.answering.current
        await self._chat.answering.abandon()
        self._warned_of_loss = False
        await self.open(conversation)
        if answer is not None and answer.text:
            words = "The answer that was coming is stopped and kept: F5 goes on with it there."
            self._chat.notify(words)

    def may_discard(self, key: str) -> bool:
        """Whether the conversation may go: it is saved, or the person was warned before.

        Args:
            key: The key that, pressed again, loses it.
        """
        chat = self._chat
        is_lost = chat.shown.journal.is_failing and bool(chat.conversation.path())
        if not is_lost or self._warned_of_loss:
            return True
        self._warned_of_loss = True
        chat.notify(
            f"This conversation could not be saved. Ctrl+S writes it to a file; "
            f"{key} again loses it.",
            title="Not saved",
            severity="warning",
            timeout=12,
        )
        return False
