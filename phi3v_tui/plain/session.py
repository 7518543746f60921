"""A conversation, line by line."""

from collections.abc import Sequence
from pathlib import Path

from phi3v_tui import choices, slash
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.parts import describe_frames
from phi3v_tui.conversation.patterns import Source
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.engine.models import ModelChoice, Models
from phi3v_tui.errors import AttachmentError, CommandError, Phi3VTuiError
from phi3v_tui.interface.journal import Journal
from phi3v_tui.interface.picture_files import ANOTHER_FRAME, picture_paths, read_picture
from phi3v_tui.interface.plain_text import pixel_size
from phi3v_tui.plain import commands
from phi3v_tui.plain.answering import PlainAnswering
from phi3v_tui.plain.console import Console
from phi3v_tui.plain.model import Model
from phi3v_tui.plain.progress import Progress
from phi3v_tui.settings import Settings
from phi3v_tui.web_pictures import fetch_picture

_SHOWN_AGAIN = 2
_GREETING = (
    "phi3v-tui, line by line. Type a question and press Enter.\n"
    "/attach PATH adds a picture, /help lists the commands, /quit ends."
)


class PlainSession:
    """Owns the conversation and the pictures of the next prompt.

    Attributes:
        console: Where it is held.
        settings: As they are now.
        conversation: What was said.
        attachments: Pictures of the next prompt.
        journal: Where conversations are kept.
        model: The model that answers, or is loading.
        models: Those that could answer instead.
        choice: What was asked for last of them.
        answering: Asks the model.
        failures: How many prompts got no whole answer, and commands could not be run.
        is_over: Whether to end.
    """

    def __init__(self, console: Console, model: Model, settings: Settings, models: Models) -> None:
        """Begin an empty conversation with a model that may still be loading."""
        self.console = console
        self.settings = settings
        self.conversation = Conversation(settings.system_prompt)
        self.attachments: tuple[Attachment, ...] = ()
        self.journal = Journal(settings.history_path, self.tell)
        self.models = models
        self.choice = ModelChoice(settings.model, settings.quantize)
        self.failures = 0
        self.is_over = False
        self.model = model
        self.answering = PlainAnswering(console, model, self.journal)

    def start(self, pictures: Sequence[Source], resume: bool) -> None:
        """Begin to load the model; reopen the last conversation and attach pictures if wished."""
        self.model.load()
        if self.console.is_interactive:
            self.console.state(_GREETING)
        if resume:
            self._reopen()
        self.attach(pictures)

    def _reopen(self) -> None:
        if latest := self.journal.latest():
            self.open(latest)
        else:
            self.console.state("There is no earlier conversation yet; this is a new one.")

    def hold(self) -> None:
        """Read and answer until the input ends or the person leaves."""
        while not self.is_over:
            self.answering.tell_news()
            text = self.console.read()
            if text is None:
                return
            if text.strip():
                self._take(text.strip())

    def _take(self, text: str) -> None:
        try:
            if call := slash.read(text):
                commands.run(self, call)
            elif not text.startswith("//") and (paths := picture_paths(text)):
                self.attach(paths)
            else:
                self.ask(slash.as_prompt(text))
        except Phi3VTuiError as error:
            self.tell(error)

    def tell(self, error: Phi3VTuiError) -> None:
        """Say what went wrong."""
        self.failures += 1
        self.console.state(str(error))

    def attach(self, sources: Sequence[Source]) -> None:
        """Attach pictures, from files or the web, to the next prompt, and say so of each."""
        for source in sources:
            try:
                self.add(read_picture(source) if isinstance(source, Path) else self._fetch(source))
            except AttachmentError as error:
                self.tell(error)

    def _fetch(self, url: str) -> Attachment:
        self.console.state(f"Fetching {url}; Ctrl+C stops it.")
        far = Progress()
        try:
            return fetch_picture(
                url,
                self.settings.allow_private_urls,
                lambda done, total: self._tell_far(far.of_fetching(done, total)),
            )
        except KeyboardInterrupt:
            raise AttachmentError(f"Stopped: {url} is not attached.", "") from None

    def _tell_far(self, words: str) -> None:
        if words:
            self.console.state(words)

    def add(self, picture: Attachment) -> None:
        """Have a picture go with the next prompt, and say so."""
        self.attachments += (picture,)
        said = sum(len(turn.message.attachments) for turn in self.conversation.path())
        number, size = said + len(self.attachments), pixel_size(picture.width, picture.height)
        self.console.state(f"Picture {number} attached: {picture.name}, {size} pixels.")
        if words := describe_frames(picture):
            self.console.state(f"{words} {ANOTHER_FRAME}")

    def ask(self, text: str) -> None:
        """Ask a question about the pictures attached, and write its answer."""
        prompt = self.conversation.append_user(text, self.attachments)
        self.attachments = ()
        self._answer(prompt)

    def retry(self) -> None:
        """Answer the last prompt again.

        Raises:
            CommandError: There is none.
        """
        turns = reversed(self.conversation.path())
        prompt = next((turn for turn in turns if turn.message.role is Role.USER), None)
        if prompt is None:
            raise CommandError("There is no prompt to answer yet.", "")
        if self._is_unanswered():
            self.ask(prompt.message.text)  # its pictures were given back, and go with it again
        else:
            self._answer(prompt)

    def _answer(self, prompt: Turn) -> None:
        answer = self.answering.answer(self.conversation, prompt, self.settings)
        if answer.error is not None:
            self.failures += 1
        self._give_pictures_back()

    def _is_unanswered(self) -> bool:
        """Whether nothing came to the last prompt; the next one then takes its place."""
        path = self.conversation.path()
        return bool(path) and path[-1].state is TurnState.FAILED and not path[-1].message.text

    def _give_pictures_back(self) -> None:
        if self._is_unanswered():
            prompt = self.conversation.path()[-2].message
            self.attachments = prompt.attachments + self.attachments

    def last_answer(self) -> str:
        """The text of the last answer.

        Raises:
            CommandError: There is none.
        """
        turns = reversed(self.conversation.path())
        answers = (turn.message.text for turn in turns if turn.message.role is Role.ASSISTANT)
        text = next(filter(None, answers), "")
        if not text:
            raise CommandError("There is no answer yet.", "")
        return text

    def open(self, conversation: Conversation) -> None:
        """Go on with another conversation, and show its end."""
        self.conversation = conversation
        path = conversation.path()
        self.console.state(f"Reopened: {conversation.title} ({len(path)} messages), the last ones:")
        for turn in path[-_SHOWN_AGAIN:]:
            self.console.say(f"{self._speaker(turn)}:\n{turn.message.text}")
        if words := choices.differences(conversation, self.settings):
            self.console.state(f"It goes by {words}.")
        self._give_pictures_back()

    def _speaker(self, turn: Turn) -> str:
        if turn.message.role is Role.ASSISTANT:
            return turn.model or self.model.speaker
        return ", with ".join(["You", *(picture.name for picture in turn.message.attachments)])

    def keep_before_leaving(self) -> None:
        """Stop what is under way, and save all there is."""
        if self.answering.under_way is not None:
            self.model.cancel()
            self.answering.under_way.keep(TurnState.CANCELLED)
        self.journal.save(self.conversation)
        self.journal.close()
