"""Numbers of tokens, counted or estimated, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.ui.pictures import cost

_BYTES_PER_TOKEN = 4
_AROUND_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens something takes.

    Attributes:
        number: How many.
        is_rough: Whether they were estimated, not counted.
    """

    number: int
    is_rough: bool = False

    def __str__(self) -> str:
        """In words."""
        return f"{'about ' * self.is_rough}{self.number:,}"

    @property
    def short(self) -> str:
        """In as few characters as make sense."""
        return f"{'~' * self.is_rough}{thousands(self.number)}"


@dataclass(frozen=True, slots=True)
class ContextShare:
    """How much of the context is taken.

    Attributes:
        used: By the conversation; None where that is not known.
        draft: What the draft would add.
        length: What fits, the answer included; None while no model is loaded.
    """

    used: Tokens | None
    draft: Tokens | None
    length: int | None

    @property
    def is_too_much(self) -> bool:
        """Whether no room would be left for an answer."""
        return self.length is not None and self._taken() >= self.length

    def __str__(self) -> str:
        """In words; nothing while no model is loaded."""
        if self.length is None:
            return ""
        if not self._taken():
            return f"context {self.length:,}"
        draft = f" + {self.draft}" if self.draft and self.draft.number else ""
        return f"context {self.used or 0}{draft} {self._relation()[0]} {self.length:,}"

    @property
    def short(self) -> str:
        """What is taken in few characters: 1.2k+340/8.1k, with a ~ before what was estimated."""
        if self.length is None or not self._taken():
            return ""
        used = self.used.short if self.used else "0"
        draft = f"+{self.draft.short}" if self.draft and self.draft.number else ""
        return f"{used}{draft}{self._relation()[1]}{thousands(self.length)}"

    def _relation(self) -> tuple[str, str]:
        """How what is taken stands to what fits, in a word and in a character."""
        if not self.is_too_much:
            return "of", "/"
        return ("fills", "=") if self._taken() == self.length else ("exceeds", ">")

    def _taken(self) -> int:
        return sum(tokens.number for tokens in (self.used, self.draft) if tokens)


def thousands(number: int) -> str:
    """A number in few characters: 940, 1.2k, 131k."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 10_000 else f"{number // 1000}k"


def estimate(messages: Sequence[Message], limits: Limits) -> int:
    """Tokens of messages where nobody counts them: exact for pictures, a guess for text."""
    return sum(
        _AROUND_MESSAGE
        + len(message.text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN
        + sum(_cost(picture, limits) for picture in message.attachments)
        for message in messages
    )


def _cost(picture: Attachment, limits: Limits) -> int:
    """Nothing for a picture that the model cannot take; it says so when it is asked."""
    try:
        return cost(picture, limits)
    except AttachmentError:
        return 0
