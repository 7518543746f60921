"""One message of the log."""

import re
from dataclasses import dataclass, replace

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, Static

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.interface.plain_text import drawable, on_one_line, pixel_size
from phi3v_tui.ui.clickable import acting
from phi3v_tui.ui.markdown import answer_parser, is_costly, settled_length
from phi3v_tui.ui.widgets.growing import ChangingText, Growing
from phi3v_tui.ui.widgets.marks import Mark, Marks

CURSOR = "▍"

_ENDINGS = {
    TurnState.CANCELLED: "stopped",
    TurnState.LENGTH: "cut off at the longest answer allowed",
    TurnState.CONTEXT: "cut off: the context is full",
    TurnState.FAILED: "broken off by an error",
    TurnState.INTERRUPTED: "interrupted when the app ended",
}


def ending(turn: Turn) -> str:
    """How an answer ended and what it was not told, in words; empty for an ordinary one."""
    parts = [_ENDINGS.get(turn.state, "")]
    if turn.left_out:
        noun = "message" if turn.left_out == 1 else "messages"
        parts.append(f"without the {turn.left_out} oldest {noun}")
    return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class Entry:
    """What is shown of a turn.

    Attributes:
        turn: The turn.
        numbers: The numbers of its pictures in the conversation.
        speaker: Who says it, for people.
        branch: Which of how many alternatives it is, from 1.
        is_left_out: Whether the model does not read it any more.
    """

    turn: Turn
    numbers: tuple[int, ...] = ()
    speaker: str = "You"
    branch: tuple[int, int] = (1, 1)
    is_left_out: bool = False


class PictureLine(Static, can_focus=True):
    """A picture of a message, by number and name; a click or Enter shows it."""

    BINDINGS = [Binding("enter,space", "show_picture", "View the picture")]

    @dataclass
    class Chosen(Message):
        """The person wants to see the picture."""

        attachment: Attachment

    def __init__(self, attachment: Attachment, number: int) -> None:
        """Name a picture."""
        label = Content.assemble(
            (f"{number} ", "$accent bold"),
            on_one_line(attachment.name),
            (f"  {pixel_size(attachment.width, attachment.height)}", "$muted"),
        )
        super().__init__(label, markup=False)
        self.tooltip = "Click or Enter shows it"
        self._attachment = attachment

    def on_click(self, event: events.Click) -> None:
        """Ask for the picture."""
        event.stop()
        self.action_show_picture()

    def action_show_picture(self) -> None:
        """Ask for the picture."""
        self.post_message(self.Chosen(self._attachment))


class RoleLine(Static):
    """Who speaks, and which of several alternatives this is; clicks lead to the others."""

    def __init__(self, entry: Entry) -> None:
        """Name the speaker."""
        super().__init__(_role_words(entry), classes="role", markup=False)
        self.tooltip = "A click chooses the message: copy, edit, branch"


def _role_words(entry: Entry) -> Content:
    return Content.assemble(
        drawable(entry.speaker),
        _branch_words(entry),
        ("  the model does not read this any more" if entry.is_left_out else "", "$muted not bold"),
    )


def _branch_words(entry: Entry) -> Content:
    number, count = entry.branch
    if count == 1:
        return Content()
    before, after = (f"screen.step_version('{entry.turn.id}', {by})" for by in (-1, 1))
    return Content.assemble(
        "  ",
        acting("‹", before, "$accent"),
        (f"{number}/{count}", "$accent"),
        acting("›", after, "$accent"),
    )


class MessageView(Growing, Vertical):
    """What one side said; a click chooses it."""

    @dataclass
    class Clicked(Message):
        """The person wants to do something with the message, or no longer."""

        turn_id: str

    def on_click(self, event: events.Click) -> None:
        """Choose the message, unless words of it were selected."""
        event.stop()
        if event.chain == 1 and not self.screen.get_selected_text():
            self.post_message(self.Clicked(self.entry.turn.id))

    def __init__(self, entry: Entry) -> None:
        """Show a turn."""
        super().__init__()
        self.entry = entry
        self._marks = Marks(self)
        self.set_class(entry.is_left_out, "-left-out")

    def mark(self, pattern: re.Pattern[str] | None, current: int | None = None) -> Mark | None:
        """Mark what matches a pattern; arguments and result as those of `Marks.show`."""
        return self._marks.show(pattern, current)


