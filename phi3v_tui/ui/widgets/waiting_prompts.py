"""Prompts that were sent while an answer was under way."""

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.interface.plain_text import drawable

_MOST_SHOWN = 3


class WaitingPrompts(Static):
    """One line a prompt, in the order in which they will be asked; of many the first and last."""

    class TakenBack(Message):
        """The person wants the last one back."""

    def __init__(self) -> None:
        """Show none."""
        super().__init__(markup=False)
        self.tooltip = "A click takes the last one back"
        self.display = False

    def on_click(self) -> None:
        """Take the last one back."""
        self.post_message(self.TakenBack())

    def show(self, texts: Sequence[str]) -> None:
        """Show these."""
        lines = [*map(_line, texts)]
        if len(lines) > _MOST_SHOWN:
            lines[1:-1] = [Content.styled(f"… {len(lines) - 2} more", "$muted")]
        which = "it" if len(lines) == 1 else "the last one"
        words = f"Backspace in the empty prompt takes {which} back"
        lines.append(Content.styled(words, "$muted"))
        self.update(Content("\n").join(lines))
        self.display = bool(texts)


def _line(text: str) -> Content:
    return Content.assemble(("waits ", "$accent"), drawable(" ".join(text.split())))
