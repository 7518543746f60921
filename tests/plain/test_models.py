"""/model line by line."""

import pytest

from phi3v_tui.engine.models import ModelChoice
from phi3v_tui.errors import ModelError
from tests.plain.conftest import PromptEngine
from tests.ui.scripted_models import FULL, TUNED, ScriptedModels


class PromptModels(ScriptedModels):
    """Whose engines load at once, or fail to, and answer by themselves."""

    def __init__(self, *errors: ModelError | None) -> None:
        super().__init__()
        self.errors = list(errors)

    def engine(self, choice: ModelChoice, instead_of: PromptEngine) -> PromptEngine:
        self.choices.append(choice)
        self.made.append(_Made(choice, self.errors.pop(0) if self.errors else None))
        return self.made[-1]


class _Made(PromptEngine):
    def __init__(self, choice: ModelChoice, error: ModelError | None) -> None:
        super().__init__(loaded=error is None)
        self._name, self._source, self._error = f"{choice.name} itself", choice.name, error

    def load(self, emit) -> None:
        super().load(emit)
        if self._error is not None:
            self.fail_loading(self._error)


def test_it_lists_what_there_is(hold):
    held = hold("Hello", "/model", models=PromptModels())
    demo, full, *_, damaged, usage = held.out.splitlines()[-6:]
    assert demo == "1. demo, in use: comes with the app, 6.0 MB. In memory: none 34.2 MB fits."
    assert full == f"2. {FULL}: not here, 8.3 GB to download. In memory: int8 7.1 GB fits."
    assert damaged == "5. /models/old: damaged, 10 B. It has no [weights]. In memory: not known."
    assert "/model 2 int4" in usage
    assert "cuda:0 (a card): 8.0 GB free for a model." in held.out


@pytest.mark.parametrize(
    ("typed", "quantize"), [("tuned", "auto"), ("4 int4", "int4"), ("/models/tuned none", "none")]
)
def test_the_conversation_goes_on_with_another(hold, typed, quantize):
    engine, models = PromptEngine(), PromptModels()
    held = hold("Hello", f"/model {typed}", "And now?", engine=engine, models=models)
    assert models.choices == [ModelChoice(TUNED.name, quantize)]
    assert f"{TUNED.name} itself on cpu is ready." in held.states
    assert f'model = "{TUNED.name}" and quantize = "{quantize}"' in held.states
    assert [m.text for m in models.made[0].requests[0].messages] == [
        "Hello",
        "Answer 1.",
        "And now?",
    ]
    assert len(engine.requests) == 1
    assert models.remembered == [TUNED.name]


def test_one_that_cannot_be_loaded_gives_way_to_the_one_before(hold):
    models = PromptModels(ModelError("It does not fit.", "Take int4."))
    held = hold("Hello", "/model tuned none", "And now?", models=models)
    assert "It does not fit. Take int4. The model before is loaded again." in held.states
    assert models.choices == [ModelChoice(TUNED.name, "none"), ModelChoice("demo", "auto")]
    assert len(models.made[1].requests) == 1
    assert held.session.failures == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("llama", '"llama" is no model of the list.'),
        ("demo", "It is in use already."),
        ("2", f"It is not here, 8.3 GB to download. phi3v-tui --model {FULL} does that."),
        ("old", "It cannot be used."),
    ],
)
def test_what_cannot_be_taken(hold, typed, said):
    models = PromptModels()
    held = hold("Hello", f"/model {typed}", models=models)
    assert said in held.states
    assert not models.made
