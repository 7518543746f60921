"""The context meter: what the conversation that is shown takes, and what the draft would add."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phi3v_tui import slash
from phi3v_tui.conversation.conversation import left_out
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.engine.base import Limits, Request
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.answers import shown_path
from phi3v_tui.ui.background import in_thread, run_beside
from phi3v_tui.ui.tokens import Tokens, estimate

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

Messages = tuple[Message, ...]
Count = Callable[[Messages], int | None]

_AFTER_SECONDS = 0.2
"""While somebody types, the draft is looked at no more often."""

_WORKERS = "count"
"""The group of the workers: while there is one, the figures may change."""

_EMPTY = Message(Role.USER, "")


@dataclass(frozen=True, slots=True)
class _Counted:
    """A conversation that was counted.

    Attributes:
        messages: What was counted; nothing was yet where there are none.
        tokens: What they take.
        joint: What a prompt takes behind them beyond what it takes by itself.
    """

    messages: Messages = ()
    tokens: int = 0
    joint: int = 0


class ContextMeter:
    """Has the engine count in a thread, one count after the other, and never beside an answer.

    Where the engine cannot be asked there is an estimate. An answer under way tells by itself
    what it takes.
    """

    def __init__(self, chat: "ChatScreen") -> None:
        """Count nothing yet.

        Args:
            chat: Whose conversation, draft, engine and status line these are.
        """
        self._chat = chat
        self._counted = _Counted()
        self._is_waiting = False
        self._is_looking = False
        self._is_outdated = False

    def look_soon(self) -> None:
        """Look at a draft that is being typed."""
        if not self._is_waiting:
            self._is_waiting = True
            run_beside(self._chat, self._wait_and_look, _WORKERS)

    async def _wait_and_look(self) -> None:
        await asyncio.sleep(_AFTER_SECONDS)
        self._is_waiting = False
        self.look()

    def look(self) -> None:
        """See what has changed, once the count under way has ended; that one is not shown."""
        self._is_outdated = True
        if not self._is_looking:
            self._is_looking = True
            run_beside(self._chat, self._look, _WORKERS)

    def recount(self) -> None:
        """Count all of it: another model, or other crops, change what everything takes."""
        self._counted = _Counted()
        self.look()

    def prompt_was_sent(self, messages: Messages) -> None:
        """Show about what the prompt for an answer takes; reading it will tell exactly."""
        if limits := self._limits:
            self._chat.status.context_used = self._used(messages, limits)
        self.look()

    @property
    def _limits(self) -> Limits | None:
        return self._chat.attachment_bar.limits

    async def _look(self) -> None:
        try:
            while self._is_outdated:
                self._is_outdated = False
                await self._measure()
        finally:
            self._is_looking = False

    async def _measure(self) -> None:
        messages, drafts = self._messages(), self._drafts()
        if self._limits is None:
            return  # neither what pictures cost nor what fits is known
        counted, added = None, None
        if not self._chat.is_answering:
            counted, added = await in_thread(self._count, messages, drafts)
        if self._is_outdated:
            return
        if counted is not None:
            self._counted = counted
        self._show(messages, drafts, added)

    def _show(self, messages: Messages, drafts: Messages, added: int | None) -> None:
        status, limits = self._chat.status, self._limits
        if limits is None:
            return
        if added is None:
            status.draft = Tokens(estimate(drafts, limits), is_rough=True)
        else:
            status.draft = Tokens(added)
        if not self._chat.is_answering:
            status.context_used = self._used(messages, limits)

    def _used(self, messages: Messages, limits: Limits) -> Tokens:
        """What messages take: as counted, or about that and what came since."""
        known = self._counted.messages
        if messages == known:
            return Tokens(self._counted.tokens)
        if messages[: len(known)] == known:
            more = estimate(messages[len(known) :], limits)
            return Tokens(self._counted.tokens + more, is_rough=True)
        return Tokens(estimate(messages, limits), is_rough=True)

    def _count(self, messages: Messages, drafts: Messages) -> tuple[_Counted | None, int | None]:
        """Count what is not known yet, in a thread."""
        counted: _Counted | None = self._counted
        try:
            if messages != self._counted.messages:
                counted = _count_conversation(messages, self._tokens)
            if counted is None:
                return None, None
            return counted, _count_drafts(drafts, counted.joint, self._tokens)
        except AttachmentError:
            return None, None  # the engine says what is wrong when it is asked

    def _tokens(self, messages: Messages) -> int | None:
        goes_on = bool(messages) and messages[-1].role is Role.ASSISTANT
        crops = self._chat.num_crops
        return self._chat.engine.count(Request(messages, num_crops=crops, continue_last=goes_on))

    def _messages(self) -> Messages:
        """The conversation behind which the draft would go."""
        conversation, editing = self._chat.conversation, self._chat.asking.editing
        if editing is None:
            path = shown_path(conversation)
        else:
            path = conversation.path_to(editing.id)[:-1]
        if path:
            return conversation.snapshot(left_out(path), path[-1].id)
        return conversation.snapshot(len(conversation.path()))

    def _drafts(self) -> Messages:
        """What waits to be sent, and what is being typed."""
        chat = self._chat
        waiting = [Message(Role.USER, d.text, d.attachments) for d in chat.asking.waiting]
        pictures, text = chat.attachment_bar.attachments, chat.composer.text.strip()
        if slash.matching(text):
            text = ""
        if text or pictures:
            waiting.append(Message(Role.USER, slash.as_prompt(text), pictures))
        return tuple(waiting)


def _count_conversation(messages: Messages, count: Count) -> _Counted | None:
    tokens = count(messages) if messages else 0
    followed, empty = count((*messages, _EMPTY)), count((_EMPTY,))
    if tokens is None or followed is None or empty is None:
        return None
    return _Counted(messages, tokens, followed - tokens - empty)


def _count_drafts(drafts: Messages, joint: int, count: Count) -> int | None:
    tokens = 0
    for draft in drafts:
        own = count((draft,))
        if own is None:
            return None
        tokens += own + joint
    return tokens
