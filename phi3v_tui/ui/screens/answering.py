"""The part of the chat that asks the engine and keeps what it answers."""

import time

from textual import on
from textual.screen import Screen

from phi3v_tui.conversation.conversation import Conversation, TurnState
from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.errors import Phi3VTuiError, StoreError
from phi3v_tui.settings import Settings
from phi3v_tui.ui import generation as gen
from phi3v_tui.ui.answers import (
    AnswerUnderWay,
    decode_speed,
    describe_prefill,
    earlier_answer,
    entries,
    figures,
)
from phi3v_tui.ui.journal import Journal
from phi3v_tui.ui.widgets.attachment_bar import AttachmentBar
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.message_view import AnswerView, Entry
from phi3v_tui.ui.widgets.status_bar import StatusBar, describe_progress
from phi3v_tui.ui.widgets.transcript_view import TranscriptView
from phi3v_tui.ui.widgets.welcome import Welcome

_SAVE_EVERY_SECONDS = 1.0


class AnsweringScreen(Screen[None]):
    """Owns the conversation, and alone changes it, on the UI thread.

    Messages and timers of a screen are handled one after the other, so text is appended to an
    answer by one consumer at a time.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Begin an empty conversation.

        Args:
            engine: Not loaded yet; it is once the screen has been painted.
            settings: For sampling, pictures and where to save.
        """
        super().__init__()
        self._engine = engine
        self._settings = settings
        self._journal = Journal(settings.history_path, self._tell_unsaved)
        self._conversation = Conversation(settings.system_prompt)
        self._answer: AnswerUnderWay | None = None
        self._speaker = "Assistant"
        self._loading = ""

    @property
    def transcript(self) -> TranscriptView:
        """The log."""
        return self.query_one(TranscriptView)

    @property
    def composer(self) -> Composer:
        """Where the next prompt is typed."""
        return self.query_one(Composer)

    @property
    def attachment_bar(self) -> AttachmentBar:
        """The pictures of the next prompt."""
        return self.query_one(AttachmentBar)

    @property
    def status(self) -> StatusBar:
        """The line at the bottom."""
        return self.query_one(StatusBar)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way, or waits for the model."""
        return self._answer is not None

    def start_engine(self) -> None:
        """Load the model, and begin to show what comes from it."""
        self.set_interval(1 / gen.FLUSHES_PER_SECOND, self._flush)
        gen.load(self._engine, self)

    async def _begin_answer(self, prompt_id: str) -> None:
        turn = self._conversation.append_reply(prompt_id)
        self._save()
        view = await self.transcript.add(Entry(turn, speaker=self._speaker))
        assert isinstance(view, AnswerView)
        view.wait(self._reason_to_wait())
        self._answer = AnswerUnderWay(turn.id, view, gen.Generation(self))
        self.status.tokens_per_second = None
        self.status.activity = self._loading or "Answering"
        request = Request(
            self._conversation.snapshot(), self._settings.sampling, self._settings.num_crops
        )
        self._answer.generation.start(self._engine, request)

    def _reason_to_wait(self) -> str:
        if not self._loading:
            return "…"
        return f"Waiting for the model, then answering. {self._loading}"

    async def _flush(self) -> None:
        if self._answer is None:
            return
        await self._take_text(self._answer)
        if self._answer.text:
            self.status.tokens_per_second = self._answer.generation.tokens_per_second()
            self._save_now_and_then(self._answer)

    async def _take_text(self, answer: AnswerUnderWay) -> None:
        if text := answer.generation.take_text():
            answer.text += text
            await answer.view.append(text)

    def _save_now_and_then(self, answer: AnswerUnderWay) -> None:
        now = time.monotonic()
        if now - answer.saved_at >= _SAVE_EVERY_SECONDS:
            answer.saved_at = now
            self._conversation.update_reply(answer.turn_id, answer.text)
            self._save()

    @on(gen.AnswerFinished)
    async def _keep_answer(self, message: gen.AnswerFinished) -> None:
        answer = self._end_of(message.generation)
        if answer is None:
            return
        await self._take_text(answer)
        finished = message.finished
        if not answer.text and finished.reason is FinishReason.CANCELLED:
            await self._give_back(answer)
            return
        state = TurnState(finished.reason.value)
        await self._close(answer, state, finished.token_ids, figures(finished))
        usage = finished.usage
        self.status.context_used = usage.prompt_tokens + usage.completion_tokens
        self.status.tokens_per_second = decode_speed(finished)
        if not answer.text:
            await self.transcript.add_note("The model had nothing to say. Ctrl+R asks again.")

    @on(gen.AnswerFailed)
    async def _keep_failed_answer(self, message: gen.AnswerFailed) -> None:
        answer = self._end_of(message.generation)
        if answer is None:
            return
        await self._take_text(answer)
        if answer.text:
            await self._close(answer, TurnState.FAILED)
        else:
            await self._give_back(answer)
        await self._tell(message.failure.error)

    def _end_of(self, generation: gen.Generation) -> AnswerUnderWay | None:
        """The answer that `generation` was for; None if it has been abandoned since."""
        answer = self._answer
        if answer is None or answer.generation is not generation:
            return None
        self._answer = None
        self.status.activity = self._loading
        return answer

    async def _close(
        self,
        answer: AnswerUnderWay,
        state: TurnState,
        token_ids: tuple[int, ...] = (),
        remark: str = "",
    ) -> None:
        turn = self._conversation.update_reply(answer.turn_id, answer.text, state, token_ids)
        self._save()
        self.transcript.update_last(Entry(turn, speaker=answer.view.entry.speaker))
        await answer.view.finish(turn, remark)

    async def _give_back(self, answer: AnswerUnderWay) -> None:
        """Undo a prompt to which nothing came: an earlier answer, or the prompt for editing."""
        turn = self._conversation.update_reply(answer.turn_id, "", TurnState.FAILED)
        if earlier := earlier_answer(self._conversation, turn.id):
            self._conversation.select(earlier.id)
            await self._show_conversation()
        else:
            await self.transcript.remove_last(2)
            self._return_prompt()
        self._save()

    def _return_prompt(self) -> None:
        """Put the last prompt of the path back where it was typed."""
        prompt = self._conversation.path()[-2].message
        self.composer.put_back(prompt.text)
        self.attachment_bar.attachments = prompt.attachments + self.attachment_bar.attachments
        self._number_pictures()

    async def _withdraw_waiting_prompt(self) -> None:
        """Give the prompt back at once: an engine that loads might not listen for long."""
        assert self._answer is not None
        answer = self._end_of(self._answer.generation)
        self._engine.cancel()
        if answer is not None:
            await self._give_back(answer)

    async def _abandon_answer(self) -> None:
        """Stop the answer under way without waiting for the engine, and keep what there is."""
        answer = self._answer
        if answer is None:
            return
        self._end_of(answer.generation)
        self._engine.cancel()
        answer.text += answer.generation.take_text()
        await self._close(answer, TurnState.CANCELLED)

    def _save(self) -> None:
        self._journal.save(self._conversation)
        self.status.is_unsaved = self._journal.is_failing

    def save_before_leaving(self) -> None:
        """Save what there is; called when the app ends, in whichever way."""
        if self._answer is not None:
            text = self._answer.text + self._answer.generation.take_text()
            self._conversation.update_reply(self._answer.turn_id, text, TurnState.CANCELLED)
            self._engine.cancel()
            self._answer = None
        self._journal.save(self._conversation)
        self._journal.close()

    async def _show_conversation(self) -> None:
        await self.transcript.show(entries(self._conversation, self._speaker))
        self._number_pictures()

    def _number_pictures(self) -> None:
        shown = entries(self._conversation, self._speaker)
        self.attachment_bar.first_number = 1 + sum(len(entry.numbers) for entry in shown)

    @on(gen.LoadProgressed)
    def _show_load_progress(self, message: gen.LoadProgressed) -> None:
        self._loading = describe_progress(message.progress)
        self.status.activity = self._loading
        if self._answer is not None:
            self._answer.view.wait(self._reason_to_wait())

    @on(gen.ModelLoaded)
    async def _greet(self, message: gen.ModelLoaded) -> None:
        loaded = message.loaded
        self._loading = ""
        self._speaker = loaded.model
        self.status.name_model(loaded)
        self.query_one(Welcome).name_model(loaded.model, loaded.device, loaded.notice)
        waiting = self._answer.view if self._answer is not None else None
        if waiting is not None:
            waiting.name_speaker(loaded.model)
        if loaded.notice and not self.query_one(Welcome).display:
            await self.transcript.add_note(loaded.notice, before=waiting)
        if limits := self._engine.limits():
            self.status.context_length = limits.context_length
            self.attachment_bar.limits = limits
            self.query_one("#preview", ImagePreview).limits = limits

    @on(gen.LoadFailed)
    async def _tell_load_failed(self, message: gen.LoadFailed) -> None:
        self._loading = ""
        self.status.activity = "No model"
        self.query_one(Welcome).lack_model()
        await self._tell(message.failure.error)

    @on(gen.PromptRead)
    def _show_prefill(self, message: gen.PromptRead) -> None:
        answer = self._answer
        if answer is None or answer.generation is not message.generation:
            return
        self.status.activity = "Answering"
        answer.view.wait(describe_prefill(message.progress))

    async def _tell(self, error: Phi3VTuiError) -> None:
        await self.transcript.add_note(str(error), is_error=True)

    def _tell_unsaved(self, error: StoreError) -> None:
        self.notify(str(error), title="Not saved", severity="warning", timeout=12, markup=False)
