"""Train the bundled checkpoint from nothing: `python -m phi3v_tui.demo.train`.

The stages (see README.md in this folder for why):

1. perception, reading, reread: the vision tower learns what each cell shows, from dense labels;
2. bind, read: the decoder learns to look things up, the tower frozen;
3. joint, polish: both together at a lower rate;
4. settle: conclusions, the tower frozen again.

On a GPU it trains the large recipe in bfloat16, and other processes draw the pictures. On a CPU two
processes share the work on the small one, each on one thread, in bfloat16 where the CPU multiplies
it; their gradients are averaged. A checkpoint is written every few minutes and when `--minutes` are
over, and training goes on from it when it is started again.
"""

import argparse
import math
import os
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from phi3v_tui.demo.curriculum import STAGES, Stage
from phi3v_tui.demo.lessons import Lesson, Lessons
from phi3v_tui.demo.losses import Losses
from phi3v_tui.demo.network import DemoNet, align_words
from phi3v_tui.demo.optimizers import TOWER_PARTS, make_optimizers, set_rates
from phi3v_tui.demo.recipes import LARGE, RECIPES, SMALL
from phi3v_tui.demo.run_folder import RunFolder
from phi3v_tui.demo.scores import language_scores, perception_scores
from phi3v_tui.demo.start import require_sizes, start_from
from phi3v_tui.demo.views import Pictures, map_tensors

CHECKPOINT_SECONDS = 180
EVALUATE_EVERY = 1000
REPORT_EVERY = 50


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
        minutes: After which training stops, to go on another time; 0 for never.
        recipe: Name of one of `RECIPES`.
        began: When the command was given.
    """

    folder: Path
    seed: int = 7
    processes: int = 1
    start: Path | None = None
    workers: int = 0
    size: int = 1
    port: int = 29517
    minutes: float = 0
    recipe: str = SMALL.name
    began: float = field(default_factory=time.monotonic)


class Trainer:
    """One of the processes that train together."""

    def __init__(self, rank: int, settings: Settings) -> None:
        torch.manual_seed(settings.seed)
        self.rank, self.settings = rank, settings
        self.folder = RunFolder(settings.folder)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.in_bfloat16 = self.device.type != "cpu" or multiplies_bfloat16()
        self.tokenizer = self.folder.tokenizer()
        self.net = DemoNet(self.tokenizer.get_vocab_size(), RECIPES[settings.recipe])
        if settings.start:
            start_from(self.net, self.tokenizer, settings.start)
        self.net.to(self.device)
        self.losses = Losses(self.net)

    def run(self, stages: tuple[Stage, ...]) -> None:
        """Run the stages that are not done yet, as far as there is time."""
        weights, left, first = self.folder.resume(stages, self.net.recipe)
        if weights:
            self.net.load_state_dict(weights)
        if not left:
            self.say("All stages are done.")
            return
        settings, crops = self.settings, self.net.recipe.num_crops
        seed = f"{settings.seed} {self.rank}"
        lessons = Lessons(left, self.tokenizer.to_str(), seed, settings.size, crops)
        drawn = iter(lessons.loader(first, settings.workers))
        for stage in left:
            if not self.stage(stage, drawn, first):
                self.say(f"Stopped in the stage {stage.name}; the same command goes on.")
                return
            if self.rank == 0:
                self.folder.save_finished(self.net, stage)
            self.evaluate(stage, stage.steps)
            first = 0
        self.say("All stages are done.")

    def say(self, text: str) -> None:
        """Tell the person who waits, once."""
        if self.rank == 0:
            print(text, flush=True)

    def stage(self, stage: Stage, lessons: Iterator[Lesson], first: int) -> bool:
        """Train one stage.

        Args:
            stage: What to train.
            lessons: Those of the stage that are left, and then those of the next ones.
            first: Steps that are done already.

        Returns:
            Whether it came to its end; if there was no time for that, it can go on.
        """
        if stage.name == "bind" and not first:
            align_words(self.net, self.tokenizer.get_vocab())
        for name, parameter in self.net.named_parameters():
            is_tower = name.startswith(TOWER_PARTS)
            parameter.requires_grad_(stage.tower_rate > 0 if is_tower else bool(stage.mix))
        self.losses.before = deepcopy(self.net.tower) if stage.keep else None
        self.losses.averages.clear()
        optimizers = make_optimizers(self.net, stage)
        started = saved = self.seconds()
        waited = 0.0
        for done in range(first + 1, stage.steps + 1):
            set_rates(optimizers, stage, done - 1, first)
            before = time.monotonic()
            lesson = next(lessons)
            waited += time.monotonic() - before
            self.step(stage, lesson, optimizers)
            seconds = self.seconds()
            if done % REPORT_EVERY == 0:
                self.report(stage, done, seconds - started, waited)
            if done == stage.steps:
                break
            if done % EVALUATE_EVERY == 0:
                self.evaluate(stage, done)
            over = 0 < self.settings.minutes * 60 < seconds
            if over or seconds - saved > CHECKPOINT_SECONDS:
                if self.rank == 0:
                    self.folder.save_unfinished(self.net, stage, done)
                saved = seconds
            if over:
                return False
        return True

    def seconds(self) -> float:
        """Time since the command began; the first process has the only clock."""
        now = torch.tensor(time.monotonic() - self.settings.began)
        dist.broadcast(now, 0)
        return float(now)

    def step(self, stage: Stage, lesson: Lesson, optimizers: list[torch.optim.Optimizer]) -> None:
        """One step on fresh pictures."""
        lesson = map_tensors(lesson, lambda part: part.to(self.device, non_blocking=True))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            if isinstance(lesson.batch, Pictures):
                loss = self.losses.perception(stage, lesson.batch, lesson.shapes)
            else:
                loss = self.losses.language(stage, lesson.kind, lesson.batch)
        loss.backward()
        self.share_gradients()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def share_gradients(self) -> None:
        """Average gradients over the processes and clip them."""
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        if self.settings.processes > 1:
            # Another process may have had a picture where this one had none.
            for p in parameters:
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        parameters = [p for p in parameters if p.grad is not None]
        flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
        if self.settings.processes > 1:
            dist.all_reduce(flat)
            flat /= self.settings.processes
        flat *= (1.0 / (flat.norm() + 1e-6)).clamp(max=1.0)
        for p, grad in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            p.grad = grad.view_as(p)

    def report(self, stage: Stage, step: int, seconds: float, waited: float) -> None:
        """Write the moving averages, and how many of the seconds went into waiting for lessons."""
        losses = {k: round(float(v), 3) for k, v in self.losses.averages.items()}
        times = {"seconds": round(seconds), "waited": round(waited)}
        self.log({"stage": stage.name, "step": step, "of": stage.steps, **times, "losses": losses})

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

    def log(self, line: dict[str, Any]) -> None:
        """Write what has come of it, once."""
        if self.rank == 0:
            self.folder.log(line)


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16; without them it is far slower."""
    return torch.cpu._is_avx512_bf16_supported()


