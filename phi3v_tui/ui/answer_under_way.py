"""The answer under way: what has come of it, where it is drawn, and how it is kept."""

import asyncio
import time
from dataclasses import dataclass, field

from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.ui.generation import Generation
from phi3v_tui.ui.shown import ShownConversation
from phi3v_tui.ui.tokens import Tokens
from phi3v_tui.ui.widgets.message_view import AnswerView

_SAVE_EVERY_SECONDS = 1.0


@dataclass
class AnswerUnderWay:
    """The reply that is being generated.

    Attributes:
        shown: The conversation that it is part of.
        turn_id: The reply's turn.
        generation: Where its text comes from.
        text: What it is so far.
        begun: What it was before it was asked to go on; None for a new one.
        prompt_tokens: What the prompt takes, once that is known.
    """

    shown: ShownConversation
    turn_id: str
    generation: Generation
    text: str = ""
    begun: Turn | None = None
    prompt_tokens: int | None = None
    _saved_at: float = 0.0
    _drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing has come yet."""
        return self.text == (self.begun.message.text if self.begun is not None else "")

    @property
    def tokens(self) -> Tokens | None:
        """What the prompt and the answer so far take, once that is known."""
        if self.prompt_tokens is None:
            return None
        pieces = self.generation.pieces
        return Tokens(self.prompt_tokens + pieces, pieces > 0)

    # Where it is drawn.

    @property
    def _view(self) -> AnswerView | None:
        """None while the person looks at far earlier messages."""
        return self.shown.transcript.answer(self.turn_id)

    def wait(self, reason: str) -> None:
        """Say what it waits for."""
        if view := self._view:
            view.wait(reason)

    def name_model(self, model: str) -> None:
        """Say who answers, where that was not known when it was asked for."""
        if self.begun is not None:
            return
        self.shown.conversation.name_model(self.turn_id, model)
        self.shown.update(self.turn_id)
        if view := self._view:
            view.name_speaker(model)

    async def grow(self) -> None:
        """Draw the text that has come.

        A timer has it drawn, in a task of its own: what is drawn at the end has to wait for it.
        """
        async with self._drawing:
            if text := self.generation.take_text():
                self.text += text
                if view := self._view:
                    await view.grow(self.text)

    # How it is kept.

    def save_now_and_then(self) -> None:
        """Save what has come so far, if the last time is a while ago."""
        now = time.monotonic()
        if now - self._saved_at >= _SAVE_EVERY_SECONDS:
            self._saved_at = now
            self.shown.conversation.update_reply(self.turn_id, self.text)
            self.shown.update(self.turn_id)
            self.shown.save()

    async def close(
        self, state: TurnState, token_ids: tuple[int, ...] = (), remark: str = ""
    ) -> None:
        """Keep what has come, for good."""
        turn = self.shown.conversation.update_reply(self.turn_id, self.text, state, token_ids)
        self.shown.save()
        self.shown.update(turn.id)
        async with self._drawing:
            if view := self._view:
                await view.finish(turn, remark)

    def close_undrawn(self) -> None:
        """Leave the conversation as it is to be saved when the app ends."""
        self.text += self.generation.take_text()
        if not (self.is_unchanged and self.restore()):
            self.shown.conversation.update_reply(self.turn_id, self.text, TurnState.CANCELLED)

    def restore(self) -> bool:
        """Let it be again what it was before it was asked to go on.

        Returns:
            Whether it was anything before.
        """
        if self.begun is None:
            return False
        self.shown.conversation.put(self.begun)
        return True
