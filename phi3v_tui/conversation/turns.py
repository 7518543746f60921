"""Turns as a tree, of which one path is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from phi3v_tui.conversation.message import Message, Role


class TurnState(StrEnum):
    """How far a turn got. STOP, LENGTH, CONTEXT and CANCELLED are the engine's finish reasons."""

    IN_PROGRESS = "in_progress"
    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def new_id() -> str:
    """A new id, in hex."""
    return uuid4().hex


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message in its place in the tree.

    Attributes:
        id: Unique, in hex.
        parent_id: The turn that it answers or follows; None for a first one.
        message: What was said.
        state: How far it got; a person's turn is always STOP. INTERRUPTED is a reply that was
            under way when the app ended.
        created: When it began, in UTC.
        model: Of a reply: the model that gave it, for people; empty where unknown.
        left_out: Of a reply: how many turns at the beginning of its path the model did not read,
            for they did not fit.
    """

    id: str
    parent_id: str | None
    message: Message
    state: TurnState = TurnState.STOP
    created: datetime = field(default_factory=now)
    model: str = ""
    left_out: int = 0


class TurnTree:
    """Turns with their alternatives; the one chosen last of each leads on to what is shown.

    The turns themselves are immutable, so `path()` can go to other threads.
    """

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        """Take turns, parents before children; the newest are shown."""
        self._turns: dict[str, Turn] = {}
        self._children: dict[str | None, list[str]] = {None: []}
        self._selected: dict[str | None, str] = {}
        for turn in turns:
            self._add(turn)

    def turn(self, turn_id: str) -> Turn:
        """The turn with an id; KeyError if there is none."""
        return self._turns[turn_id]

    def turns(self) -> tuple[Turn, ...]:
        """Every turn of the tree, parents before children, in order of creation."""
        return tuple(self._turns.values())

    def path(self) -> tuple[Turn, ...]:
        """The turns that are shown, oldest first."""
        path: list[Turn] = []
        selected = self._selected.get(None)
        while selected is not None:
            path.append(self._turns[selected])
            selected = self._selected.get(selected)
        return tuple(path)

    def path_to(self, turn_id: str) -> tuple[Turn, ...]:
        """The turns that lead to one, that one included, oldest first."""
        path: list[Turn] = []
        turn: Turn | None = self._turns[turn_id]
        while turn is not None:
            path.append(turn)
            turn = self._turns[turn.parent_id] if turn.parent_id else None
        return tuple(reversed(path))

    def siblings(self, turn_id: str) -> tuple[Turn, ...]:
        """The turn and its alternatives, in order of creation."""
        parent_id = self._turns[turn_id].parent_id
        return tuple(self._turns[child] for child in self._children[parent_id])

    def branches(self, turn_id: str) -> tuple[Turn, ...]:
        """The turn and its alternatives that led to something, in order of creation."""
        return tuple(
            turn
            for turn in self.siblings(turn_id)
            if turn.id == turn_id or not self._came_to_nothing(turn)
        )

    def select(self, turn_id: str) -> None:
        """Show the path that leads through a turn."""
        turn: Turn | None = self._turns[turn_id]
        while turn is not None:
            self._selected[turn.parent_id] = turn.id
            turn = self._turns[turn.parent_id] if turn.parent_id else None

    def put(self, turn: Turn) -> Turn:
        """Put a turn as it is now in the place of the one with its id."""
        self._turns[turn.id] = turn
        return turn

    def _came_to_nothing(self, turn: Turn) -> bool:
        """Whether it is a reply without text, or a prompt that got no other ones."""
        if turn.message.role is Role.ASSISTANT:
            return not turn.message.text and turn.state is not TurnState.STOP
        return all(self._came_to_nothing(self._turns[id]) for id in self._children[turn.id])

    def _add(self, turn: Turn) -> None:
        self._children[turn.parent_id].append(turn.id)
        self._children[turn.id] = []
        self._turns[turn.id] = turn
        self._selected[turn.parent_id] = turn.id


def left_out(path: Iterable[Turn]) -> int:
    """How many turns at the beginning of a path the model does not read any more."""
    return max((turn.left_out for turn in path), default=0)
