"""Looking back in a long row of messages, and forth again."""

from textual import on, work

from phi3v_tui.ui.widgets.message_window import MessageWindow
from phi3v_tui.ui.widgets.other_messages import OtherMessages

MORE_MESSAGES = 18
"""Messages that are brought at once; twice as many stay while a person looks back."""


class MessagePages(MessageWindow, can_focus=False):
    """Brings messages from beyond the edges of the window when a person goes there."""

    def scroll_pages(self, pages: int) -> None:
        """Scroll by a page; at an edge, bring the messages beyond it."""
        if pages < 0 and self.scroll_y <= 0:
            self.bring_earlier()
        elif pages > 0 and self.scroll_y >= self.max_scroll_y:
            self.bring_later()
        elif pages < 0:
            self.scroll_page_up(animate=False)
        else:
            self.scroll_page_down(animate=False)

    async def scroll_to_edge(self, edge: int) -> None:
        """Go to the first message (-1), or to the last one and stay there (1)."""
        if edge < 0:
            self.release_anchor()
            await self.go_to_first()
            self.call_after_refresh(self.scroll_home, animate=False)
        else:
            await self.go_to_last()
            self.anchor()

    def on_mouse_scroll_up(self) -> None:
        """Bring earlier messages once the wheel is at the top."""
        if self.scroll_y <= 0:
            self.bring_earlier()

    def on_mouse_scroll_down(self) -> None:
        """Bring later messages once the wheel is at the bottom."""
        if self.scroll_y >= self.max_scroll_y:
            self.bring_later()

    @on(OtherMessages.Wanted)
    def _bring(self, message: OtherMessages.Wanted) -> None:
        if message.are_above:
            self.bring_earlier()
        else:
            self.bring_later()

    @work
    async def bring_earlier(self) -> None:
        """Show some of the earlier messages, and keep in sight those that are."""
        if self.has_earlier and not self.is_changing:
            first = await self.extend_up(MORE_MESSAGES, self._most)
            self.release_anchor()
            self.call_after_refresh(first.scroll_visible, animate=False, top=True)

    @work
    async def bring_later(self) -> None:
        """Show some of the later messages, and keep in sight those that are."""
        if self.has_later and not self.is_changing:
            self.release_anchor()
            last = await self.extend_down(MORE_MESSAGES, self._most)
            self.call_after_refresh(last.scroll_visible, animate=False)

    @property
    def _most(self) -> int:
        return self.live + 2 * MORE_MESSAGES