class PromptView(MessageView):
    """What the person asked, with the pictures that came with it."""

    def compose(self) -> ComposeResult:
        """Label, pictures, text."""
        message = self.entry.turn.message
        yield RoleLine(self.entry)
        for number, attachment in zip(self.entry.numbers, message.attachments, strict=True):
            yield PictureLine(attachment, number)
        if message.text:
            yield Static(Content(drawable(message.text)), classes="text", markup=False)


class AnswerView(MessageView):
    """What the model answered, perhaps still growing.

    The open block is plain text until it is settled: rendering it again at each piece would cost
    more with every piece. `grow` and `finish` are to be awaited, one at a time.
    """

    def __init__(self, entry: Entry) -> None:
        """Show a turn."""
        super().__init__(entry)
        self._text = entry.turn.message.text
        self._settled = 0

    def compose(self) -> ComposeResult:
        """Label, settled text, open block, remark."""
        yield RoleLine(self.entry)
        yield Markdown(
            "" if self._is_plain() else drawable(self._text),
            parser_factory=answer_parser,
            open_links=False,
        )
        yield ChangingText(classes="open-block", markup=False)
        yield Static(classes="remark", markup=False)

    def on_mount(self) -> None:
        """Hide what is empty."""
        self._show_open_block(drawable(self._text) if self._is_plain() else "")
        self._show_remark(ending(self.entry.turn))

    def name_speaker(self, speaker: str) -> None:
        """Say who answers, where that was not known before."""
        self.entry = replace(self.entry, speaker=speaker)
        self.query_one(RoleLine).update(_role_words(self.entry))

    def wait(self, reason: str) -> None:
        """Say what is awaited while no text has come."""
        if not self._text:
            self._show_open_block(reason, "$muted")

    async def grow(self, text: str) -> None:
        """Show more of the answer.

        Args:
            text: All of it so far.
        """
        self._text = text
        settled = settled_length(self._text, self._settled)
        if settled > self._settled:
            fragment = drawable(self._text[self._settled : settled])
            self._settled = settled
            await self.query_one(Markdown).append(fragment)
        self._show_open_block(drawable(self._text[self._settled :]).rstrip() + CURSOR)

    async def finish(self, turn: Turn, figures: str = "") -> None:
        """Show the whole answer and how it ended.

        Args:
            turn: As it is now.
            figures: Its length and speed in words, or nothing.
        """
        self._text = turn.message.text
        self.entry = replace(self.entry, turn=turn)
        text = drawable(self._text)
        self._settled = 0
        await self.query_one(Markdown).update("" if self._is_plain() else text)
        self._show_open_block(text if self._is_plain() else "")
        remarks = (ending(turn), figures)
        self._show_remark(" · ".join(remark for remark in remarks if remark))

    def _is_plain(self) -> bool:
        growing = self.entry.turn.state is TurnState.IN_PROGRESS
        return growing or is_costly(self._text)

    def _show_open_block(self, text: str, style: str = "") -> None:
        block = self.query_one(ChangingText)
        block.show(Content.styled(text, style))
        block.set_class(self._settled > 0, "-follows")
        block.display = bool(text)

    def _show_remark(self, text: str) -> None:
        remark = self.query_one(".remark", Static)
        remark.update(text)
        remark.display = bool(text)


class NoteView(Static):
    """A sentence of the app itself, such as what went wrong."""

    def __init__(self, text: str, is_error: bool) -> None:
        """Show a sentence."""
        super().__init__(Content(drawable(text)), markup=False)
        self.set_class(is_error, "-error")


def view_of(entry: Entry) -> MessageView:
    """Make the widget for a turn."""
    if entry.turn.message.role is Role.USER:
        return PromptView(entry)
    return AnswerView(entry)
