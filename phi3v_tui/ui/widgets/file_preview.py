"""The pane that shows the picture in a file."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual import work
from textual.timer import Timer

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.engine.base import Limits
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.widgets.image_preview import ImagePreview

_READ_AFTER_SECONDS = 0.12
_LIMITS_EVERY_SECONDS = 0.5


class FilePreview(ImagePreview):
    """Reads a file once the choice has stayed with it, or says why it is no picture."""

    def __init__(self, mode: ImageMode, id: str, known_limits: Callable[[], Limits | None]) -> None:
        """Make an empty pane.

        Args:
            mode: How pictures are drawn.
            id: The widget's id.
            known_limits: For the cost of a picture in tokens; gives None while the model loads.
        """
        super().__init__(mode, id)
        self._known_limits = known_limits
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Show costs once the model has been loaded."""
        self.set_interval(_LIMITS_EVERY_SECONDS, self._learn_limits)

    def look_at(self, path: Path) -> None:
        """Show a file soon, unless another one is chosen before."""
        self._look_no_more()
        self._timer = self.set_timer(_READ_AFTER_SECONDS, partial(self._read, path))

    def say(self, words: str) -> None:
        """Show words, and not the file that was chosen last."""
        self._look_no_more()
        self.explain(words)

    def _look_no_more(self) -> None:
        if self._timer:
            self._timer.stop()

    def _learn_limits(self) -> None:
        self.limits = self._known_limits()

    @work(group="read", exclusive=True)
    async def _read(self, path: Path) -> None:
        if await in_thread(os.path.isdir, path):
            self.explain("")
            return
        try:
            attachment = await in_thread(Attachment.from_path, path)
        except AttachmentError as error:
            self.explain(str(error))
            return
        self._learn_limits()
        self.attachment = attachment
