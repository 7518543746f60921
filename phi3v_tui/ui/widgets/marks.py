"""Words marked in a message as it is drawn."""

import re
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

_MARK = "on $accent 30%"
_CURRENT = "bold $background on $accent"
_PARTS = "Markdown Static, Static.text, Static.open-block"
_WORD_END = re.compile(r"\s|$")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something is marked.

    Attributes:
        part: The widget that draws it.
        start: Its first character there.
        end: Behind its last one.
    """

    part: Static
    start: int
    end: int

    def region(self) -> Region:
        """The line on which it ends, on the screen; right where the part has been laid out."""
        content, area = self.part.content, self.part.content_region
        assert isinstance(content, Content)
        # Together with the rest of its word, for that goes to the next line as a whole.
        behind = _WORD_END.search(content.plain, self.end)
        until = Content(content.plain[: behind.start() if behind else self.end])
        row = until.get_height(self.part.styles.get_rules(), area.width) - 1
        return Region(area.x, area.y + row, area.width, 1)


class Marks:
    """Marks matches in the parts of one message, and puts the parts back as they were."""

    def __init__(self, message: Widget) -> None:
        """Mark nothing yet.

        Args:
            message: Whose parts these are.
        """
        self._message = message
        self._marked: dict[Static, tuple[Content, Content]] = {}

    def show(self, pattern: re.Pattern[str] | None, current: int | None = None) -> Mark | None:
        """Mark what matches a pattern, instead of what was marked before.

        Args:
            pattern: What to mark; None marks nothing.
            current: Which of the matches stands out, from 0; None for none of them.

        Returns:
            That one; the last where there are not so many.
        """
        self._clear()
        if pattern is None:
            return None
        found = [
            Mark(part, *match.span())
            for part in self._message.query(_PARTS).results(Static)
            if isinstance(part.content, Content)
            for match in pattern.finditer(part.content.plain)
        ]
        chosen = found[min(current, len(found) - 1)] if found and current is not None else None
        for mark in found:
            self._add(mark, _CURRENT if mark is chosen else _MARK)
        for part, (_, marked) in self._marked.items():
            part.update(marked, layout=False)
        return chosen

    def _add(self, mark: Mark, style: str) -> None:
        content = mark.part.content
        assert isinstance(content, Content)
        before, marked = self._marked.get(mark.part, (content, content))
        self._marked[mark.part] = before, marked.stylize(style, mark.start, mark.end)

    def _clear(self) -> None:
        for part, (before, marked) in self._marked.items():
            if part.content is marked:  # else it has changed since
                part.update(before, layout=False)
        self._marked = {}
