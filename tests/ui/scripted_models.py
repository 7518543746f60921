"""Models that are listed as a test says, and whose engines a test plays."""

from dataclasses import replace
from pathlib import Path

from phi3v_tui.engine.base import Limits
from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.models import Listing, Model, ModelChoice, State
from phi3v_tui.errors import ModelError
from phi3v_tui.memory import Room
from phi3v_tui.shapes import PUBLISHED, Shapes
from tests.ui.scripted_engine import LIMITS, ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel

FULL = "microsoft/Phi-3.5-vision-instruct"
OLDER = "microsoft/Phi-3-vision-128k-instruct"
SIZE = 8_293_242_880
SMALL = Shapes(linear=2_000_000, channels=4_096, other=900_000, kv_per_token=1_024, longest=4096)

BUNDLED = Model("demo", State.HERE, Path("/app"), 6_000_000, 6_000_000, "", SMALL, is_bundled=True)
MISSING = Model(FULL, State.MISSING, None, 0, SIZE, shapes=PUBLISHED)
IN_PART = Model(OLDER, State.IN_PART, None, 3_100_000_000, SIZE, shapes=PUBLISHED)
TUNED = Model("/models/tuned", State.HERE, Path("/models/tuned"), SIZE, SIZE, "", PUBLISHED)
DAMAGED = Model("/models/old", State.DAMAGED, Path("/models/old"), 10, None, "It has no [weights].")

ALL = (BUNDLED, MISSING, IN_PART, TUNED, DAMAGED)
ROOM = Room("cuda:0 (a card)", 8 * 10**9, 2)


class ScriptedModels:
    """Implements `phi3v_tui.engine.models.Models`.

    Attributes:
        full_model: What is suggested and downloaded; None where nothing is suggested.
        made: The engines that were asked for, each loading until a test lets it end.
        choices: What they were asked for by.
        remembered: Sources of the models that were loaded.
        notice: What the next model says of itself.
        error: Why nothing can be listed.
    """

    def __init__(
        self,
        models: tuple[Model, ...] = ALL,
        room: Room = ROOM,
        full_model: ScriptedFullModel | None = None,
        free: int = 120 * 10**9,
    ) -> None:
        self.full_model = full_model
        self.made: list[ScriptedEngine] = []
        self.choices: list[ModelChoice] = []
        self.remembered: list[str] = []
        self.notice = ""
        self.error: ModelError | None = None
        self.limits: Limits = replace(LIMITS, context_length=4096, num_crops=4)
        self._listing = Listing(models, "", room, None, Path("/big/disk/hub"), free)

    def listing(self, loaded: Loaded | None, named: str = "") -> Listing:
        if self.error is not None:
            raise self.error
        return replace(self._listing, in_use=loaded.source if loaded else "")

    def remember(self, loaded: Loaded) -> None:
        self.remembered.append(loaded.source)

    def engine(self, choice: ModelChoice, instead_of: ScriptedEngine) -> ScriptedEngine:
        name = f"{Path(choice.name).name}-vision"
        self.choices.append(choice)
        self.made.append(
            _Successor(
                instead_of,
                loaded=False,
                notice=self.notice,
                name=name,
                source=choice.name,
                limits=self.limits,
            )
        )
        return self.made[-1]

    def suggested(self) -> ScriptedFullModel | None:
        return self.full_model

    def downloadable(self, name: str) -> ScriptedFullModel:
        self.full_model = ScriptedFullModel(name=name)
        return self.full_model


class _Successor(ScriptedEngine):
    """Closes the engine before it, as it has to."""

    def __init__(self, before: ScriptedEngine, **arguments) -> None:
        super().__init__(**arguments)
        self._before = before

    def load(self, emit) -> None:
        self._before.close()
        super().load(emit)
