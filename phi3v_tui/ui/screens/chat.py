"""The chat: what keys, pastes and clicks do."""

import asyncio
from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Markdown

from phi3v_tui import slash
from phi3v_tui.conversation.patterns import Source
from phi3v_tui.engine.base import Engine, Limits
from phi3v_tui.engine.events import FinishReason, Loaded, Unloaded
from phi3v_tui.engine.models import Models
from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.interface.picture_files import picture_paths
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.settings import Settings
from phi3v_tui.ui import (
    conversation_commands,
    message_commands,
    setting_commands,
    slash_commands,
)
from phi3v_tui.ui.asking import Asking, Draft
from phi3v_tui.ui.hints import hints
from phi3v_tui.ui.keys import KEYS
from phi3v_tui.ui.meter import ContextMeter
from phi3v_tui.ui.opening import Opening
from phi3v_tui.ui.screens.typing import TypingScreen
from phi3v_tui.ui.switching import Switching
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.full_model_line import FullModelLine
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.search_bar import SearchBar
from phi3v_tui.ui.widgets.waiting_prompts import WaitingPrompts
from phi3v_tui.ui.widgets.welcome import ExampleQuestion

_LOOK_EVERY_SECONDS = 0.2
_PROMPTS_REMEMBERED = 200
_READ_SLOWLY_SECONDS = 1.0


