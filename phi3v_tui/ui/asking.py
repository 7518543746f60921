"""From what the person sends to a question on its way: its turn, its place, and room for it."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.turns import Turn, left_out
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.ui.background import run_beside
from phi3v_tui.ui.room import fits_surely, shortage
from phi3v_tui.ui.screens.context_full import ContextFullScreen, WayOut

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt before it is part of the conversation.

    Attributes:
        text: What was typed.
        attachments: The pictures that go with it.
        edits: The turn that it is another version of; None goes on at the end.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    edits: str | None = None


def as_draft(prompt: Turn) -> Draft:
    """A prompt as it was before it was sent."""
    return Draft(prompt.message.text, prompt.message.attachments)


class Asking:
    """Asks what the person sends, one after the other.

    Attributes:
        waiting: Prompts sent while an answer was under way.
        editing: The prompt of which another version is being typed.
    """

    def __init__(self, chat: "ChatScreen") -> None:
        """Ask nothing yet.

        Args:
            chat: Whose conversation, composer and engine these are.
        """
        self._chat = chat
        self._is_counting = False
        self._set_aside: Draft | None = None
        self.waiting: list[Draft] = []
        self.editing: Turn | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the next question has to wait."""
        return self._is_counting or self._chat.is_answering

    # Prompts.

    async def submit(self, text: str) -> None:
        """Send what was typed and attached, now or once the answer under way has ended."""
        edits = self.editing.id if self.editing is not None else None
        draft = Draft(text, self._chat.attachment_bar.attachments, edits)
        self._chat.composer.past.add(text)
        self._empty_composer()
        self._end_editing()
        if self.is_busy:
            self.waiting.append(draft)
            self._show_waiting()
        else:
            await self.ask(draft)

    async def ask(self, draft: Draft) -> None:
        """Make a prompt part of the conversation, and ask for its answer."""
        conversation = self._chat.conversation
        if draft.edits is not None:
            turn = conversation.edit(draft.edits, draft.text, draft.attachments)
        else:
            turn = conversation.append_user(draft.text, draft.attachments)
        await self._chat.shown.draw()
        self._chat.number_pictures()
        await self.answer(turn)

    async def answer(self, last: Turn) -> None:
        """Ask for an answer to a prompt, another one where it has some, or for the rest of one.

        Args:
            last: The prompt, or the answer that was stopped.
        """
        chat = self._chat
        now = left_out(chat.conversation.path_to(last.id))
        request = self._request(chat.conversation, last, now)
        if fits_surely(request, chat.attachment_bar.limits):
            await self._begin(last, request, now)
        else:
            self._is_counting = True
            run_beside(chat, partial(self._answer_if_it_fits, last))

    async def _begin(self, last: Turn, request: Request, left_out: int) -> None:
        if request.continue_last:
            await self._chat.answering.go_on(last, request, left_out)
        else:
            await self._chat.answering.begin(last.id, request, left_out)
        self._chat.meter.prompt_was_sent(request.messages)

    async def answer_ended(self, reason: FinishReason | None) -> None:
        """Ask what waits; after a stop or a failure give it back, for it may depend on the answer.

        Args:
            reason: Why it ended; None after a failure.
        """
        if reason in (None, FinishReason.CANCELLED):
            self.give_back_waiting()
        elif self.waiting and not self.is_busy:
            draft = self.waiting.pop(0)
            self._show_waiting()
            await self.ask(draft)

    def take_back(self) -> bool:
        """Return the prompt that was sent last and waits to the composer.

        Returns:
            Whether there was one, and the composer is not taken by another version of a prompt.
        """
        if not self.waiting or self.editing is not None:
            return False
        draft = self.waiting.pop()
        self._show_waiting()
        if draft.edits is not None:
            self._edit(self._chat.conversation.turn(draft.edits), draft)
        else:
            self.give_back(draft)
        return True

    def give_back_waiting(self) -> None:
        """Return all that waits to where it was typed."""
        while self.waiting:
            self.give_back(self.waiting.pop())
        self._show_waiting()

    def give_back(self, draft: Draft) -> None:
        """Return a prompt to where it was typed, above what was typed and attached since."""
        # The conversation that it comes from may be deleted before it is sent.
        pictures = tuple(picture.held() for picture in draft.attachments)
        if self._set_aside is not None:
            text = "\n\n".join(filter(None, (draft.text, self._set_aside.text)))
            self._set_aside = Draft(text, pictures + self._set_aside.attachments)
            return
        bar = self._chat.attachment_bar
        self._chat.composer.put_back(draft.text)
        bar.attachments = pictures + bar.attachments
        self._chat.number_pictures()

    def unsent(self) -> Message:
        """All that was typed and attached and not asked yet, as one prompt."""
        composer, bar = self._chat.composer, self._chat.attachment_bar
        drafts = [*self.waiting]
        if self._set_aside is not None:
            drafts.append(self._set_aside)
        if self.editing is None:
            drafts.append(Draft(composer.past.unsent(composer.text), bar.attachments))
        elif composer.text == self.editing.message.text:
            drafts.append(Draft("", self._added_to(self.editing)))
        else:
            drafts.append(Draft(composer.text, bar.attachments))
        text = "\n\n".join(draft.text for draft in drafts if draft.text.strip())
        return Message(Role.USER, text, tuple(p for draft in drafts for p in draft.attachments))

    # Editing.

    def edit(self, turn: Turn) -> None:
        """Type another version of a prompt; what was typed before comes back afterwards."""
        self._edit(turn, as_draft(turn))

    def _edit(self, turn: Turn, draft: Draft) -> None:
        composer, bar = self._chat.composer, self._chat.attachment_bar
        if self.editing is None:
            self._set_aside = Draft(composer.text, bar.attachments)
        else:
            self._keep_other_version(self.editing)
        self.editing = turn
        composer.text = draft.text
        composer.move_cursor(composer.document.end)
        bar.attachments = draft.attachments
        bar.first_number = 1 + self._pictures_before(turn)
        composer.border_title = "Another version of an earlier prompt · Esc leaves it"
        composer.focus()
        self._chat.meter.look()

    def give_up_editing(self) -> bool:
        """Leave the earlier prompt as it is; ↑ brings back what was typed instead.

        Returns:
            Whether one was being edited.
        """
        if self.editing is None:
            return False
        self._keep_other_version(self.editing)
        self._empty_composer()
        self._end_editing()
        return True

    def _keep_other_version(self, turn: Turn) -> None:
        """Leave the text of another version for ↑, and its own pictures for the next prompt."""
        composer = self._chat.composer
        if composer.text.strip() not in ("", turn.message.text):
            composer.past.add(composer.text)
            self._chat.notify("What was typed is kept: ↑ brings it back.")
        if self._set_aside is not None:
            before = self._set_aside.attachments
            self._set_aside = Draft(self._set_aside.text, before + self._added_to(turn))

    def _added_to(self, turn: Turn) -> tuple[Attachment, ...]:
        """Pictures attached while another version of a prompt is typed."""
        known = {picture.digest for picture in turn.message.attachments}
        attached = self._chat.attachment_bar.attachments
        return tuple(picture for picture in attached if picture.digest not in known)

    def _end_editing(self) -> None:
        self.editing = None
        self._chat.tell_choices()
        self._chat.meter.look()
        if self._set_aside is not None:
            draft, self._set_aside = self._set_aside, None
            self.give_back(draft)
        self._chat.number_pictures()

    def _pictures_before(self, turn: Turn) -> int:
        before = self._chat.conversation.path_to(turn.id)[:-1]
        return sum(len(earlier.message.attachments) for earlier in before)

    def _empty_composer(self) -> None:
        self._chat.composer.clear()
        self._chat.attachment_bar.attachments = ()

    def _show_waiting(self) -> None:
        self._chat.waiting_prompts.show([draft.text for draft in self.waiting])

    # Room.

    async def _answer_if_it_fits(self, last: Turn) -> None:
        chat, conversation = self._chat, self._chat.conversation
        path = conversation.path_to(last.id)
        lacking = await shortage(chat.engine, path, partial(self._request, conversation, last))
        if chat.conversation is not conversation:  # another one was opened meanwhile
            self._is_counting = False
            if not _is_answer(last):
                self.give_back(as_draft(last))
            return
        way, fewer = WayOut.LEAVE_OUT, left_out(path)
        if lacking is not None:
            leaving, fewer = path[fewer : lacking.left_out], lacking.left_out
            way = await chat.app.push_screen_wait(
                ContextFullScreen(lacking, leaving, goes_on=_is_answer(last))
            )
        self._is_counting = False
        if way is WayOut.LEAVE_OUT:
            await self._begin(last, self._request(conversation, last, fewer), fewer)
        elif _is_answer(last):
            await chat.answer_ended(None)
        else:
            await self._ask_otherwise(last, way)

    async def _ask_otherwise(self, prompt: Turn, way: WayOut) -> None:
        """Ask a prompt that does not fit in a new conversation, or give it back."""
        chat = self._chat
        reply = chat.conversation.append_reply(prompt.id)
        if way is WayOut.NEW_CONVERSATION and chat.opening.may_discard("The same choice"):
            await chat.answering.undo(reply.id)
            await chat.opening.open(chat.new_conversation())
            await self.ask(as_draft(prompt))
        else:
            await chat.answering.give_back(reply.id)
            await chat.answer_ended(None)

    def _request(self, conversation: Conversation, last: Turn, left_out: int) -> Request:
        chat = self._chat
        messages = conversation.snapshot(left_out, last.id)
        return Request(messages, chat.sampling, chat.num_crops, _is_answer(last))


def _is_answer(turn: Turn) -> bool:
    return turn.message.role is Role.ASSISTANT
