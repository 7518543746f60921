"""Pictures that are being fetched from the web."""

import threading
from contextlib import aclosing

from textual import events
from textual.binding import Binding
from textual.containers import Vertical

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.interface.plain_text import byte_size
from phi3v_tui.ui.background import IsAbandoned, Tell, told
from phi3v_tui.ui.widgets.squeezed_line import SqueezedLine
from phi3v_tui.web_pictures import fetch_picture

_SoFar = tuple[int, int | None]


class DownloadRow(SqueezedLine):
    """One address, and how far it is; the cross or Delete cancels it."""

    BINDINGS = [Binding("delete,backspace", "cancel", "Give the download up")]

    def __init__(self, url: str) -> None:
        """Begin at nothing."""
        super().__init__("⇣", url, ["connecting …"])
        self.tooltip = "✕, Delete or Esc cancels"
        self.cancelled = threading.Event()

    def went_on(self, done: int, total: int | None) -> None:
        """Show how far it is."""
        if done:
            self.tell(f"{byte_size(done)} of {byte_size(total)}" if total else byte_size(done))

    def action_cancel(self) -> None:
        """Give it up."""
        self.cancelled.set()

    def on_click(self, event: events.Click) -> None:
        """Cancel by the cross."""
        event.stop()
        if self.is_on_cross(event):
            self.action_cancel()


class Downloads(Vertical):
    """A row for each picture on its way, nothing while there are none."""

    async def fetch(self, url: str, allow_private: bool) -> Attachment:
        """Fetch a picture, in a thread, and show how far it is.

        Raises:
            AttachmentError: As `fetch_picture`.
        """
        row = DownloadRow(url)
        await self.mount(row)
        pictures: list[Attachment] = []

        def run(tell: Tell[_SoFar], is_abandoned: IsAbandoned) -> None:
            def is_given_up() -> bool:
                return is_abandoned() or row.cancelled.is_set()

            def progress(done: int, total: int | None) -> None:
                tell((done, total))

            pictures.append(fetch_picture(url, allow_private, progress, is_given_up))

        try:
            async with aclosing(told(run)) as steps:
                async for done, total in steps:
                    row.went_on(done, total)
        finally:
            await row.remove()
        return pictures[0]

    def cancel_last(self) -> bool:
        """Give the latest up; False if there is none."""
        rows = list(self.query(DownloadRow))
        if rows:
            rows[-1].action_cancel()
        return bool(rows)