class ChatScreen(TypingScreen):
    """Log and picture side by side; below them pictures to send, composer and status line."""

    BINDINGS = [*KEYS]

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        models: Models,
        pictures: Sequence[Source],
        resume: bool,
        image_mode: ImageMode,
    ) -> None:
        """Begin a conversation, or reopen the last one.

        Args:
            engine: Not loaded yet.
            settings: For sampling, pictures and where to save.
            models: Those that could answer.
            pictures: Files and addresses to attach to the first prompt.
            resume: Reopen the last conversation.
            image_mode: How pictures are drawn.
        """
        super().__init__(engine, settings, image_mode)
        self.full_model = FullModelLine(models.suggested(), settings.quantize, self._may_ask)
        self._pictures = pictures
        self._resume = resume
        self.asking = Asking(self)
        self.switching = Switching(self, models)
        self.meter = ContextMeter(self)
        self.opening = Opening(self)
        self.waiting_prompts = WaitingPrompts()
        self.search_bar = SearchBar(self.transcript)

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        with Horizontal(id="upper"):
            yield self.transcript
            yield ImagePreview(self._image_mode, "preview", as_model=True)
        with Vertical(id="lower"):
            yield self.search_bar
            yield self.waiting_prompts
            yield self.downloads
            yield self.attachment_bar
            yield self.composer.completion
            yield self.composer
            yield self.full_model
            yield self.status

    def on_mount(self) -> None:
        """Count what will be sent; whatever takes time comes later, in `begin`."""
        self.watch(self.attachment_bar, "attachments", self._attachments_changed)

    def on_screen_suspend(self) -> None:
        """Take notices away before they cover what another screen shows."""
        self.app.clear_notifications()

    async def begin(self) -> None:
        """Reopen, load the model and attach what was asked for; called after the first paint."""
        if self._resume:
            await self.opening.reopen_last()
        self.start_engine()
        await self.opening.bring_draft_back()
        self.composer.past.fill(
            await asyncio.to_thread(self.shown.journal.prompts, _PROMPTS_REMEMBERED)
        )
        if self._pictures:
            self.attach_sources(self._pictures)

    def save_before_leaving(self) -> None:
        """Keep what is not sent yet, too; it comes back at the next start."""
        try:
            self.shown.journal.keep_draft(self.asking.unsent())
        finally:
            super().save_before_leaving()

    def show_last_picture(self) -> None:
        """The last one of the conversation or, in a new one, of the next prompt."""
        pictures = self.shown.pictures or self.attachment_bar.attachments
        self._show_picture(pictures[-1] if pictures else None)

    def _attachments_changed(self) -> None:
        self._measure_draft()
        # Later, for pictures that are sent are in the conversation by then.
        self.call_after_refresh(self._show_what_is_there)

    def _show_what_is_there(self) -> None:
        """Show one of the pictures that are sent or going to be, and none that was taken back."""
        unsent = (*self.asking.unsent().attachments, *self.attachment_bar.attachments)
        pictures = (*self.shown.pictures, *unsent)
        shown = self.query_one("#preview", ImagePreview).attachment
        if shown is None or shown.digest not in {picture.digest for picture in pictures}:
            self._show_picture(pictures[-1] if pictures else None)

    # Models.

    async def model_loaded(self, loaded: Loaded) -> None:
        """Greet, and offer the full model where it would run."""
        await super().model_loaded(loaded)
        await self.switching.model_loaded(loaded)
        self.full_model.consider()

    def model_unloaded(self, unloaded: Unloaded) -> None:
        """Say that the memory was given back."""
        super().model_unloaded(unloaded)
        self.switching.model_unloaded()

    async def load_failed(self, error: Phi3VTuiError) -> None:
        """Say why, and go back to the model before where there was one."""
        if not await self.switching.go_back(error):
            await super().load_failed(error)

    def action_choose_model(self) -> None:
        """List the models, and change to another."""
        self.switching.choose()

    def _may_ask(self) -> bool:
        """Whether nothing is typed, read or shown that a question would interrupt."""
        is_busy = self.is_answering or self.composer.text or self._reading_pictures
        return self.app.screen is self and not is_busy

    @on(FullModelLine.Arrived)
    def _use_downloaded(self, message: FullModelLine.Arrived) -> None:
        if self.asking.is_busy:
            self.set_timer(_LOOK_EVERY_SECONDS, partial(self._use_downloaded, message))
        else:
            self.switching.to(message.choice)

    @on(FullModelLine.Missed)
    async def _tell_full_model_missed(self, message: FullModelLine.Missed) -> None:
        words = f"{message.error} Ctrl+P starts the download again."
        await self.transcript.add_note(words, is_error=True)

    # What the person sends.

    @on(Composer.PromptSubmitted)
    async def _submit(self, message: Composer.PromptSubmitted) -> None:
        if self._reading_pictures:
            self._submit_when_read = True
            self.set_timer(_READ_SLOWLY_SECONDS, self._tell_what_is_read)
            return
        text = message.text.strip()
        if not text:
            self._hint_at_empty_prompt()
        elif await slash_commands.obey(self, text):
            return
        elif not text.startswith("//") and (paths := picture_paths(text)):
            self.composer.clear()
            self._read_and_attach(paths, text)
        else:
            await self.asking.submit(slash.as_prompt(text))

    def _tell_what_is_read(self) -> None:
        if self._submit_when_read:
            self.notify("The prompt is sent once its pictures are read. Esc gives up on them.")

    def _hint_at_empty_prompt(self) -> None:
        if self.attachment_bar.attachments:
            self.notify("Type a question about the picture, then press Enter.")

    async def answer_ended(self, reason: FinishReason | None) -> None:
        """Ask what waits."""
        if reason is FinishReason.STOP:
            message_commands.tell_if_repeated(self)
        await self.asking.answer_ended(reason)
        self.meter.look()
        self.hint()

    async def return_prompt(self) -> None:
        """Put the last prompt of the path back where it was typed, above those that wait."""
        self.asking.give_back_waiting()
        prompt = self.conversation.path()[-2].message
        self.asking.give_back(Draft(prompt.text, prompt.attachments))

    @on(Composer.AttachmentTakenBack)
    def _take_waiting_back(self, message: Composer.AttachmentTakenBack) -> None:
        if not self.attachment_bar.attachments and self.asking.take_back():
            message.prevent_default()  # the pictures that came back with it stay

    @on(WaitingPrompts.TakenBack)
    def _take_last_back(self) -> None:
        self.asking.take_back()
        self.composer.focus()

    def hints(self) -> Sequence[str]:
        """What can be done now, what matters most first."""
        return hints(self)

    @on(Composer.Changed)
    def _measure_draft(self) -> None:
        self.meter.look_soon()

    def _show_limits(self, limits: Limits) -> None:
        super()._show_limits(limits)
        self.meter.recount()

    @on(ExampleQuestion.Chosen)
    def _take_example(self, message: ExampleQuestion.Chosen) -> None:
        self.composer.put_back(message.text)
        self.composer.focus()

    @on(Markdown.LinkClicked)
    def _show_link(self, message: Markdown.LinkClicked) -> None:
        """Opening it could start a browser on another machine; the address can be copied."""
        self.notify(message.href, title="Link", markup=False)

    # Commands.

    async def action_stop(self) -> None:
        """Leave what is going on: the choice, editing, the answer, which keeps what has come."""
        if self.transcript.chosen is not None:
            self.composer.focus()
        elif self.asking.give_up_editing():
            return
        elif self.is_answering:
            await self.answering.stop()
            if not self.is_answering:  # it had not begun; no event will come
                await self.answer_ended(None)
        elif not (self.downloads.cancel_last() or self.give_up_reading()):
            self.composer.focus()

    async def action_regenerate(self) -> None:
        """Answer the last prompt again; the answer before stays as a branch."""
        await message_commands.answer_last_again(self)

    async def action_go_on(self) -> None:
        """Go on with the last answer, where it was stopped or cut off."""
        await message_commands.go_on_with_last(self)

    async def action_choose_message(self) -> None:
        """Choose the last message; the arrow keys go on from there."""
        await message_commands.choose_last(self)

    def action_find(self) -> None:
        """Find words in the conversation."""
        self.search_bar.open()

    def action_list_conversations(self) -> None:
        """List the conversations."""
        conversation_commands.list_conversations(self)

    def action_take_prompt(self) -> None:
        """Offer prompts for what the model is made for."""
        conversation_commands.take_prompt(self)

    def action_choose_sampling(self) -> None:
        """Change system prompt and sampling of this conversation."""
        conversation_commands.choose_sampling(self)

    def action_step_version(self, turn_id: str, by: int) -> None:
        """Show the version before or after of a message."""
        # Later, for the message that was clicked goes: it cannot while it waits for this.
        self.call_later(message_commands.step_version, self, turn_id, by)

    async def action_with_message(self, command: str) -> None:
        """Do something with the chosen message."""
        await message_commands.obey(self, command)

    async def action_new_conversation(self) -> None:
        """Begin an empty conversation; what is typed and attached stays."""
        if self.opening.may_discard("Ctrl+N"):
            await self.opening.leave_for(self.new_conversation())

    def action_copy_answer(self) -> None:
        """Copy the last answer as Markdown."""
        conversation_commands.copy_answer(self)

    def action_save_transcript(self) -> None:
        """Save the conversation as Markdown, with its pictures beside it."""
        conversation_commands.save_here(self)

    def action_change_crops(self) -> None:
        """Cut pictures more or less finely, and say what they cost then."""
        setting_commands.change_crops(self)

    def action_scroll_transcript(self, pages: int) -> None:
        """Scroll the log by pages, down for positive numbers."""
        self.transcript.scroll_pages(pages)

    async def action_scroll_transcript_home(self) -> None:
        """Scroll to the beginning."""
        await self.transcript.scroll_to_edge(-1)

    async def action_scroll_transcript_end(self) -> None:
        """Scroll to the end, and stay there."""
        await self.transcript.scroll_to_edge(1)
