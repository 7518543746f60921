"""Prompts that were sent while an answer was under way."""

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.interface.plain_text import drawable


class WaitingPrompts(Static):
    """One line a prompt, in the order in which they will be asked."""

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
        lines = [
            Content.assemble(("waits ", "$accent"), drawable(" ".join(text.split())))
            for text in texts
        ]
        if lines:
            lines.append(Content.styled("Backspace in the empty prompt takes it back", "$muted"))
        self.update(Content("\n").join(lines))
        self.display = bool(texts)
