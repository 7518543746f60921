"""Training: every stage runs, a stopped run goes on, and what it writes can be used."""

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from tokenizers import Tokenizer

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.demo import lessons as lessons_of_training
from phi3v_tui.demo import run_folder, train
from phi3v_tui.demo.curriculum import Stage
from phi3v_tui.demo.dialogue import Item
from phi3v_tui.demo.drawing import CROP, cut_into
from phi3v_tui.demo.exam_question import png
from phi3v_tui.demo.export import export
from phi3v_tui.demo.lessons import Lessons
from phi3v_tui.demo.network import DemoNet, demo_config
from phi3v_tui.demo.packing import forward, pack
from phi3v_tui.demo.recipes import LARGE, RECIPES, SMALL
from phi3v_tui.demo.scene_questions import follow_up_item
from phi3v_tui.demo.start import WORD_ROWS, require_sizes
from phi3v_tui.demo.tokenizer import build_tokenizer
from phi3v_tui.demo.train import Settings, Trainer
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.phi3v import Phi3VForCausalLM
from phi3v_tui.phi3v.weights import BUNDLED

PERCEPTION = Stage("perception", 2, {}, 1.0, 1.0)
BIND = Stage("bind", 3, {"bind": 1}, 0.0, 0.0)
JOINT = Stage("joint", 1, {"compare": 1}, 0.2, 0.5)

LONGER_PERCEPTION = replace(PERCEPTION, steps=3)


