"""Train the bundled checkpoint from nothing: `python -m phi3v_tui.demo.train`.

The stages (see README.md in this folder for why):

1. perception, reading, reread: the vision tower learns what each cell shows, from dense labels;
2. bind, read: the decoder learns to look things up, the tower frozen;
3. joint, polish: both together at a lower rate;
4. settle: conclusions, the tower frozen again.

On a GPU it runs in bfloat16, and other processes draw the pictures. On a CPU two processes share
the work, each on one thread, in bfloat16 where the CPU multiplies it; their gradients are averaged.
A checkpoint is written every few minutes, and training goes on from it when it is started again.
"""

import argparse
import json
import time
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor

from phi3v_tui.demo.curriculum import STAGES, Stage
from phi3v_tui.demo.lessons import Lesson, Lessons, Pictures
from phi3v_tui.demo.network import (
    AttentionSupervision,
    DemoNet,
    align_words,
    crop_features,
    dense_loss,
    image_tokens,
)
from phi3v_tui.demo.optimizers import TOWER_PARTS, make_optimizers, set_rates
from phi3v_tui.demo.packing import IGNORED, Batch, forward, to_device
from phi3v_tui.demo.scores import language_scores, perception_scores
from phi3v_tui.demo.start import start_from
from phi3v_tui.demo.tokenizer import build_tokenizer

