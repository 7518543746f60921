"""Words looked for in the conversation, also in messages that are no widgets now."""

import re
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.markdown import answer_parser, drawn_blocks, is_costly
from phi3v_tui.ui.widgets.message_view import Entry


def pattern(words: str) -> re.Pattern[str] | None:
    """What matches words in any case and with any white space between them; None for nothing."""
    parts = [re.escape(part) for part in words.split()]
    return re.compile(r"\s+".join(parts), re.IGNORECASE) if parts else None


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Where something was found, from the first message to the last.

    Attributes:
        turn_ids: Of the messages that have it.
        ends: For each, how often it occurs up to its end.
    """

    turn_ids: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()

    def __len__(self) -> int:
        """How often it occurs."""
        return self.ends[-1] if self.ends else 0

    def at(self, place: int) -> tuple[str, int]:
        """The turn of an occurrence, and which one of that turn it is, both from 0."""
        index = bisect_right(self.ends, place)
        return self.turn_ids[index], place - (self.ends[index - 1] if index else 0)

    def place(self, turn_id: str, nth: int) -> int | None:
        """The reverse of `at`; None where the turn has not so many any more."""
        if turn_id not in self.turn_ids:
            return None
        index = self.turn_ids.index(turn_id)
        place = nth + (self.ends[index - 1] if index else 0)
        return place if place < self.ends[index] else None


class Finder:
    """Finds words as they are drawn: marks of emphasis and addresses behind links aside."""

    def __init__(self) -> None:
        """Know no message yet."""
        self._parser = answer_parser()
        self._blocks: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()  # a search that nobody waits for may still go on

    def find(self, entries: Sequence[Entry], wanted: re.Pattern[str] | None) -> Occurrences:
        """Find all occurrences. The first time takes as long as reading all messages."""
        if wanted is None:
            return Occurrences()
        with self._lock:
            counts = [(entry.turn.id, self._count(entry, wanted)) for entry in entries]
        found = [(turn_id, count) for turn_id, count in counts if count]
        ends = accumulate(count for _, count in found)
        return Occurrences(tuple(turn_id for turn_id, _ in found), tuple(ends))

    def _count(self, entry: Entry, wanted: re.Pattern[str]) -> int:
        return sum(sum(1 for _ in wanted.finditer(block)) for block in self._drawn_blocks(entry))

    def _drawn_blocks(self, entry: Entry) -> tuple[str, ...]:
        message = entry.turn.message
        text = drawable(message.text)
        if message.role is Role.USER or entry.turn.state is TurnState.IN_PROGRESS:
            return (text,)
        if text not in self._blocks:
            costly = is_costly(text)
            self._blocks[text] = (text,) if costly else drawn_blocks(text, self._parser)
        return self._blocks[text]
