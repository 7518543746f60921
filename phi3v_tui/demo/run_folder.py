"""The folder of a training run: checkpoints, tokenizer and progress."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from phi3v_tui.demo.curriculum import STAGES, Stage
from phi3v_tui.demo.network import DemoNet
from phi3v_tui.demo.recipes import Recipe
from phi3v_tui.demo.tokenizer import build_tokenizer

UNFINISHED = "unfinished.pt"


class RunFolder:
    """Keeps what a run needs to go on, here or on another machine.

    A checkpoint holds the weights only, in bfloat16, so that it is small enough to be kept under
    version control. What it was written on does not matter.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the run; built, which takes a while, where there is none yet."""
        path = self.folder / "tokenizer.json"
        if not path.exists():
            part = self.folder / "tokenizer.json.part"
            build_tokenizer().save(str(part))
            part.rename(path)
        return Tokenizer.from_file(str(path))

    def resume(
        self, stages: tuple[Stage, ...], recipe: Recipe
    ) -> tuple[dict[str, Tensor] | None, tuple[Stage, ...], int]:
        """Find the newest checkpoint.

        Args:
            stages: To be run, one after the other.
            recipe: Of the network.

        Returns:
            The weights to go on from, if there are any; the stages that are left; and how many
            steps of the first one are done.

        Raises:
            SystemExit: What is there does not fit what is to be run; says what to do.
        """
        names = [stage.name for stage in stages]
        ended = [i for i, name in enumerate(names) if (self.folder / f"{name}.pt").exists()]
        if (self.folder / UNFINISHED).exists():
            state = self._load(UNFINISHED, recipe)
            name, step = state["stage"], state["step"]
            if name not in names:
                raise SystemExit(
                    f"{self.folder / UNFINISHED} is amid the stage {name}: add it to --stages, or "
                    "give another --folder."
                )
            number = names.index(name)
            if number not in ended:
                if step >= stages[number].steps:
                    raise SystemExit(
                        f"{self.folder / UNFINISHED} has {step} steps of the stage {name}, which "
                        f"is to have {stages[number].steps}: give the --scale that it began with, "
                        "or another --folder."
                    )
                return state["net"], stages[number:], step
        number = ended[-1] + 1 if ended else 0
        order = [stage.name for stage in STAGES]
        before = [*order[: order.index(names[0])], *names[:number]]
        newest = [name for name in before if (self.folder / f"{name}.pt").exists()][-1:]
        weights = self._load(f"{newest[0]}.pt", recipe)["net"] if newest else None
        return weights, stages[number:], 0

    def _load(self, name: str, recipe: Recipe) -> dict[str, Any]:
        path = self.folder / name
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        if state["recipe"] != recipe.name:
            raise SystemExit(
                f"{path} is of the recipe {state['recipe']}; give --recipe {state['recipe']}, "
                "or another --folder."
            )
        return state

    def save_unfinished(self, net: DemoNet, stage: Stage, step: int) -> None:
        """Keep a stage that is not at its end."""
        self._save(UNFINISHED, net, stage, step)

    def save_finished(self, net: DemoNet, stage: Stage) -> None:
        """Keep a stage at its end."""
        self._save(f"{stage.name}.pt", net, stage, stage.steps)
        (self.folder / UNFINISHED).unlink(missing_ok=True)

    def _save(self, name: str, net: DemoNet, stage: Stage, step: int) -> None:
        """Write a checkpoint, whole or not at all."""
        weights = {k: v.to("cpu", torch.bfloat16) for k, v in net.state_dict().items()}
        where = {"recipe": net.recipe.name, "stage": stage.name, "step": step}
        part = self.folder / f"{name}.part"
        torch.save({"net": weights, **where}, part)
        part.rename(self.folder / name)

    def log(self, line: dict[str, Any]) -> None:
        """Append to progress.jsonl and to the terminal."""
        text = json.dumps(line)
        print(text, flush=True)
        with (self.folder / "progress.jsonl").open("a") as file:
            file.write(text + "\n")
