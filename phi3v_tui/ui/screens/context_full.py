"""What to do when a prompt does not fit any more."""

from collections.abc import Sequence
from enum import Enum

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.conversation.turns import Turn
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.answers import speaker
from phi3v_tui.ui.clickable import footer

_MOST_NAME_CELLS = 20


class WayOut(Enum):
    """What the person wants."""

    LEAVE_OUT = "leave out"
    NEW_CONVERSATION = "new conversation"
    CANCEL = "cancel"


class ContextFullScreen(ModalScreen[WayOut]):
    """Says which messages would be left out, and asks."""

    BINDINGS = [Binding("escape", "cancel", "Close it")]

    def __init__(self, tokens: int, context_length: int, leaving: Sequence[Turn]) -> None:
        """Ask.

        Args:
            tokens: What the conversation takes.
            context_length: What fits.
            leaving: The turns that would be left out, oldest first.
        """
        super().__init__()
        self._words = (
            f"With this prompt the conversation takes {tokens:,} tokens; the model reads"
            f" {context_length:,}, its answer included. What to do with the oldest messages?"
        )
        self._leaving = leaving

    def compose(self) -> ComposeResult:
        """Words, the messages in question, ways out."""
        count = len(self._leaving)
        noun = "message" if count == 1 else "messages"
        with Vertical(classes="modal") as box:
            box.border_title = "The context is full"
            box.border_subtitle = footer(self, "Enter chooses · Esc takes the prompt back")
            yield Static(self._words, classes="modal-text", markup=False)
            with VerticalScroll(classes="modal-list", can_focus=False):
                yield Static(_lines(self._leaving), markup=False)
            yield OptionList(
                Option(f"Go on without the {count} {noun} above; they stay in the log"),
                Option("Ask this in a new conversation"),
                Option("Take the prompt back, to shorten it"),
                compact=True,
            )

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(WayOut)[event.option_index])

    def action_cancel(self) -> None:
        """Take the prompt back."""
        self.dismiss(WayOut.CANCEL)


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
    pictures = [picture.name for picture in turn.message.attachments]
    return drawable(" ".join([*pictures, *turn.message.text.split()]))
