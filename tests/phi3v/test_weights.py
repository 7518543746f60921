"""Names of models, and files that are missing, cut short or of another kind."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from phi3v_tui import memory
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache
from phi3v_tui.hub.cache import Snapshot
from phi3v_tui.phi3v import devices, loading, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from phi3v_tui.shapes import Quantization

CPU = torch.device("cpu")
FULL = "microsoft/Phi-3.5-vision-instruct"


def find(model: str, dtype: torch.dtype = torch.float32) -> Checkpoint:
    return weights.find(model, CPU, dtype, lambda *_: None)


def load(folder: Path, report=lambda *_: None):
    return loading.load(find(str(folder)), CPU, torch.float32, report)


@pytest.fixture
def folder(tiny_checkpoint_35, tmp_path) -> Path:
    """A copy of a checkpoint that a test may damage."""
    return shutil.copytree(tiny_checkpoint_35, tmp_path / "copy")


@pytest.fixture
def bundled(tiny_checkpoint_35, monkeypatch) -> Path:
    """A checkpoint in the place of the bundled one."""
    monkeypatch.setattr(weights, "BUNDLED", tiny_checkpoint_35)
    return tiny_checkpoint_35


@pytest.fixture
def hub_cache(monkeypatch):
    """What the local hub cache holds, by repository."""
    held: dict[str, Path] = {}

    def snapshots(source):
        return [Snapshot(held[source.repo])] if source.repo in held else []

    monkeypatch.setattr(cache, "snapshots", snapshots)
    return held


def test_a_folder_is_found(tiny_checkpoint_35):
    checkpoint = find(str(tiny_checkpoint_35))
    assert checkpoint.folder == tiny_checkpoint_35
    assert (checkpoint.name, checkpoint.bundled, checkpoint.notice) == (
        tiny_checkpoint_35.name,
        False,
        "",
    )


def test_demo_says_what_it_is(bundled, hub_cache):
    checkpoint = find("demo")
    assert (checkpoint.folder, checkpoint.name, checkpoint.bundled) == (bundled, "Demo model", True)
    assert f"phi3v-tui --model {FULL}" in checkpoint.notice


def test_auto_prefers_published_weights(bundled, hub_cache, folder):
    hub_cache[FULL] = folder
    checkpoint = find("auto")
    assert (checkpoint.folder, checkpoint.name) == (folder, "Phi-3.5-vision-instruct")
    assert checkpoint.notice == ""


def test_auto_takes_the_second_published_model(bundled, hub_cache, folder):
    hub_cache["microsoft/Phi-3-vision-128k-instruct"] = folder
    assert find("auto").name == "Phi-3-vision-128k-instruct"


def test_auto_without_published_weights_is_the_bundled_model(bundled, hub_cache):
    assert find("auto") == find("demo")


def test_auto_passes_over_half_a_download(bundled, hub_cache, folder):
    (folder / "model.safetensors").unlink()
    hub_cache[FULL] = folder
    assert find("auto").bundled


def test_auto_says_what_does_not_fit(bundled, hub_cache, folder, monkeypatch):
    hub_cache[FULL] = folder
    monkeypatch.setattr(devices, "free_memory", lambda device: 1)
    checkpoint = find("auto")
    assert checkpoint.bundled
    assert "does not fit into the memory of cpu" in checkpoint.notice
    assert f"--model {FULL}" in checkpoint.notice


@pytest.mark.parametrize(("dtype", "fits"), [(torch.bfloat16, True), (torch.float32, False)])
def test_fitting_depends_on_the_precision(tiny_checkpoint_35, monkeypatch, dtype, fits):
    checkpoint = find(str(tiny_checkpoint_35))
    room = memory.needed(checkpoint.shapes, 2, Quantization.NONE, 4096)
    monkeypatch.setattr(devices, "free_memory", lambda device: room)
    assert weights.fits(checkpoint, CPU, dtype) is fits


@pytest.mark.parametrize("model", ["nope", "./nope", "a/b/c", "/no/such/folder", ""])
def test_what_is_no_model_is_named(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if model == "":
        (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError):
        find(model)


def test_a_file_is_no_model(folder):
    with pytest.raises(ModelError, match="is a file"):
        find(str(folder / "config.json"))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "preprocessor_config.json"])
def test_missing_files_are_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        find(str(folder))


def test_another_architecture_is_named(folder):
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="llama model"):
        find(str(folder))


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickle"):
        find(str(folder))


@pytest.mark.parametrize("keep", [0, 5, 100, 1_000_000])
def test_half_a_weight_file_is_found_out_before_loading(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"incomplete|not a safetensors"):
        find(str(folder))


def test_a_missing_shard_is_named(folder):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="lacks the weights model-00001-of-00002"):
        find(str(folder))


def test_shards_outside_the_folder_are_not_read(folder):
    index = {"weight_map": {"a": "../../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"lacks the weights secret\.safetensors"):
        find(str(folder))


def test_shards_are_read_together(folder):
    tensors = load_file(folder / "model.safetensors")
    whole = load(folder).state_dict()
    names = sorted(tensors)
    index = {}
    for number, half in enumerate((names[:40], names[40:])):
        file = f"model-{number}.safetensors"
        save_file({name: tensors[name] for name in half}, folder / file, {"format": "pt"})
        index |= dict.fromkeys(half, file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    sharded = load(folder).state_dict()
    assert sharded.keys() == whole.keys()
    assert all(torch.equal(sharded[name], whole[name]) for name in whole)


def test_loading_equals_transformers(tiny_checkpoint_35):
    from phi3v_tui.phi3v import Phi3VForCausalLM

    ours = load(tiny_checkpoint_35).state_dict()
    theirs = Phi3VForCausalLM.from_pretrained(tiny_checkpoint_35, dtype=torch.float32).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_loading_reports_bytes(tiny_checkpoint_35):
    reports = []
    load(tiny_checkpoint_35, lambda *report: reports.append(report))
    done = [count for _, count, _ in reports]
    assert done == sorted(done)
    (_, last, total) = reports[-1]
    # The header is the rest.
    assert total * 0.98 < last <= total


def test_a_tensor_that_is_missing_is_found_out(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="do not match"):
        load(folder)


def test_a_tensor_of_another_shape_is_found_out(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = torch.zeros(7, dtype=torch.bfloat16)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="do not match"):
        load(folder)


def test_small_tensors_do_not_make_a_report_each(tiny_checkpoint_35):
    reports = []
    load(tiny_checkpoint_35, lambda *report: reports.append(report))
    assert len(reports) < 10


def test_a_file_that_has_become_shorter_is_found_out(folder):
    checkpoint = find(str(folder))
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        loading.load(checkpoint, CPU, torch.float32, lambda *_: None)


def test_loading_ends_when_its_report_raises(tiny_checkpoint_35):
    def stop(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        load(tiny_checkpoint_35, stop)


def test_a_head_that_shares_the_embeddings_is_loaded(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config))
    model = load(folder)
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_embeddings_under_their_second_name_are_loaded(folder):
    tensors = load_file(folder / "model.safetensors")
    words = tensors.pop("model.embed_tokens.weight")
    tensors["model.vision_embed_tokens.wte.weight"] = words
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert torch.equal(load(folder).model.embed_tokens.weight, words.float())


def test_tensors_of_no_use_are_passed_over(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["an.old.counter"] = torch.arange(3)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    load(folder)


def test_unchanged_weights_stay_in_the_systems_cache_of_the_file(tiny_checkpoint_35):
    stored = load_file(tiny_checkpoint_35 / "model.safetensors")
    model = loading.load(find(str(tiny_checkpoint_35)), CPU, torch.bfloat16, lambda *_: None)
    weight = model.model.embed_tokens.weight
    assert torch.equal(weight, stored["model.embed_tokens.weight"])
    addresses = [parameter.data_ptr() for parameter in model.parameters()]
    size = (tiny_checkpoint_35 / "model.safetensors").stat().st_size
    assert max(addresses) - min(addresses) < size


def test_a_loaded_model_computes(tiny_checkpoint_35):
    from phi3v_tui.phi3v import Phi3VForCausalLM

    ids = torch.arange(3, 40)[None]
    theirs = Phi3VForCausalLM.from_pretrained(tiny_checkpoint_35, dtype=torch.float32)
    assert torch.equal(load(tiny_checkpoint_35)(ids).logits, theirs(ids).logits)
