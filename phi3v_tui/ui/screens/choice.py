"""Choose one of a few things."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from phi3v_tui.ui.widgets.boxes import Box


class ChoiceScreen(ModalScreen[int | None]):
    """A question and its answers; gives the place of the chosen one, None where none was."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Close it")]

    def __init__(self, title: str, text: Content, choices: Sequence[Content]) -> None:
        """Ask.

        Args:
            title: Of the box.
            text: Above the choices; may be empty.
            choices: One or more.
        """
        super().__init__()
        self._title = title
        self._text = text
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Text above choices."""
        with Box(classes="modal") as box:
            box.border_title = self._title
            box.keys = "Enter chooses · Esc cancels"
            if self._text:
                yield Static(self._text, classes="modal-text", markup=False)
            yield OptionList(*(Option(choice) for choice in self._choices), compact=True)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)
