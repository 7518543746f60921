"""Random checkpoints: the published layout, in as many files as it takes."""

import json

import pytest
import torch
from safetensors import safe_open

from phi3v_tui.bench import checkpoint
from phi3v_tui.bench.tokenizer import CONTROL
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import Phi3VForCausalLM
from phi3v_tui.phi3v.prompt import PromptTokenizer
from phi3v_tui.phi3v.weights import find
from phi3v_tui.shapes import PUBLISHED, Shapes
from tests.support.goldens import GOLDEN


def found(folder):
    return find(str(folder), torch.device("cpu"), torch.float32, lambda *_: None)


def test_the_full_one_has_the_published_names_and_sizes():
    index = json.loads((GOLDEN / "checkpoint_index/Phi-3.5-vision-instruct.json").read_text())
    unused = set(index["loaded_but_never_used"])
    shapes = dict(checkpoint.shapes(checkpoint.config("full")))
    assert shapes == {k: tuple(v) for k, v in index["shapes"].items() if k not in unused}
    assert Shapes.of(checkpoint.config("full")) == PUBLISHED


def test_it_loads_without_a_missing_weight(small):
    _, info = Phi3VForCausalLM.from_pretrained(small, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert found(small).name == "random-small"


def test_it_is_the_same_at_every_making(small, tmp_path):
    again = checkpoint.make("small", tmp_path)
    one, other = (folder / "model.safetensors" for folder in (small, again))
    assert one.read_bytes() == other.read_bytes()


def test_it_is_made_once(small):
    before = (small / "model.safetensors").stat().st_mtime_ns
    assert checkpoint.make("small", small.parent) == small
    assert (small / "model.safetensors").stat().st_mtime_ns == before


def test_one_of_other_sizes_is_replaced(tmp_path):
    stale = checkpoint.make("small", tmp_path)
    (stale / "config.json").write_text("{}")
    (stale / "model.safetensors").write_bytes(b"")
    assert found(checkpoint.make("small", tmp_path)).weight_bytes > 10**6


def tensors(paths):
    whole = {}
    for path in paths:
        with safe_open(path, framework="pt") as file:
            whole |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return whole


def test_shards_together_are_the_whole(small, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SHARD_BYTES", 4 * 1024**2)
    files = found(checkpoint.make("small", tmp_path)).weight_files
    assert len(files) > 2
    assert all(path.stat().st_size < 8 * 1024**2 for path in files)
    sharded, whole = tensors(files), tensors([small / "model.safetensors"])
    assert sharded.keys() == whole.keys()
    assert all(torch.equal(sharded[name], whole[name]) for name in whole)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "draw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoint.make("small", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_before_writing(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10**6})()
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(ModelError, match=r"has 0\.0 GB left"):
        checkpoint.make("small", tmp_path)


def test_its_tokenizer_has_the_published_control_tokens_and_a_text_for_every_id(small):
    tokenizer = PromptTokenizer.from_folder(small)
    assert {name: tokenizer.control(name) for name in CONTROL} == CONTROL
    assert tokenizer.bos == (1,)
    texts = {tokenizer.decode([7, token]) for token in range(32064)}
    assert len(texts) == 32064 - len(CONTROL) + 2  # of control tokens only </s> has a text
    assert tokenizer.decode(tokenizer.plain("Two words\nmore")) == "Two words\nmore"
