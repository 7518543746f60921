"""The folder of a training run: checkpoints, tokenizer and progress."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from phi3v_tui.demo.curriculum import Stage
from phi3v_tui.demo.network import DemoNet
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
            build_tokenizer().save(str(path))
        return Tokenizer.from_file(str(path))

    def resume(self, stages: tuple[Stage, ...], net: DemoNet) -> tuple[tuple[Stage, ...], int]:
        """Load the newest checkpoint into a network.

        Returns:
            The stages that are left, and how many steps of the first one are done.
        """
        names = [stage.name for stage in stages]
        ended = [i for i, name in enumerate(names) if (self.folder / f"{name}.pt").exists()]
        if (self.folder / UNFINISHED).exists():
            state = self._load(UNFINISHED, net)
            if state["stage"] not in names:
                raise SystemExit(
                    f"{self.folder / UNFINISHED} is amid the stage {state['stage']}: add it to "
                    "--stages, or give another --folder."
                )
            number = names.index(state["stage"])
            if number not in ended:
                return stages[number:], state["step"]
        if not ended:
            return stages, 0
        self._load(f"{names[ended[-1]]}.pt", net)
        return stages[ended[-1] + 1 :], 0

    def _load(self, name: str, net: DemoNet) -> dict[str, Any]:
        path = self.folder / name
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["recipe"] != net.recipe.name:
            raise SystemExit(
                f"{path} is of the recipe {state['recipe']}; give --recipe {state['recipe']}, "
                "or another --folder."
            )
        net.load_state_dict(state.pop("net"))
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
