"""Train the bundled checkpoint from nothing: `python -m phi3v_tui.demo.train`.

Three stages (see README.md in this folder for why):

1. perception: the vision tower learns what each cell shows, from dense labels;
2. bind, then read: the decoder learns to look things up, the tower frozen;
3. joint: everything together at a lower rate.

Two processes share the work, each on one thread; their gradients are summed. A checkpoint is
written every few minutes and training goes on from it when it is started again.
"""

import argparse
import json
import random
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor

from phi3v_tui.demo.curriculum import ITEMS_PER_STEP, MAKERS, STAGES, Stage, perception_pictures
from phi3v_tui.demo.network import AttentionSupervision, DemoNet, align_words, dense_loss
from phi3v_tui.demo.optimizers import TOWER_PARTS, make_optimizers, set_rates
from phi3v_tui.demo.packing import IGNORED, Batch, forward, pack, picture_tensors
from phi3v_tui.demo.scores import language_scores, perception_scores
from phi3v_tui.demo.start import start_from
from phi3v_tui.demo.tokenizer import build_tokenizer

CHECKPOINT_SECONDS = 180
EVALUATE_EVERY = 500


class Trainer:
    """One of the processes that train together."""

    def __init__(
        self, rank: int, world: int, folder: Path, seed: int, start: Path | None = None
    ) -> None:
        torch.manual_seed(seed)
        self.rank, self.world, self.folder = rank, world, folder
        self.tokenizer = build_tokenizer()
        if rank == 0:
            self.tokenizer.save(str(folder / "tokenizer.json"))
        self.net = DemoNet(self.tokenizer.get_vocab_size())
        if start:
            start_from(self.net, self.tokenizer, start)
        self.supervision = AttentionSupervision(self.net)
        self.rng = random.Random(seed * 1000 + rank)
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
        state = torch.load(path, weights_only=True)
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
        optimizers = make_optimizers(self.net, stage)
        first = self.resume(stage, optimizers)
        started = saved = time.monotonic()
        for step in range(first, stage.steps):
            set_rates(optimizers, stage, step)
            self.step(stage, step / stage.steps, optimizers)
            if step % 50 == 49:
                self.report(stage, step + 1, time.monotonic() - started)
            if step % EVALUATE_EVERY == EVALUATE_EVERY - 1 or step + 1 == stage.steps:
                self.evaluate(stage, step + 1)
            due = torch.tensor(float(time.monotonic() - saved > CHECKPOINT_SECONDS))
            dist.broadcast(due, 0)
            if due and step + 1 < stage.steps:
                states = [o.state_dict() for o in optimizers]
                self.save(
                    "unfinished.pt", {"stage": stage.name, "step": step + 1, "optimizers": states}
                )
                saved = time.monotonic()
        if self.rank == 0:
            (self.folder / "unfinished.pt").unlink(missing_ok=True)

    def resume(self, stage: Stage, optimizers: list[torch.optim.Optimizer]) -> int:
        """Load the unfinished checkpoint if it is of this stage; the step to go on with."""
        path = self.folder / "unfinished.pt"
        if not path.exists() or torch.load(path, weights_only=True)["stage"] != stage.name:
            return 0
        state = self.load(path.name) or {}
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.rng.seed(state["step"] * 1000 + self.rank)
        return state["step"]

    def step(self, stage: Stage, progress: float, optimizers: list[torch.optim.Optimizer]) -> None:
        """One step on fresh pictures."""
        if stage.mix:
            kind = self.rng.choices(list(stage.mix), list(stage.mix.values()))[0]
            batch = pack(
                [MAKERS[kind](self.rng, False) for _ in range(ITEMS_PER_STEP[kind])], self.tokenizer
            )
            loss = self.language_loss(stage, kind, batch)
        else:
            loss = self.perception_loss(progress)
        loss.backward()
        self.share_gradients()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def perception_loss(self, progress: float) -> Tensor:
        """Dense losses: kinds and colours count for shape pictures, characters for text."""
        pictures, shapes = perception_pictures(self.rng, progress)
        pixels, characters, planes = picture_tensors(pictures)
        slots, logits = self.net.dense(self.net.features(pixels))
        total = pixels.new_zeros((), dtype=torch.float32)
        for part, weights in ((slice(0, shapes), (0.1, 0.6)), (slice(shapes, None), (1.0, 0.6))):
            seen = (slots[part], tuple(x[part] for x in logits))
            character_loss, plane_loss = dense_loss(seen, characters[part], planes[part])
            total = total + weights[0] * character_loss + weights[1] * plane_loss
        self.note("characters", character_loss)
        self.note("planes", plane_loss)
        return total

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
        dist.all_reduce(flat)
        flat /= self.world
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


def work(rank: int, args: argparse.Namespace, stages: tuple[Stage, ...]) -> None:
    """What each process runs."""
    torch.set_num_threads(1)
    store, world = f"tcp://127.0.0.1:{args.port}", args.processes
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
    Trainer(rank, world, args.folder, args.seed, args.start).run(stages)
    dist.destroy_process_group()


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/demo"), help="checkpoints and curves"
    )
    parser.add_argument("--processes", type=int, default=2, help="one thread each")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the steps of every stage"
    )
    parser.add_argument("--port", type=int, default=29517, help="on which the processes meet")
    names = [s.name for s in STAGES]
    parser.add_argument("--from", dest="first", default=names[0], choices=names,
                        help="first stage to run")  # fmt: skip
    parser.add_argument("--until", default=names[-1], choices=names, help="last stage to run")
    parser.add_argument(
        "--start", type=Path, help="folder of a checkpoint in the published layout to go on from"
    )
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    chosen = STAGES[names.index(args.first) : names.index(args.until) + 1]
    stages = tuple(replace(s, steps=round(s.steps * args.scale)) for s in chosen)
    mp.spawn(work, (args, stages), nprocs=args.processes)


if __name__ == "__main__":
    main()