CHECKPOINT_SECONDS = 180
EVALUATE_EVERY = 500


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        folder: For checkpoints and progress.jsonl.
        seed: Of weights and pictures.
        processes: That share the work.
        start: Folder of a checkpoint to go on from, or None.
        workers: Processes that draw pictures, for each that trains; 0 draws between the steps.
        size: Multiplies the number of items in a step.
        port: On which the processes meet.
    """

    folder: Path
    seed: int = 7
    processes: int = 1
    start: Path | None = None
    workers: int = 0
    size: int = 1
    port: int = 29517


class Trainer:
    """One of the processes that train together."""

    def __init__(self, rank: int, settings: Settings) -> None:
        torch.manual_seed(settings.seed)
        self.rank, self.settings, self.folder = rank, settings, settings.folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.half = self.device.type != "cpu" or multiplies_bfloat16()
        self.tokenizer = build_tokenizer()
        if rank == 0:
            self.tokenizer.save(str(self.folder / "tokenizer.json"))
        self.net = DemoNet(self.tokenizer.get_vocab_size())
        if settings.start:
            start_from(self.net, self.tokenizer, settings.start)
        self.net.to(self.device)
        self.supervision = AttentionSupervision(self.net)
        self.averages: dict[str, float] = {}

    def run(self, stages: tuple[Stage, ...]) -> None:
        """Run the stages that are not done yet."""
        for stage in stages:
            if not self.load(f"{stage.name}.pt"):
                self.stage(stage)
                self.save(f"{stage.name}.pt", {})

    def load(self, name: str) -> dict | None:
        """Load a checkpoint of the run's folder if it is there."""
        path = self.folder / name
        if not path.exists():
            return None
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.net.load_state_dict(state.pop("net"))
        return {"done": True, **state}

    def save(self, name: str, more: dict) -> None:
        """Write a checkpoint, whole or not at all."""
        if self.rank == 0:
            part = self.folder / f"{name}.part"
            torch.save({"net": self.net.state_dict(), **more}, part)
            part.rename(self.folder / name)
        self.barrier()

    def stage(self, stage: Stage) -> None:
        """Train one stage, going on from its unfinished checkpoint if there is one."""
        if stage.name == "bind":
            align_words(self.net, self.tokenizer.get_vocab())
        for name, parameter in self.net.named_parameters():
            is_tower = name.startswith(TOWER_PARTS)
            parameter.requires_grad_(stage.tower_rate > 0 if is_tower else bool(stage.mix))
        self.before = deepcopy(self.net.phi3v.model.vision_embed_tokens)
        optimizers = make_optimizers(self.net, stage)
        first = self.resume(stage, optimizers)
        seed = f"{self.settings.seed} {self.rank}"
        lessons = Lessons(stage, self.tokenizer.to_str(), seed, self.settings.size)
        started = saved = time.monotonic()
        for step, lesson in enumerate(lessons.loader(first, self.settings.workers), first):
            set_rates(optimizers, stage, step)
            self.step(stage, lesson, optimizers)
            if step % 50 == 49:
                self.report(stage, step + 1, time.monotonic() - started)
            if step % EVALUATE_EVERY == EVALUATE_EVERY - 1 or step + 1 == stage.steps:
                self.evaluate(stage, step + 1)
            if step + 1 < stage.steps and self.is_due(saved):
                states = [o.state_dict() for o in optimizers]
                more = {"stage": stage.name, "step": step + 1, "optimizers": states}
                self.save("unfinished.pt", more)
                saved = time.monotonic()
        if self.rank == 0:
            (self.folder / "unfinished.pt").unlink(missing_ok=True)

    def is_due(self, saved: float) -> bool:
        """Whether it is time for a checkpoint; the first process decides for all."""
        due = torch.tensor(float(time.monotonic() - saved > CHECKPOINT_SECONDS))
        dist.broadcast(due, 0)
        return bool(due)

    def resume(self, stage: Stage, optimizers: list[torch.optim.Optimizer]) -> int:
        """Load the unfinished checkpoint if it is of this stage; the step to go on with."""
        path = self.folder / "unfinished.pt"
        if not path.exists() or torch.load(path, weights_only=True)["stage"] != stage.name:
            return 0
        state = self.load(path.name) or {}
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        return state["step"]

    def step(self, stage: Stage, lesson: Lesson, optimizers: list[torch.optim.Optimizer]) -> None:
        """One step on fresh pictures."""
        batch = to_device(lesson.batch, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            if isinstance(batch, Pictures):
                loss = self.perception_loss(stage, batch)
            else:
                loss = self.language_loss(stage, lesson.kind, batch)
        loss.backward()
        self.share_gradients()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def perception_loss(self, stage: Stage, seen: Pictures) -> Tensor:
        """Dense losses: kinds and colours count for shape pictures, characters for text."""
        features = self.net.features(seen.pixels)
        slots, logits = self.net.dense(features)
        total = slots.new_zeros(())
        if stage.keep:
            total = total + stage.keep * self.change(features[: seen.shapes], seen)
        for part, weights in (
            (slice(0, seen.shapes), (0.1, 0.6)),
            (slice(seen.shapes, None), (1.0, 1.2)),
        ):
            said = (slots[part], tuple(x[part] for x in logits))
            losses = dense_loss(said, seen.characters[part], seen.planes[part])
            self.note("characters", losses[0])
            self.note("planes", losses[1])
            total = total + weights[0] * losses[0] + weights[1] * losses[1]
        return total

    def change(self, features: Tensor, seen: Pictures) -> Tensor:
        """How far what the decoder gets of shapes has moved, as a part of its variance."""
        now = self.net.image_tokens(features)
        with torch.no_grad():
            then = image_tokens(self.before, crop_features(self.before, seen.pixels[: seen.shapes]))
        moved = F.mse_loss(now, then) / then.var()
        self.note("moved", moved)
        return moved

    def language_loss(self, stage: Stage, kind: str, batch: Batch) -> Tensor:
        """Cross entropy of the answers, attention supervision, and dense losses if wanted."""
        self.supervision.enabled = True
        hidden, features = forward(self.net, batch, tower_gradients=stage.tower_rate > 0)
        known = batch.targets != IGNORED
        logits = self.net.phi3v.lm_head(hidden[known])
        losses = F.cross_entropy(logits, batch.targets[known], reduction="none")
        weights = batch.weights[known]
        loss = (losses * weights).sum() / weights.sum()
        self.note(kind, loss)
        if len(batch.rows):
            looking = self.supervision.loss(batch.allowed, batch.rows, batch.wanted)
            self.note(f"{kind} looking", looking)
            loss = loss + 0.5 * looking
        if stage.dense_weight and features is not None:
            text, planes = dense_loss(self.net.dense(features), batch.characters, batch.planes)
            text_weight = 1.0 if kind in ("chart", "cover") else 0.1
            loss = loss + stage.dense_weight * (text_weight * text + 0.5 * planes)
        return loss

    def share_gradients(self) -> None:
        """Average gradients over the processes and clip them."""
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        for p in parameters:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
        if self.settings.processes > 1:
            dist.all_reduce(flat)
            flat /= self.settings.processes
        flat *= min(1.0, 1.0 / (float(flat.norm()) + 1e-6))
        for p, grad in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            p.grad = grad.view_as(p)

    def note(self, name: str, value: Tensor) -> None:
        """Keep a moving average of a loss."""
        new = float(value.detach())
        self.averages[name] = 0.95 * self.averages.get(name, new) + 0.05 * new

    def report(self, stage: Stage, step: int, seconds: float) -> None:
        """Write the moving averages."""
        losses = {k: round(v, 3) for k, v in self.averages.items()}
        self.log({"stage": stage.name, "step": step, "seconds": round(seconds), "losses": losses})

    def evaluate(self, stage: Stage, step: int) -> None:
        """Write how much of what was held out is right."""
        self.net.eval()
        with torch.no_grad():
            scores = (
                language_scores(self.net, self.tokenizer, stage.mix)
                if stage.mix
                else perception_scores(self.net)
            )
        self.net.train()
        self.log({"stage": stage.name, "step": step, "held out": scores})

    def log(self, line: dict) -> None:
        """Append to progress.jsonl and to the terminal."""
        if self.rank == 0:
            text = json.dumps(line)
            print(text, flush=True)
            with (self.folder / "progress.jsonl").open("a") as file:
                file.write(text + "\n")

    def barrier(self) -> None:
        """Wait for the other processes."""
        dist.barrier()


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16; without them it is far slower."""
    return torch.cpu._is_avx512_bf16_supported()


def work(rank: int, settings: Settings, stages: tuple[Stage, ...]) -> None:
    """What each process runs."""
    torch.set_num_threads(1)
    store = f"tcp://127.0.0.1:{settings.port}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=settings.processes)
    Trainer(rank, settings).run(stages)
    dist.destroy_process_group()


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/demo"), help="checkpoints and curves"
    )
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--processes", type=int, default=1 if on_gpu else 2, help="one thread each")
    parser.add_argument(
        "--workers", type=int, default=8 if on_gpu else 0, help="processes that draw pictures"
    )
    parser.add_argument(
        "--size", type=int, default=16 if on_gpu else 1, help="multiplies the items of a step"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the steps of every stage"
    )
    parser.add_argument("--port", type=int, default=29517, help="on which the processes meet")
    names = [s.name for s in STAGES]
    parser.add_argument("--stages", nargs="+", default=names, choices=names, help="to run")
    parser.add_argument(
        "--start", type=Path, help="folder of a checkpoint in the published layout to go on from"
    )
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    chosen = [s for s in STAGES if s.name in args.stages]
    stages = tuple(replace(s, steps=round(s.steps * args.scale)) for s in chosen)
    wanted = {f.name: getattr(args, f.name) for f in fields(Settings)}
    mp.spawn(work, (Settings(**wanted), stages), nprocs=args.processes)


if __name__ == "__main__":
    main()
