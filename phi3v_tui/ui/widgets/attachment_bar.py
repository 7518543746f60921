"""The pictures that will go with the next prompt."""

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.engine.base import Limits
from phi3v_tui.ui.clickable import GAP
from phi3v_tui.ui.pictures import caption
from phi3v_tui.ui.widgets.squeezed_line import SqueezedLine


class AttachmentChip(SqueezedLine):
    """One picture; the cross removes it, anything else shows it."""

    BINDINGS = [
        Binding("enter,space", "show_picture", "View the picture"),
        Binding("delete,backspace", "remove_picture", "Take the picture back"),
    ]

    @dataclass
    class Removed(Message):
        """The person took the picture away."""

        attachment: Attachment

    @dataclass
    class Chosen(Message):
        """The person wants to see the picture."""

        attachment: Attachment

    def __init__(self, attachment: Attachment, number: int, limits: Limits | None) -> None:
        """Describe a picture.

        Args:
            attachment: The picture.
            number: Its number in the conversation, from 1.
            limits: For its cost in tokens; None while the model loads.
        """
        super().__init__(str(number), attachment.name, caption(attachment, limits).split(GAP))
        self.tooltip = "Click or Enter shows it, ✕ or Delete removes it"
        self.attachment = attachment

    def action_show_picture(self) -> None:
        """Show the picture."""
        self.post_message(self.Chosen(self.attachment))

    def action_remove_picture(self) -> None:
        """Take the picture away."""
        self.post_message(self.Removed(self.attachment))

    def on_click(self, event: events.Click) -> None:
        """Tell the cross from the rest."""
        event.stop()
        if self.is_on_cross(event):
            self.action_remove_picture()
        else:
            self.action_show_picture()


class AttachmentBar(VerticalScroll, can_focus=False):
    """A chip below the other, hidden while there are none."""

    attachments: reactive[tuple[Attachment, ...]] = reactive((), recompose=True)
    first_number: reactive[int] = reactive(1, recompose=True)
    limits: reactive[Limits | None] = reactive(None, recompose=True)

    def compose(self) -> ComposeResult:
        """One chip a picture."""
        for index, attachment in enumerate(self.attachments):
            yield AttachmentChip(attachment, self.first_number + index, self.limits)

    def watch_attachments(self) -> None:
        """Fold the bar when it is empty."""
        self.display = bool(self.attachments)

        self.call_after_refresh(self.scroll_end, animate=False)

    def replace(self, old: Attachment, new: Attachment) -> None:
        """Put a picture in the place of another."""
        self.attachments = tuple(new if item is old else item for item in self.attachments)

    def remove_last(self) -> None:
        """Take the last picture away, if there is one."""
        self.attachments = self.attachments[:-1]

    def on_attachment_chip_removed(self, message: AttachmentChip.Removed) -> None:
        """Take one picture away; the same file attached twice is two pictures."""
        places = [i for i, a in enumerate(self.attachments) if a is message.attachment]
        if places:  # else a double click has taken it away before
            self.attachments = self.attachments[: places[0]] + self.attachments[places[0] + 1 :]
