"""What is shown while the conversation is empty."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.clickable import acting

EXAMPLES = (
    "What is in this picture?",
    "Which bar is the highest?",
    "What differs between the two pictures?",
)

_LOADING = "The model is loading; you can begin already."


class ExampleQuestion(Static):
    """A question that a click puts into the composer."""

    @dataclass
    class Chosen(Message):
        """The person took the question."""

        text: str

    def __init__(self, text: str) -> None:
        """Offer a question."""
        super().__init__(Content.assemble(("▸ ", "$primary"), text), markup=False)
        self._text = text

    def on_click(self) -> None:
        """Hand the question over."""
        self.post_message(self.Chosen(self._text))


class Welcome(Vertical):
    """A greeting, the model's name, and what to do first."""

    def compose(self) -> ComposeResult:
        """Greeting, model, first step, examples, notice."""
        yield Static("Talk about your pictures", classes="greeting", markup=False)
        yield Static(_LOADING, id="model", markup=False)
        yield Static(
            Content.assemble(
                acting("Ctrl+O", "screen.attach", "bold $accent"),
                " attaches a picture, and so does pasting its path. Then ask:",
            ),
            classes="first-step",
            markup=False,
        )
        for question in EXAMPLES:
            yield ExampleQuestion(question)
        yield Static(id="notice", markup=False)

    def name_model(self, model: str, device: str, notice: str) -> None:
        """Say who answers, and what people should know about it."""
        self.query_one("#model", Static).update(f"with {drawable(model)} on {drawable(device)}")
        self.query_one("#notice", Static).update(drawable(notice))

    def await_model(self) -> None:
        """Say that another model is on its way."""
        self.query_one("#model", Static).update(_LOADING)
        self.query_one("#notice", Static).update("")

    def lack_model(self) -> None:
        """Say that nobody will answer."""
        self.query_one("#model", Static).update("No model could be loaded; see below.")
