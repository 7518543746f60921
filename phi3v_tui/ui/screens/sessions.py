"""The list of conversations."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.errors import StoreError
from phi3v_tui.interface.journal import Journal
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.store.history import ConversationSummary
from phi3v_tui.ui.clickable import KeyHints

_KEYS = "Enter opens · F2 renames · Delete removes · Esc closes"
_RENAMING = "Enter keeps the name, an empty one takes the first prompt · Esc leaves it"
_HEAD = f"  {'last written':<16} {'messages':>8}  title"
_TIGHT_HEAD = "  last written  title"
_MOST_LISTED = 300

_T = TypeVar("_T")


class SessionsScreen(ModalScreen[str | None]):
    """Conversations, the last written first; typing looks for words in all their messages.

    It gives the id of the one to open.
    """

    BINDINGS = [
        Binding("escape", "leave", "Close the list, or what was asked in it", priority=True),
        Binding("enter", "take", "Open the chosen one, or keep its new name", priority=True),
        Binding("up", "move(-1)", "Move in the list", priority=True),
        Binding("down", "move(1)", "Move in the list", priority=True),
        Binding("pageup", "move(-10)", "Move in the list", priority=True),
        Binding("pagedown", "move(10)", "Move in the list", priority=True),
        Binding("f2", "rename", "Rename the chosen one", priority=True),
        Binding("delete", "delete", "Delete the chosen one; asks first", priority=True),
    ]

    def __init__(self, journal: Journal, open_id: str, renamed: Callable[[str, str], None]) -> None:
        """List what is there.

        Args:
            journal: Where conversations are kept.
            open_id: The conversation on the screen; it is marked.
            renamed: Told of the id and the new name of one that was renamed.
        """
        super().__init__()
        self._journal = journal
        self._open_id = open_id
        self._renamed = renamed
        self._found: list[ConversationSummary] = []
        self._renaming: ConversationSummary | None = None
        self._doomed: ConversationSummary | None = None
        self._words = ""

    def compose(self) -> ComposeResult:
        """Words to look for above the list."""
        with Vertical(classes="modal") as box:
            box.border_title = "Conversations"
            yield Input(placeholder="Type to find words in titles and messages", compact=True)
            yield Static(_HEAD, id="list-head", markup=False)
            yield OptionList(compact=True)
            yield KeyHints(self, _KEYS, classes="modal-keys")

    def on_mount(self) -> None:
        """List all."""
        self.query_one(OptionList).can_focus = False
        self._list("")

    @property
    def chosen(self) -> ConversationSummary | None:
        """The one that keys do something with."""
        place = self.query_one(OptionList).highlighted
        return self._found[place] if place is not None and place < len(self._found) else None

    def action_move(self, by: int) -> None:
        """Choose another one."""
        options = self.query_one(OptionList)
        if self._renaming is None and options.option_count:
            last = options.option_count - 1
            options.highlighted = max(0, min((options.highlighted or 0) + by, last))

    def action_leave(self) -> None:
        """Leave renaming or deleting, or the list."""
        if self._renaming is not None or self._doomed is not None:
            self._end_question()
        else:
            self.dismiss(None)

    def action_rename(self) -> None:
        """Type another name."""
        if self.chosen is not None and self._renaming is None:
            self._doomed, self._renaming = None, self.chosen
            with self.prevent(Input.Changed):
                self.query_one(Input).value = self._renaming.title
            self._say(_RENAMING)

    def action_delete(self) -> None:
        """Delete the chosen one, once the key was pressed twice."""
        if self.chosen is None or self._renaming is not None:
            return
        if self.chosen.id == self._open_id:
            self._say("This one is open: Ctrl+N begins another, then it can be deleted.")
        elif self._doomed is not self.chosen:
            self._doomed = self.chosen
            self._say("Delete again removes it for good, its pictures too · Esc keeps it")
        else:
            self._change(lambda: self._journal.delete(self._doomed.id if self._doomed else ""))

    @on(OptionList.OptionHighlighted)
    def _forget_doomed(self) -> None:
        if self._doomed is not None and self._doomed is not self.chosen:
            self._end_question()

    @on(OptionList.OptionSelected)
    def _open_clicked(self) -> None:
        self._open()

    def action_take(self) -> None:
        """Open the chosen one, or keep the name that was typed."""
        renaming = self._renaming
        if renaming is None:
            self._open()
        else:
            name = " ".join(self.query_one(Input).value.split())
            self._renamed(renaming.id, name)
            self._change(lambda: self._journal.rename(renaming.id, name))

    def _open(self) -> None:
        if self.chosen is not None:
            self.dismiss(self.chosen.id)

    @on(Input.Changed)
    def _look_for(self, event: Input.Changed) -> None:
        if self._renaming is None:
            self._list(event.value)

    @work(exclusive=True, group="list")
    async def _list(self, words: str) -> None:
        self._words = words
        found = await self._told(lambda: self._journal.search(words))
        self._found = (found or [])[:_MOST_LISTED]
        self._draw_rows(0)
        if not self._found:
            self._say("No conversation has these words." if words else "There is none yet.")
        elif self._renaming is None:
            self._say(_KEYS)

    def on_resize(self) -> None:
        """Show of each what there is room for."""
        self.call_after_refresh(
            lambda: self._draw_rows(self.query_one(OptionList).highlighted or 0)
        )

    def _draw_rows(self, chosen: int) -> None:
        self.query_one("#list-head", Static).update(_TIGHT_HEAD if self._is_tight else _HEAD)
        options = self.query_one(OptionList)
        options.set_options(Option(self._line(summary)) for summary in self._found)
        options.highlighted = chosen if self._found else None

    @property
    def _is_tight(self) -> bool:
        return self.has_class("-tight")

    @work
    async def _change(self, change: Callable[[], None]) -> None:
        await self._told(change)
        self._end_question()
        self._list(self._words)

    async def _told(self, call: Callable[[], _T]) -> _T | None:
        try:
            return await asyncio.to_thread(call)
        except StoreError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return None

    def _end_question(self) -> None:
        if self._renaming is not None:
            with self.prevent(Input.Changed):
                self.query_one(Input).value = self._words
        self._renaming = self._doomed = None
        self._say(_KEYS)

    def _line(self, summary: ConversationSummary) -> Content:
        when = summary.updated.astimezone()
        facts = f"{when:%Y-%m-%d %H:%M} {summary.turns:>8}  "
        if self._is_tight:
            facts = f"{when:%Y-%m-%d}    "
        mark = "● " if summary.id == self._open_id else "  "
        return Content.assemble((mark, "$accent"), (facts, "$muted"), drawable(summary.title))

    def _say(self, words: str) -> None:
        self.query_one(KeyHints).say(words)
