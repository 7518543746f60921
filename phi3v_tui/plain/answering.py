"""From a prompt to its answer, written as it comes and kept however it ends."""

import time

from phi3v_tui import choices
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.turns import Turn, TurnState, left_out
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import (
    Failed,
    Finished,
    FinishReason,
    Loaded,
    LoadProgress,
    PrefillProgress,
    StreamEvent,
    TextDelta,
    Unloaded,
)
from phi3v_tui.errors import Phi3VTuiError
from phi3v_tui.interface.journal import Journal
from phi3v_tui.plain.console import Console
from phi3v_tui.plain.model import Interrupted, Model
from phi3v_tui.plain.progress import Progress, ready, remark
from phi3v_tui.settings import Settings

_SAVE_EVERY_SECONDS = 1.0


class Answer:
    """One reply: its text so far, and what becomes of it.

    Attributes:
        text: What has come.
        error: What failed, if anything did.
        is_kept: Whether it has ended with something to keep.
        left_out: Turns at the beginning of the path that the model does not read any more.
    """

    def __init__(self, conversation: Conversation, prompt: Turn, journal: Journal) -> None:
        """Put an empty reply on the path, and save it."""
        self.left_out = left_out(conversation.path_to(prompt.id))
        self.text = ""
        self.error: Phi3VTuiError | None = None
        self.is_kept = False
        self._conversation = conversation
        self._journal = journal
        self._turn = conversation.append_reply(prompt.id, left_out=self.left_out)
        self._saved_at = time.monotonic()
        journal.save(conversation)

    def name_model(self, model: str) -> None:
        """Say who answers."""
        self._conversation.name_model(self._turn.id, model)

    def keep(self, state: TurnState, token_ids: tuple[int, ...] = ()) -> None:
        """Keep what has come, for good."""
        self.is_kept = True
        self._save(state, token_ids)

    def keep_now_and_then(self) -> None:
        """Save what has come so far, if the last time is a while ago."""
        if time.monotonic() - self._saved_at >= _SAVE_EVERY_SECONDS:
            self._saved_at = time.monotonic()
            self._save(TurnState.IN_PROGRESS)

    def give_up(self) -> None:
        """Undo a reply that never began: show an earlier one to the same prompt, if there is."""
        self._save(TurnState.FAILED)
        siblings = self._conversation.siblings(self._turn.id)
        if earlier := [turn for turn in siblings if turn.message.text]:
            self._conversation.select(earlier[-1].id)
            self._journal.save(self._conversation)

    def _save(self, state: TurnState, token_ids: tuple[int, ...] = ()) -> None:
        self._conversation.update_reply(self._turn.id, self.text, state, token_ids)
        self._journal.save(self._conversation)


class PlainAnswering:
    """Asks the model, and writes what comes.

    Attributes:
        under_way: The answer that is being written.
    """

    def __init__(self, console: Console, model: Model, journal: Journal) -> None:
        """Ask nothing yet."""
        self.under_way: Answer | None = None
        self._console = console
        self._model = model
        self._journal = journal
        self._progress = Progress()

    def tell_news(self) -> None:
        """Say if the model has become ready, or will not."""
        for event in self._model.news():
            if isinstance(event, Loaded):
                self._console.state(ready(event))
            elif isinstance(event, Unloaded):
                self._console.state(str(event))
            elif isinstance(event, Failed):
                self._console.state(str(event.error))

    def answer(self, conversation: Conversation, prompt: Turn, settings: Settings) -> Answer:
        """Write an answer to a prompt of the path; ends when it is complete, stopped or failed.

        Where nothing came, the prompt has a failed reply without text, or its earlier one.
        """
        self.under_way = answer = Answer(conversation, prompt, self._journal)
        self._progress = Progress()
        try:
            if self._model.is_loading:
                self._console.state("The model is loading; the answer comes after that.")
            self.wait_for_model()
            answer.name_model(self._model.speaker)
            request = Request(
                conversation.snapshot(answer.left_out),
                choices.sampling(conversation, settings),
                choices.num_crops(conversation, settings),
            )
            for event in self._model.answer(request):
                self._take(event, answer)
        except Interrupted:
            self._console.state("Taken back. The model goes on loading.")
        except Phi3VTuiError as error:
            self._fail(error, answer)
        if not answer.is_kept:
            answer.give_up()
        self.under_way = None
        return answer

    def wait_for_model(self) -> None:
        """Wait until loading has ended, and say how it goes on.

        Raises:
            Phi3VTuiError: The model could not be loaded.
            Interrupted: Ctrl+C was pressed; loading goes on.
        """
        for event in self._model.wait():
            if isinstance(event, LoadProgress):
                self._tell(self._progress.of_loading(event))
            elif isinstance(event, Loaded):
                self._console.state(ready(event))
        if self._model.error is not None:
            raise self._model.error

    def _tell(self, words: str) -> None:
        if words:
            self._console.state(words)

    def _take(self, event: StreamEvent, answer: Answer) -> None:
        match event:
            case PrefillProgress():
                self._tell(self._progress.of_reading(event))
            case TextDelta():
                self._write(event.text, answer)
            case Failed():
                self._fail(event.error, answer)
            case Finished():
                self._finish(event, answer)

    def _write(self, piece: str, answer: Answer) -> None:
        if not answer.text:
            self._console.begin_answer(self._model.speaker)
        answer.text += piece
        self._console.go_on(piece)
        answer.keep_now_and_then()

    def _finish(self, finished: Finished, answer: Answer) -> None:
        if answer.text:
            self._console.end_answer()
        elif finished.reason is FinishReason.CANCELLED:
            self._console.state("Stopped before the answer began.")
            return
        answer.keep(TurnState(finished.reason.value), finished.token_ids)
        self._console.state(remark(finished, self._model.context_length()))

    def _fail(self, error: Phi3VTuiError, answer: Answer) -> None:
        answer.error = error
        if answer.text:
            self._console.end_answer()
            answer.keep(TurnState.FAILED)
            self._console.state("Broken off; what has come is kept.")
        self._console.state(str(error))