class Stopped(Exception):
    """Somebody pulled the plug."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_tokenizer(samples=20)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Tokenizer) -> Iterator[None]:
    """One process, no evaluation, small batches, a checkpoint after every step."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    monkeypatch.setattr(run_folder, "build_tokenizer", lambda: tokenizer)
    monkeypatch.setattr(train, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(train, "perception_scores", lambda net: {})
    monkeypatch.setattr(train, "language_scores", lambda net, tokenizer, mix: {})
    one = dict.fromkeys(lessons_of_training.ITEMS_PER_STEP, 1)
    monkeypatch.setattr(lessons_of_training, "ITEMS_PER_STEP", one)
    yield
    dist.destroy_process_group()


def trainer(folder: Path, **settings) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(0, Settings(folder, **{"seed": 1, **settings}))


def parameters(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in trainer.net.state_dict().items()}


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], part: str) -> bool:
    return any(part in k and not torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_stage_trains_its_part(recipe: str, tmp_path: Path) -> None:
    trained = trainer(tmp_path, recipe=recipe)
    states = [parameters(trained)]
    for stage in (PERCEPTION, BIND, JOINT):
        # In a folder of its own: from one, it would go on from rounded weights.
        trained.folder = trainer(tmp_path / stage.name).folder
        trained.run((stage,))
        states.append(parameters(trained))
    tower, decoder = "vision_embed_tokens", "model.layers"
    assert changed(states[0], states[1], tower)
    assert not changed(states[0], states[1], decoder)
    assert changed(states[1], states[2], decoder)
    assert not changed(states[1], states[2], tower)
    assert changed(states[2], states[3], decoder)
    assert changed(states[2], states[3], tower)
    assert all(torch.isfinite(v).all() for v in states[3].values())


def test_every_stage_also_runs_in_bfloat16_as_on_a_gpu(tmp_path: Path) -> None:
    trained = trainer(tmp_path)
    trained.in_bfloat16 = True
    for stage in (PERCEPTION, BIND, JOINT):
        before = parameters(trained)
        trained.run((stage,))
        assert changed(before, parameters(trained), "phi3v")
    assert all(torch.isfinite(v).all() for v in parameters(trained).values())


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    step = Trainer.step

    def stop_at_the_fourth(self: Trainer, stage: Stage, *rest) -> None:
        if len(taken) == 4:
            raise Stopped
        taken.append(stage.name)
        step(self, stage, *rest)

    monkeypatch.setattr(Trainer, "step", stop_at_the_fourth)
    with pytest.raises(Stopped):
        trainer(tmp_path).run((PERCEPTION, BIND))
    saved = torch.load(tmp_path / "unfinished.pt", weights_only=True)
    assert (saved["stage"], saved["step"]) == ("bind", 2)
    with pytest.raises(SystemExit, match=r"is of the recipe small; give --recipe small"):
        trainer(tmp_path, recipe="large").run((PERCEPTION,))

    monkeypatch.setattr(
        Trainer,
        "step",
        lambda self, stage, *rest: (taken.append(stage.name), step(self, stage, *rest)),
    )
    trainer(tmp_path).run((PERCEPTION, BIND))
    assert taken == ["perception"] * 2 + ["bind"] * 3
    assert (tmp_path / "bind.pt").exists()
    assert not (tmp_path / "unfinished.pt").exists()


def test_a_run_goes_on_without_the_files_of_the_stages_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere, say, where only the newest was carried; as a GPU would have written it."""
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    monkeypatch.setattr(Trainer, "seconds", lambda self: 100.0)
    given = trainer(tmp_path, minutes=1)
    given.run((BIND,))
    monkeypatch.undo()
    assert [file.name for file in tmp_path.glob("*.pt")] == ["unfinished.pt"]
    resumed = trainer(tmp_path, seed=2)
    weights, left, first = resumed.folder.resume((PERCEPTION, BIND, JOINT), SMALL)
    assert (left, first) == ((BIND, JOINT), 1)
    for name, weight in given.net.state_dict().items():
        assert torch.equal(weights[name], weight.to(torch.bfloat16))
    with pytest.raises(SystemExit, match="has 1 steps of the stage bind, which is to have 1"):
        resumed.run((replace(BIND, steps=1),))
    with pytest.raises(SystemExit, match="is amid the stage bind: add it to --stages"):
        resumed.run((JOINT,))
    # Killed between the end of a stage and the removal of what was unfinished of it.
    (tmp_path / "unfinished.pt").rename(tmp_path / "bind.pt")
    for stages in ((PERCEPTION, BIND, JOINT), (JOINT,)):
        weights, left, first = resumed.folder.resume(stages, SMALL)
        assert (left, first) == ((JOINT,), 0)
        assert weights.keys() == given.net.state_dict().keys()


def test_a_step_without_pictures_leaves_the_tower_alone(tmp_path: Path) -> None:
    trained = trainer(tmp_path)
    before = parameters(trained)
    trained.run((replace(JOINT, mix={"talk": 1}),))
    assert changed(before, parameters(trained), "model.layers")
    assert not changed(before, parameters(trained), "vision_embed_tokens")


def test_two_processes_train_together_from_the_command_line(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    command = [sys.executable, "-m", "phi3v_tui.demo.train", "--folder", str(tmp_path)]
    few = ["--stages", "perception", "--scale", "0.0003", "--workers", "1", "--processes", "2"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ended = subprocess.run([*command, *few, "--port", port], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("All stages are done.\n")
    state = torch.load(tmp_path / "perception.pt", weights_only=True)
    assert (state["stage"], state["step"], state["recipe"]) == ("perception", 2, "small")
    assert '"held out"' in (tmp_path / "progress.jsonl").read_text()
    refused = subprocess.run(
        [*command, *few, "--recipe", "large"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.count("is of the recipe small; give --recipe small") == 1
    assert "Traceback" not in refused.stderr


def test_training_stops_when_its_time_is_over_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = (PERCEPTION, BIND)
    monkeypatch.setattr(train, "CHECKPOINT_SECONDS", 1000)
    clock = iter([0.0, 0.0, *range(0, 600, 50)])
    monkeypatch.setattr(Trainer, "seconds", lambda self: next(clock))
    # Two minutes: both steps of the first stage, and then one that goes past the time.
    trainer(tmp_path, minutes=2).run(stages)
    assert (tmp_path / "perception.pt").exists()
    saved = torch.load(tmp_path / "unfinished.pt", weights_only=True)
    assert (saved["stage"], saved["step"]) == ("bind", 2)
    assert "Stopped in the stage bind; the same command goes on." in capsys.readouterr().out
    trainer(tmp_path).run(stages)
    assert (tmp_path / "bind.pt").exists()
    assert capsys.readouterr().out.endswith("All stages are done.\n")


def test_rates_warm_up_again_where_the_optimisers_are_new(tmp_path: Path) -> None:
    stage = replace(BIND, steps=1000, decay=0.1)
    optimizers = train.make_optimizers(trainer(tmp_path).net, stage)

    def rate(step: int, first: int) -> float:
        train.set_rates(optimizers, stage, step, first)
        return optimizers[0].param_groups[0]["lr"]

    assert rate(500, 0) == pytest.approx(stage.muon_rate)
    assert rate(500, 500) == pytest.approx(stage.muon_rate / 50)
    assert rate(550, 500) == pytest.approx(stage.muon_rate)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_exported_sees_what_was_trained(
    recipe: str, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    """The engine answers with the tokens that the network in training holds for the likeliest."""
    made = trainer(tmp_path, recipe=recipe)
    made.folder.save_finished(made.net, BIND)
    # The network that was saved and the one that is exported are rounded alike.
    made.net.load_state_dict(made.folder.resume((BIND,), made.net.recipe)[0])
    export(made.net, tokenizer, tmp_path / "checkpoint")
    size = (tmp_path / "checkpoint" / "model.safetensors").stat().st_size
    assert size < (tmp_path / "bind.pt").stat().st_size <= 16_000_000
    with cut_into(made.net.recipe.num_crops):
        item = follow_up_item(random.Random(5), False)
    turn = item.chains[0][0]
    item = Item(item.pictures, [[turn]], shared=1)
    batch = pack([item], tokenizer)
    made.net.eval()
    with torch.no_grad():
        hidden, _ = forward(made.net, batch)
        first = int((batch.turn_of[0] > 0).nonzero()[0])
        likeliest = int(made.net.phi3v.lm_head(hidden[0, first]).argmax())
    file = Attachment.from_bytes(png(item.pictures[0]), "p.png", "test")
    engine = LocalEngine(str(tmp_path / "checkpoint"), device="cpu")
    collect.load(engine)
    asked = Message(Role.USER, turn.question, (file,))
    answered = collect.answer(engine, Request((asked,), SamplingParams(max_new_tokens=1)))
    engine.close()
    assert answered.finished.usage.prompt_tokens == first + 1
    assert answered.text == tokenizer.decode([likeliest], skip_special_tokens=False)


def test_a_lesson_is_the_same_whenever_and_wherever_it_is_drawn(tokenizer: Tokenizer) -> None:
    lessons = Lessons((BIND, LONGER_PERCEPTION), tokenizer.to_str(), "seed", 1, 4)
    asked, *ahead = lessons.loader(2, workers=1)
    assert asked.kind == "bind"
    # That process knows nothing of the small batches here: only its first item is drawn again.
    first = lessons[0, 2].batch.ids[0]
    assert torch.equal(asked.batch.ids[0, : len(first)], first)
    assert len(ahead) == 3
    for step, drawn in enumerate(ahead):
        again = lessons[1, step].batch
        assert torch.equal(drawn.batch.planes, again.planes)
        assert torch.equal(drawn.batch.crops, again.crops)
    assert not torch.equal(ahead[0].batch.crops, ahead[1].batch.crops)


def test_training_starts_from_a_checkpoint_that_is_there(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    given = trainer(tmp_path)
    fewer = build_tokenizer(samples=4)
    assert fewer.get_vocab_size() < tokenizer.get_vocab_size()
    given.net = DemoNet(fewer.get_vocab_size(), SMALL)
    export(given.net, fewer, tmp_path / "given")
    started = trainer(tmp_path, seed=2, start=tmp_path / "given")
    ours, theirs = started.net.phi3v.state_dict(), given.net.phi3v.state_dict()
    for name, value in theirs.items():
        rounded = value.to(torch.bfloat16).float()
        if name in WORD_ROWS:
            words = fewer.get_vocab().keys() & tokenizer.get_vocab().keys()
            mine = [tokenizer.token_to_id(w) for w in words]
            assert torch.equal(ours[name][mine], rounded[[fewer.token_to_id(w) for w in words]])
        else:
            assert torch.equal(ours[name], rounded)


def test_a_checkpoint_of_other_sizes_is_no_start() -> None:
    require_sizes(BUNDLED, SMALL)
    with pytest.raises(SystemExit, match="other sizes than the recipe large: give --recipe"):
        require_sizes(BUNDLED, LARGE)


def test_a_deeper_tower_starts_with_what_a_shallower_one_has_learnt(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    shallow = replace(SMALL, tower_layers=SMALL.tower_layers - 2)
    given = trainer(tmp_path)
    given.net = DemoNet(tokenizer.get_vocab_size(), shallow)
    export(given.net, tokenizer, tmp_path / "given")
    started = trainer(tmp_path, seed=2, start=tmp_path / "given")
    pixels = torch.randn(2, 3, CROP, CROP)
    before = Phi3VForCausalLM.from_pretrained(tmp_path / "given", dtype=torch.float32)
    given.net.phi3v.load_state_dict(before.state_dict())
    assert torch.equal(started.net.tower.encode_crops(pixels), given.net.tower.encode_crops(pixels))
    started.run((PERCEPTION,))
    assert not torch.equal(
        started.net.tower.encode_crops(pixels), given.net.tower.encode_crops(pixels)
    )


def test_what_the_decoder_gets_of_shapes_moves_less_where_it_is_to_be_kept(tmp_path: Path) -> None:
    def moved(keep: float) -> float:
        made = trainer(tmp_path / str(keep))
        made.run((replace(PERCEPTION, steps=6, keep=keep),))
        return made.losses.averages["moved"] if keep else float("inf")

    assert moved(1000.0) < moved(1e-9)


def test_training_can_go_on_from_the_shipped_checkpoint() -> None:
    shipped = Phi3VForCausalLM.from_pretrained(BUNDLED)
    made_here = Phi3VForCausalLM(demo_config(shipped.config.vocab_size, SMALL))
    sizes = {k: v.shape for k, v in made_here.state_dict().items()}
    assert {k: v.shape for k, v in shipped.state_dict().items()}.items() <= sizes.items()
