"""From a prompt to its answer, and all the ways in which that ends."""

import time
from collections.abc import Awaitable, Callable

from textual.message_pump import MessagePump

from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import Failed, Finished, FinishReason, PrefillProgress
from phi3v_tui.interface.progress import bar
from phi3v_tui.ui.answers import (
    AnswerUnderWay,
    decode_speed,
    describe_prefill,
    earlier_answer,
    figures,
)
from phi3v_tui.ui.generation import Generation
from phi3v_tui.ui.shown import ShownConversation
from phi3v_tui.ui.tokens import Tokens
from phi3v_tui.ui.widgets.message_view import AnswerView
from phi3v_tui.ui.widgets.status_bar import StatusBar

_SAVE_EVERY_SECONDS = 1.0


class Answering:
    """Asks the engine, one answer at a time, and keeps what it answers.

    The screen calls its methods one after the other, so that text is appended to an answer by one
    consumer at a time. What comes of an answer that was abandoned is not heard.

    Attributes:
        engine: Who is asked.
        current: The answer under way.
        loading: How far loading the model is, in words; empty once it has ended.
    """

    def __init__(
        self,
        engine: Engine,
        shown: ShownConversation,
        status: StatusBar,
        target: MessagePump,
        give_prompt_back: Callable[[], Awaitable[None]],
    ) -> None:
        """Ask nothing yet.

        Args:
            engine: Not loaded yet.
            shown: Where prompts come from and answers go.
            status: Told of activity, speed and context used.
            target: Gets the engine's events as messages.
            give_prompt_back: Called when nothing came to the last prompt of the path.
        """
        self.engine = engine
        self._shown = shown
        self._status = status
        self._target = target
        self._give_prompt_back = give_prompt_back
        self.current: AnswerUnderWay | None = None
        self.loading = ""

    async def begin(self, prompt_id: str, request: Request, left_out: int = 0) -> None:
        """Ask for an answer to a prompt.

        Args:
            prompt_id: The prompt's turn.
            request: What the engine is asked.
            left_out: Turns at the beginning of the path that the request goes without.
        """
        conversation = self._shown.conversation
        turn = conversation.append_reply(prompt_id, self._shown.model, left_out)
        self._shown.save()
        await self._shown.draw()
        self._start(AnswerUnderWay(turn.id, Generation(self._target)), request)

    async def go_on(self, turn: Turn, request: Request) -> None:
        """Ask for the rest of an answer that was stopped; it is the last one of the path."""
        conversation = self._shown.conversation
        growing = conversation.update_reply(
            turn.id, turn.message.text, token_ids=turn.message.token_ids
        )
        await self._shown.draw_all()
        generation = Generation(self._target)
        self._start(AnswerUnderWay(turn.id, generation, growing.message.text, turn), request)

    def _start(self, answer: AnswerUnderWay, request: Request) -> None:
        self.current = answer
        self._wait(self._reason_to_wait())
        self._status.tokens_per_second = None
        self._status.activity = self.loading or "Answering"
        answer.generation.start(self.engine, request)

    def _view(self, answer: AnswerUnderWay) -> AnswerView | None:
        """Where it is shown; None while the person looks at far earlier messages."""
        return self._shown.transcript.answer(answer.turn_id)

    def _wait(self, reason: str) -> None:
        if self.current is not None and (view := self._view(self.current)):
            view.wait(reason)

    def loading_went_on(self, words: str) -> None:
        """Say how far loading is."""
        self.loading = words
        self._status.activity = words
        self._wait(self._reason_to_wait())

    def model_was_loaded(self, model: str) -> None:
        """Name the model that answers, also where it was not known yet."""
        self.loading = ""
        self._shown.model = model
        if self.current is not None and self.current.begun is None:
            self._shown.conversation.name_model(self.current.turn_id, model)
            self._shown.update(self.current.turn_id)
            if view := self._view(self.current):
                view.name_speaker(model)

    def prompt_was_read(self, generation: Generation, progress: PrefillProgress) -> None:
        """Say how far reading the prompt is; in the status line where an answer has begun."""
        if self.current is None or self.current.generation is not generation:
            return
        if self.current.prompt_tokens is None:  # read again amid an answer, the answer is in it too
            self.current.prompt_tokens = progress.total
        self._measure(self.current)
        words = f"{bar(progress.done, progress.total)}{describe_prefill(progress)}"
        is_reading_again = self.current.text and progress.done < progress.total
        self._status.activity = words if is_reading_again else "Answering"
        self._wait(words)

    async def flush(self) -> None:
        """Show the text that has come, and save it now and then."""
        if self.current is None:
            return
        await self._take_text(self.current)
        if self.current.text:
            self._status.tokens_per_second = self.current.generation.tokens_per_second()
            self._measure(self.current)
            self._save_now_and_then(self.current)

    async def finish(self, generation: Generation, finished: Finished) -> bool:
        """Keep an answer that has ended.

        Returns:
            Whether it is one that is still wanted.
        """
        answer = self._end_of(generation)
        if answer is None:
            return False
        await self._take_text(answer)
        if answer.is_unchanged and finished.reason is FinishReason.CANCELLED:
            await self._give_back(answer)
            return True
        state = TurnState(finished.reason.value)
        await self._close(answer, state, finished.token_ids, figures(finished))
        self._status.tokens_per_second = decode_speed(finished)
        self._status.last = finished
        if not answer.text:
            words = "The model had nothing to say. Ctrl+R asks again."
            await self._shown.transcript.add_note(words)
        return True

    async def fail(self, generation: Generation, failure: Failed) -> bool:
        """Keep what came before a failure, and say what has failed.

        Returns:
            Whether it is of an answer that is still wanted.
        """
        answer = self._end_of(generation)
        if answer is None:
            return False
        await self._take_text(answer)
        if answer.is_unchanged:
            await self._give_back(answer)
        else:
            await self._close(answer, TurnState.FAILED)
        await self._shown.transcript.add_note(str(failure.error), is_error=True)
        return True

    async def stop(self) -> None:
        """Stop, and keep what has come.

        A prompt that waits for the model is given back at once: an engine that loads might not
        listen for long.
        """
        if self.current is None:
            return
        if self.loading:
            answer = self._end_of(self.current.generation)
            self.engine.cancel()
            assert answer is not None
            await self._give_back(answer)
        else:
            self._status.activity = "Stopping"
            self.engine.cancel()

    async def abandon(self) -> None:
        """Stop without waiting for the engine, and keep what there is."""
        answer = self.current
        if answer is None:
            return
        self._end_of(answer.generation)
        self.engine.cancel()
        answer.text += answer.generation.take_text()
        if answer.begun is not None and answer.is_unchanged:
            await self._give_back(answer)
        else:
            await self._close(answer, TurnState.CANCELLED)

    def keep_before_leaving(self) -> None:
        """Stop without drawing anything any more, and save what there is."""
        if self.current is not None:
            answer, self.current = self.current, None
            answer.text += answer.generation.take_text()
            if answer.begun is not None and answer.is_unchanged:
                self._restore(answer.begun)
            else:
                conversation = self._shown.conversation
                conversation.update_reply(answer.turn_id, answer.text, TurnState.CANCELLED)
            self.engine.cancel()
        self._shown.journal.save(self._shown.conversation)

    def _reason_to_wait(self) -> str:
        if not self.loading:
            return "…"
        return f"Waiting for the model, then answering. {self.loading}"

    async def _take_text(self, answer: AnswerUnderWay) -> None:
        if text := answer.generation.take_text():
            answer.text += text
            if view := self._view(answer):
                await view.grow(answer.text)

    def _measure(self, answer: AnswerUnderWay) -> None:
        """Show what the prompt and the answer so far take."""
        if answer.prompt_tokens is not None:
            pieces = answer.generation.pieces
            self._status.context_used = Tokens(answer.prompt_tokens + pieces, pieces > 0)

    def _save_now_and_then(self, answer: AnswerUnderWay) -> None:
        now = time.monotonic()
        if now - answer.saved_at >= _SAVE_EVERY_SECONDS:
            answer.saved_at = now
            self._shown.conversation.update_reply(answer.turn_id, answer.text)
            self._shown.update(answer.turn_id)
            self._shown.save()

    def _end_of(self, generation: Generation) -> AnswerUnderWay | None:
        """The answer that `generation` was for; None if it has been abandoned since."""
        answer = self.current
        if answer is None or answer.generation is not generation:
            return None
        self.current = None
        self._status.activity = self.loading
        return answer

    async def _close(
        self,
        answer: AnswerUnderWay,
        state: TurnState,
        token_ids: tuple[int, ...] = (),
        remark: str = "",
    ) -> None:
        conversation = self._shown.conversation
        turn = conversation.update_reply(answer.turn_id, answer.text, state, token_ids)
        self._shown.save()
        self._shown.update(turn.id)
        if view := self._view(answer):
            await view.finish(turn, remark)

    async def _give_back(self, answer: AnswerUnderWay) -> None:
        if answer.begun is not None:
            self._restore(answer.begun)
            await self._shown.draw_all()
            self._shown.save()
        else:
            await self.give_back(answer.turn_id)

    async def give_back(self, turn_id: str) -> None:
        """Undo a reply to which nothing came; its prompt goes back to where it was typed."""
        if await self.undo(turn_id):
            await self._give_prompt_back()

    async def undo(self, turn_id: str) -> bool:
        """Take a reply to which nothing came out of the log.

        Returns:
            Whether its prompt went too, because there is no earlier answer to show instead.
        """
        conversation = self._shown.conversation
        conversation.update_reply(turn_id, "", TurnState.FAILED)
        earlier = earlier_answer(conversation, turn_id)
        if earlier is not None:
            conversation.select(earlier.id)
        await self._shown.draw()
        self._shown.save()
        return earlier is None

    def _restore(self, turn: Turn) -> None:
        message = turn.message
        self._shown.conversation.update_reply(turn.id, message.text, turn.state, message.token_ids)
