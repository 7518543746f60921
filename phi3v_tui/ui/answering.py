"""From a prompt to its answer, and all the ways in which that ends."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from textual.message_pump import MessagePump

from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import Failed, Finished, FinishReason, PrefillProgress
from phi3v_tui.interface.progress import bar
from phi3v_tui.ui.answer_under_way import AnswerUnderWay
from phi3v_tui.ui.answers import decode_speed, describe_prefill, earlier_answer, figures
from phi3v_tui.ui.generation import Generation
from phi3v_tui.ui.shown import ShownConversation
from phi3v_tui.ui.widgets.status_bar import StatusBar


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
        self._start(AnswerUnderWay(self._shown, turn.id, Generation(self._target)), request)

    async def go_on(self, turn: Turn, request: Request, left_out: int) -> None:
        """Ask for the rest of an answer that was stopped.

        Args:
            turn: The answer, the last one of the path.
            request: What the engine is asked.
            left_out: Turns at the beginning of the path that the request goes without.
        """
        growing = replace(turn, state=TurnState.IN_PROGRESS, left_out=left_out)
        self._shown.conversation.put(growing)
        await self._shown.draw_all()
        generation, text = Generation(self._target), turn.message.text
        self._start(AnswerUnderWay(self._shown, turn.id, generation, text, begun=turn), request)

    def _start(self, answer: AnswerUnderWay, request: Request) -> None:
        self.current = answer
        answer.wait(self._reason_to_wait())
        self._status.tokens_per_second = None
        self._status.activity = self.loading or "Answering"
        answer.generation.start(self.engine, request)

    def loading_went_on(self, words: str) -> None:
        """Say how far loading is."""
        self.loading = words
        self._status.activity = words
        if self.current is not None:
            self.current.wait(self._reason_to_wait())

    def model_was_loaded(self, model: str) -> None:
        """Name the model that answers, also where it was not known yet."""
        self.loading = ""
        self._shown.model = model
        if self.current is not None:
            self.current.name_model(model)

    def prompt_was_read(self, generation: Generation, progress: PrefillProgress) -> None:
        """Say how far reading the prompt is; in the status line where an answer has begun."""
        answer = self.current
        if answer is None or answer.generation is not generation:
            return
        if answer.prompt_tokens is None:  # read again amid an answer, the answer is in it too
            answer.prompt_tokens = progress.total
        self._measure(answer)
        words = f"{bar(progress.done, progress.total)}{describe_prefill(progress)}"
        is_reading_again = answer.text and progress.done < progress.total
        self._status.activity = words if is_reading_again else "Answering"
        answer.wait(words)

    async def flush(self) -> None:
        """Show the text that has come, and save it now and then."""
        answer = self.current
        if answer is None:
            return
        await answer.grow()
        if self.current is answer and answer.text:  # else the app is being left
            self._status.tokens_per_second = answer.generation.tokens_per_second()
            self._measure(answer)
            answer.save_now_and_then()

    async def finish(self, generation: Generation, finished: Finished) -> bool:
        """Keep an answer that has ended.

        Returns:
            Whether it is one that is still wanted.
        """
        answer = self._end_of(generation)
        if answer is None:
            return False
        await answer.grow()
        if answer.is_unchanged and finished.reason is FinishReason.CANCELLED:
            await self._give_back(answer)
            return True
        state = TurnState(finished.reason.value)
        await answer.close(state, finished.token_ids, figures(finished))
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
        await answer.grow()
        if answer.is_unchanged:
            await self._give_back(answer)
        else:
            await answer.close(TurnState.FAILED)
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
            await answer.close(TurnState.CANCELLED)

    def keep_before_leaving(self) -> None:
        """Stop without drawing anything any more, and save what there is."""
        if self.current is not None:
            answer, self.current = self.current, None
            answer.close_undrawn()
            self.engine.cancel()
        self._shown.journal.save(self._shown.conversation)

    def _reason_to_wait(self) -> str:
        if not self.loading:
            return "…"
        return f"Waiting for the model, then answering.\n{self.loading}"

    def _measure(self, answer: AnswerUnderWay) -> None:
        """Show what the prompt and the answer so far take."""
        if tokens := answer.tokens:
            self._status.context_used = tokens

    def _end_of(self, generation: Generation) -> AnswerUnderWay | None:
        """The answer that `generation` was for; None if it has been abandoned since."""
        answer = self.current
        if answer is None or answer.generation is not generation:
            return None
        self.current = None
        self._status.activity = self.loading
        return answer

    async def _give_back(self, answer: AnswerUnderWay) -> None:
        if answer.restore():
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
