"""A conversation: turns that form a tree, of which one path is shown."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import Turn, TurnState, TurnTree, left_out, new_id, now


class Conversation(TurnTree):
    """Turns as a tree: an edited prompt and a retried reply are siblings of the first one.

    Pure data for one thread: the interface's screen is its only mutator. The turns themselves
    are immutable, so `snapshot()` and `path()` can go to other threads.

    Attributes:
        id: Unique, in hex.
        created: When it began, in UTC.
        system_prompt: What the model is told before the first turn; may be empty.
        name: What a person called it; empty takes the first prompt.
        sampling: How its answers are chosen; None leaves it to the settings.
        num_crops: Most crops its pictures are cut into; None leaves it to the settings.
    """

    def __init__(
        self,
        system_prompt: str = "",
        *,
        id: str | None = None,
        created: datetime | None = None,
        name: str = "",
        sampling: SamplingParams | None = None,
        num_crops: int | None = None,
        turns: Iterable[Turn] = (),
        last_id: str | None = None,
    ) -> None:
        """Start an empty conversation, or restore one.

        Args:
            system_prompt: What the model is told before the first turn.
            id: The restored conversation's id.
            created: When the restored conversation began.
            name: What a person called it.
            sampling: How its answers are chosen.
            num_crops: Most crops its pictures are cut into.
            turns: The restored turns, parents before children.
            last_id: A turn that the shown path leads through; None shows the newest.
        """
        super().__init__(turns)
        self.id = id or new_id()
        self.created = created or now()
        self.system_prompt = system_prompt
        self.name = name
        self.sampling = sampling
        self.num_crops = num_crops
        if last_id is not None:
            self.select(last_id)

    @property
    def title(self) -> str:
        """Its name; else the first prompt, or its pictures' names where nothing was typed."""
        return self.name or self.opening

    @property
    def opening(self) -> str:
        """The first prompt, shortened to one line; a picture's name where nothing was typed."""
        first = next(iter(self.path()), None)
        return _title(first.message) if first else "New conversation"

    @property
    def left_out(self) -> int:
        """How many turns at the beginning of the path the model does not read any more."""
        return left_out(self.path())

    def snapshot(self, left_out: int = 0, last_id: str | None = None) -> tuple[Message, ...]:
        """The messages of the path for the engine, the system prompt first.

        Replies without text are left out: the one under way, and those that failed or were
        stopped before they began.

        Args:
            left_out: Turns at the beginning of the path to go without.
            last_id: The turn to end with; None takes the whole path.
        """
        path = self.path_to(last_id) if last_id else self.path()
        system = (Message(Role.SYSTEM, self.system_prompt),) if self.system_prompt else ()
        return system + tuple(
            turn.message
            for turn in path[left_out:]
            if turn.message.role is Role.USER or turn.message.text
        )

    def picture_numbers(self) -> dict[str, tuple[int, ...]]:
        """The numbers of each path turn's pictures by turn id, counted from 1 through the path."""
        numbers: dict[str, tuple[int, ...]] = {}
        count = 0
        for turn in self.path():
            pictures = len(turn.message.attachments)
            numbers[turn.id] = tuple(range(count + 1, count + pictures + 1))
            count += pictures
        return numbers

    def append_user(self, text: str, attachments: tuple[Attachment, ...] = ()) -> Turn:
        """Add a prompt at the end of the path.

        Where the last reply failed before it had any text (the prompt was too long, say), the
        new prompt takes the place of the failed one, as its sibling: else the failure would be
        sent again with every prompt to come.
        """
        path = self.path()
        if path and path[-1].state is TurnState.FAILED and not path[-1].message.text:
            return self.edit(path[-2].id, text, attachments)
        return self._append(path[-1].id if path else None, Message(Role.USER, text, attachments))

    def edit(self, turn_id: str, text: str, attachments: tuple[Attachment, ...] = ()) -> Turn:
        """Add a prompt as a sibling of another one and show it."""
        return self._append(self.turn(turn_id).parent_id, Message(Role.USER, text, attachments))

    def append_reply(
        self, prompt_id: str | None = None, model: str = "", left_out: int = 0
    ) -> Turn:
        """Add an empty reply, in progress, to a prompt and show it.

        Args:
            prompt_id: The prompt to answer; None means the last turn of the path. To try again,
                give the prompt of an earlier reply: the new one becomes that reply's sibling.
            model: Who answers, for people.
            left_out: Turns at the beginning of the path that the model does not read.

        Raises:
            ValueError: There is no prompt to answer.
        """
        path = self.path()
        parent_id = prompt_id or (path[-1].id if path else None)
        if parent_id is None or self.turn(parent_id).message.role is not Role.USER:
            raise ValueError("a reply needs a prompt to answer")
        reply = Message(Role.ASSISTANT, "")
        return self._append(parent_id, reply, TurnState.IN_PROGRESS, model, left_out)

    def update_reply(
        self,
        turn_id: str,
        text: str,
        state: TurnState = TurnState.IN_PROGRESS,
        token_ids: tuple[int, ...] = (),
    ) -> Turn:
        """Replace a reply's text, state and token ids, and return the turn as it is now."""
        turn = self.turn(turn_id)
        message = replace(turn.message, text=text, token_ids=token_ids)
        return self.put(replace(turn, message=message, state=state))

    def name_model(self, turn_id: str, model: str) -> None:
        """Say who gives a reply, where that was not known when it was appended."""
        self.put(replace(self.turn(turn_id), model=model))

    def fork(self, turn_id: str | None) -> "Conversation":
        """A new conversation that begins with the path to a turn, that turn included; None: empty.

        The messages are the same objects; the turns get new ids, for both are kept.
        """
        fork = Conversation(
            self.system_prompt,
            name=f"{self.title} (fork)",
            sampling=self.sampling,
            num_crops=self.num_crops,
        )
        parent_id = None
        for turn in self.path_to(turn_id) if turn_id else ():
            copy = replace(turn, id=new_id(), parent_id=parent_id)
            fork._add(copy)
            parent_id = copy.id
        return fork

    def _append(
        self,
        parent_id: str | None,
        message: Message,
        state: TurnState = TurnState.STOP,
        model: str = "",
        left_out: int = 0,
    ) -> Turn:
        turn = Turn(new_id(), parent_id, message, state, model=model, left_out=left_out)
        self._add(turn)
        self.select(turn.id)
        return turn


_TITLE_LENGTH = 60


def _title(message: Message) -> str:
    """One line for lists of conversations, of at most `_TITLE_LENGTH` characters."""
    names = ", ".join(attachment.name for attachment in message.attachments)
    line = " ".join(message.text.split()) or names or "Untitled"
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"
