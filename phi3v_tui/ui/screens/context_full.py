"""What to do when a prompt does not fit any more."""

from collections.abc import Sequence
from enum import Enum

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.conversation.turns import Turn
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.answers import speaker
from phi3v_tui.ui.room import Shortage
from phi3v_tui.ui.widgets.boxes import Box

_MOST_NAME_CELLS = 20


class WayOut(Enum):
    """What the person wants."""

    LEAVE_OUT = "leave out"
    NEW_CONVERSATION = "new conversation"
    CANCEL = "cancel"


class ContextFullScreen(ModalScreen[WayOut]):
    """Says which messages would be left out, and asks."""

    BINDINGS = [Binding("escape", "cancel", "Close it")]

    def __init__(self, lacking: Shortage, leaving: Sequence[Turn], goes_on: bool) -> None:
        """Ask.

        Args:
            lacking: How little room there is.
            leaving: The turns that would be left out, oldest first.
            goes_on: An answer is to go on; else a prompt was sent.
        """
        super().__init__()
        self._lacking = lacking
        self._leaving = leaving
        self._goes_on = goes_on
        self._ways = {WayOut.LEAVE_OUT: f"Go on without {_count(leaving)}; all stays in the log"}
        if not goes_on:
            self._ways[WayOut.NEW_CONVERSATION] = "Ask this in a new conversation"
        self._ways[WayOut.CANCEL] = (
            "Leave the answer as it is" if goes_on else "Take the prompt back, to shorten it"
        )

    def compose(self) -> ComposeResult:
        """Words, the messages in question, ways out."""
        cancels = "leaves the answer as it is" if self._goes_on else "takes the prompt back"
        with Box(classes="modal") as box:
            box.border_title = "The context is full"
            box.keys = f"Enter chooses · Esc {cancels}"
            yield Static(self._question(), classes="modal-text", markup=False)
            with VerticalScroll(classes="modal-list", can_focus=False):
                yield Static(_lines(self._leaving), markup=False)
            yield OptionList(*map(Option, self._ways.values()), compact=True)

    def _question(self) -> str:
        what = "The conversation" if self._goes_on else "With this prompt the conversation"
        tokens, length = self._lacking.tokens, self._lacking.context_length
        left = f" That leaves {length - tokens:,} for the answer." if tokens < length else ""
        return (
            f"{what} takes {tokens:,} tokens; the model reads {length:,}, its answer"
            f" included.{left} What to do with the oldest messages?"
        )

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss([*self._ways][event.option_index])

    def action_cancel(self) -> None:
        """Take the prompt back, or leave the answer as it is."""
        self.dismiss(WayOut.CANCEL)


def _count(turns: Sequence[Turn]) -> str:
    """The messages above and their pictures, which weigh more, in words."""
    pictures = sum(len(turn.message.attachments) for turn in turns)
    counts = [(len(turns), "message"), (pictures, "picture")]
    words = [f"{count:,} {noun}{'s' * (count > 1)}" for count, noun in counts if count]
    return f"the {' and '.join(words)} above"


def _lines(turns: Sequence[Turn]) -> Content:
    """A line for each turn; what is said begins in one column."""
    speakers = [Content.styled(drawable(speaker(turn)), "$muted") for turn in turns]
    width = min(max((name.cell_length for name in speakers), default=0), _MOST_NAME_CELLS)
    columns = (name.truncate(width, ellipsis=True, pad=True) for name in speakers)
    return Content("\n").join(
        Content.assemble(column, "  ", _said(turn))
        for column, turn in zip(columns, turns, strict=True)
    )


def _said(turn: Turn) -> str:
    pictures = ", ".join(picture.name for picture in turn.message.attachments)
    return drawable(" · ".join(filter(None, (pictures, " ".join(turn.message.text.split())))))