def work(rank: int, settings: Settings, stages: tuple[Stage, ...]) -> None:
    """What each process runs."""
    torch.set_num_threads(1)
    # It would make a plan for each new length of a sequence, which most steps have.
    torch.backends.cuda.enable_cudnn_sdp(False)
    store = f"tcp://127.0.0.1:{settings.port}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=settings.processes)
    Trainer(rank, settings).run(stages)
    dist.destroy_process_group()


def arguments() -> argparse.Namespace:
    """Parse the command line; what is not said goes by whether there is a GPU."""
    on_gpu, names = torch.cuda.is_available(), [stage.name for stage in STAGES]
    workers = max(1, (os.cpu_count() or 1) - 1) if on_gpu else 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--folder", type=Path, default=Path("runs/demo"), help="checkpoints and curves")
    add("--processes", type=int, default=1 if on_gpu else 2, help="one thread each")
    add("--workers", type=int, default=workers, help="processes that draw pictures")
    add("--size", type=int, default=8 if on_gpu else 1, help="multiplies the items of a step")
    add("--recipe", choices=RECIPES, default=(LARGE if on_gpu else SMALL).name, help="sizes")
    add("--minutes", type=float, default=0, help="after which to stop; started again, it goes on")
    add("--seed", type=int, default=7)
    add("--scale", type=float, default=1.0, help="multiplies the steps of all stages but bind")
    add("--port", type=int, default=29517, help="on which the processes meet")
    add("--stages", nargs="+", default=names, choices=names, help="to run")
    add("--start", type=Path, help="folder of a checkpoint in the published layout to go on from")
    return parser.parse_args()


def main() -> None:
    """Train as the command line says."""
    began, args = time.monotonic(), arguments()
    args.folder.mkdir(parents=True, exist_ok=True)
    folder, recipe = RunFolder(args.folder), RECIPES[args.recipe]
    # Before there are processes that would all build it.
    folder.tokenizer()
    chosen = [stage for stage in STAGES if stage.name in args.stages]
    stages = tuple(scaled(stage, args.scale) for stage in chosen)
    # What does not fit is said here once, not by each process.
    folder.resume(stages, recipe)
    if args.start:
        require_sizes(args.start, recipe)
    del args.stages, args.scale
    settings = Settings(**vars(args), began=began)
    if settings.processes == 1:
        work(0, settings, stages)
    else:
        mp.spawn(work, (settings, stages), nprocs=settings.processes)


def scaled(stage: Stage, scale: float) -> Stage:
    """A stage with so many times the steps; looking up is learnt in few steps or not at all."""
    return stage if stage.name == "bind" else replace(stage, steps=math.ceil(stage.steps * scale))


if __name__ == "__main__":
    main()
