"""The part of the chat that has the conversation, and hears the engine."""

from abc import abstractmethod
from dataclasses import replace

from textual import on
from textual.screen import Screen

from phi3v_tui import choices
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine.base import Engine, Limits
from phi3v_tui.engine.events import Failed, FinishReason, Loaded, LoadProgress, Unloaded
from phi3v_tui.errors import Phi3VTuiError, StoreError
from phi3v_tui.interface.journal import Journal
from phi3v_tui.interface.progress import bar, describe_progress
from phi3v_tui.settings import Settings
from phi3v_tui.ui import generation as gen
from phi3v_tui.ui.answering import Answering
from phi3v_tui.ui.shown import ShownConversation
from phi3v_tui.ui.widgets.attachment_bar import AttachmentBar
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.status_bar import StatusBar
from phi3v_tui.ui.widgets.transcript_view import TranscriptView
from phi3v_tui.ui.widgets.welcome import Welcome


class AnsweringScreen(Screen[None]):
    """Passes the engine's events on to what is shown; they are handled one after the other.

    Attributes:
        transcript: The log.
        composer: Where the next prompt is typed.
        attachment_bar: The pictures of the next prompt.
        status: The line at the bottom.
        shown: The conversation.
        answering: The answer under way.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Begin an empty conversation.

        Args:
            engine: Not loaded yet; it is once the screen has been painted.
            settings: For sampling, pictures and where to save.
        """
        super().__init__()
        self._settings = settings
        self.transcript = TranscriptView("transcript")
        self.composer = Composer("composer")
        self.attachment_bar = AttachmentBar()
        self.status = StatusBar()
        self.shown = ShownConversation(
            Conversation(settings.system_prompt),
            Journal(settings.history_path, self._tell_unsaved),
            self.transcript,
            self.status,
        )
        self._noticed = {""}
        self.answering = Answering(engine, self.shown, self.status, self, self.return_prompt)

    @property
    def conversation(self) -> Conversation:
        """The conversation that is shown."""
        return self.shown.conversation

    @property
    def engine(self) -> Engine:
        """The model that answers."""
        return self.answering.engine

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way, or waits for the model."""
        return self.answering.current is not None

    def start_engine(self) -> None:
        """Load the model, and begin to show what comes from it."""
        is_slow = self._settings.slow_link
        flushes = gen.SLOW_FLUSHES_PER_SECOND if is_slow else gen.FLUSHES_PER_SECOND
        self.set_interval(1 / flushes, self.answering.flush)
        gen.load(self.engine, self)

    def replace_engine(self, engine: Engine) -> None:
        """Load another model, which answers from now on; the conversation stays.

        Args:
            engine: Not loaded yet; it closes the one before.
        """
        self.answering.engine = engine
        self.shown.model = ""
        self.status.forget_model()
        self._forget_limits()
        self.query_one(Welcome).await_model()
        self.answering.loading_went_on("Loading")
        gen.load(engine, self)

    @abstractmethod
    async def return_prompt(self) -> None:
        """Put the last prompt of the path back where it was typed."""

    def number_pictures(self) -> None:
        """Number the pictures of the next prompt through the conversation."""
        self.attachment_bar.first_number = 1 + len(self.shown.pictures)

    def save_before_leaving(self) -> None:
        """Save what there is; called when the app ends, in whichever way."""
        self.answering.keep_before_leaving()
        self.shown.journal.close()

    def _tell_unsaved(self, error: StoreError) -> None:
        self.notify(str(error), title="Not saved", severity="warning", timeout=12, markup=False)

    # What the conversation goes by.

    @property
    def settings(self) -> Settings:
        """As they are now: some can be changed while the app runs."""
        return self._settings

    @property
    def sampling(self) -> SamplingParams:
        """How answers are chosen in this conversation."""
        return choices.sampling(self.conversation, self._settings)

    @property
    def num_crops(self) -> int | None:
        """Most crops a picture is cut into now; None leaves it to the engine."""
        return choices.num_crops(self.conversation, self._settings)

    def new_conversation(self) -> Conversation:
        """Make an empty conversation."""
        return Conversation(self._settings.system_prompt)

    def tell_choices(self) -> None:
        """Show what differs from the settings in this conversation."""
        self.composer.border_title = choices.differences(self.conversation, self._settings)

    def apply(self, settings: Settings) -> None:
        """Go by other settings, and by what was chosen, from the next answer on."""
        self._settings = settings
        self.shown.save()
        self.tell_choices()
        self.show_costs()

    # What the engine reports.

    @on(gen.AnswerFinished)
    async def _keep_answer(self, message: gen.AnswerFinished) -> None:
        if await self.answering.finish(message.generation, message.finished):
            await self.answer_ended(message.finished.reason)

    @on(gen.AnswerFailed)
    async def _keep_failed_answer(self, message: gen.AnswerFailed) -> None:
        if await self.answering.fail(message.generation, message.failure):
            await self.answer_ended(None)

    async def answer_ended(self, reason: FinishReason | None) -> None:
        """Called when an answer has ended and is kept.

        Args:
            reason: Why it ended; None after a failure.
        """

    @on(gen.PromptRead)
    def _show_prefill(self, message: gen.PromptRead) -> None:
        self.answering.prompt_was_read(message.generation, message.progress)

    @on(gen.LoadReported)
    async def _hear_loading(self, message: gen.LoadReported) -> None:
        if message.engine is not self.engine:
            return  # another model was chosen meanwhile
        match message.event:
            case LoadProgress() as progress:
                words = f"{bar(progress.done, progress.total)}{describe_progress(progress)}"
                self.answering.loading_went_on(words)
            case Loaded() as loaded:
                await self.model_loaded(loaded)
            case Unloaded() as unloaded:
                self.model_unloaded(unloaded)
            case Failed() as failed:
                await self.load_failed(failed.error)

    async def model_loaded(self, loaded: Loaded) -> None:
        """Greet: say who answers, and what fits."""
        self.answering.model_was_loaded(loaded.model)
        self.status.name_model(loaded)
        welcome = self.query_one(Welcome)
        welcome.name_model(loaded.model, loaded.device, loaded.notice)
        is_news = loaded.notice not in self._noticed
        self._noticed.add(loaded.notice)
        if is_news and not welcome.display:
            waiting = self.answering.current.turn_id if self.answering.current is not None else ""
            await self.transcript.add_note(loaded.notice, before=waiting)
        self.show_costs()

    def show_costs(self) -> None:
        """Show what fits, and what pictures cost as they are cut now, where that is known."""
        if limits := self.engine.limits():
            self._show_limits(limits)

    def _show_limits(self, limits: Limits) -> None:
        crops = self.num_crops or limits.num_crops
        self.status.context_length = limits.context_length
        self._price_pictures(replace(limits, num_crops=crops))

    def _forget_limits(self) -> None:
        """What pictures cost is not known until the next model has been loaded."""
        self._price_pictures(None)

    def _price_pictures(self, limits: Limits | None) -> None:
        self.attachment_bar.limits = limits
        self.query_one("#preview", ImagePreview).limits = limits

    def model_unloaded(self, unloaded: Unloaded) -> None:
        """Say that the memory was given back."""
        self.answering.loading = ""
        self.status.activity = "Unloaded"
        self.notify(str(unloaded), title="Memory given back", timeout=10, markup=False)

    async def load_failed(self, error: Phi3VTuiError) -> None:
        """Say that there is no model, and why."""
        self.answering.loading = ""
        self.status.activity = "No model"
        self.query_one(Welcome).lack_model()
        await self.transcript.add_note(str(error), is_error=True)
