"""`phi3v-tui models`: what is here, whole or in part, and what fits."""

import json
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from phi3v_tui import cli, model_list
from phi3v_tui.engine.models import Model, State
from phi3v_tui.hub.source import PINNED
from phi3v_tui.memory import Room
from phi3v_tui.shapes import PUBLISHED, Quantization

FULL, OLDER = PINNED


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture
def put(cache, tiny_checkpoint_35):
    """Put a checkpoint into the cache, as huggingface_hub lays it out."""

    def put(repo: str, commit: str) -> Path:
        folder = cache / f"models--{repo.replace('/', '--')}"
        snapshot, blobs = folder / "snapshots" / commit, folder / "blobs"
        snapshot.mkdir(parents=True)
        blobs.mkdir(exist_ok=True)
        for path in tiny_checkpoint_35.iterdir():
            shutil.copy(path, blobs / path.name)
            (snapshot / path.name).symlink_to(blobs / path.name)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(commit)
        return snapshot

    return put


def listed(*folders: Path) -> dict[str, Model]:
    return {model.name: model for model in model_list.models(list(folders))}


def show(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["models", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_an_empty_cache(cache):
    found = listed()
    assert list(found) == ["demo", FULL, OLDER]
    assert (found["demo"].state, found["demo"].is_bundled) == (State.HERE, True)
    assert (found[FULL].state, found[FULL].folder) == (State.MISSING, None)
    shown = show()
    assert re.search(r"comes with the app, \d+\.\d MB", shown)
    assert "not here, 8.3 GB to download" in shown
    assert f"phi3v-tui --model {FULL}" in shown
    assert "free." in shown


def test_what_is_here(put):
    snapshot = put(FULL, PINNED[FULL])
    found = listed()[FULL]
    assert (found.state, found.folder, found.remark) == (State.HERE, snapshot, "")
    assert found.bytes_here > found.bytes_whole > 1_000_000


def test_another_revision_says_so(put):
    put(FULL, "a" * 40)
    found = listed()[FULL]
    assert (found.state, "revision aaaaaaa" in found.remark) == (State.HERE, True)


def test_what_came_in_part(cache):
    blobs = cache / f"models--{FULL.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "abc.part").write_bytes(bytes(3_100_000))
    found = listed()[FULL]
    assert (found.state, found.bytes_here) == (State.IN_PART, 3_100_000)
    assert "in part, 3.1 MB of 8.3 GB; it goes on from there" in show()


def test_half_a_snapshot_is_in_part(put):
    (put(FULL, PINNED[FULL]) / "model.safetensors").unlink()
    assert listed()[FULL].state is State.IN_PART


def test_others_of_the_same_kind_are_found(put, cache):
    put("owner/finetuned", "c" * 40)
    other = put("owner/llama", "d" * 40)
    (other / "config.json").unlink()
    (other / "config.json").write_text('{"model_type": "llama"}')
    (cache / "models--owner--odd" / "snapshots" / "e").mkdir(parents=True)
    (cache / "models--owner--odd" / "snapshots" / "e" / "config.json").write_text("no JSON")
    assert list(listed()) == ["demo", FULL, OLDER, "owner/finetuned"]
    assert listed()["owner/finetuned"].state is State.HERE


def test_a_revision_that_was_asked_for_by_name(put, cache):
    put("owner/finetuned", "c" * 40)
    (cache / "models--owner--finetuned" / "refs" / "main").unlink()
    assert listed()[f"owner/finetuned@{'c' * 40}"].state is State.HERE


def test_folders(cache, tiny_checkpoint_35, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    found = listed(tiny_checkpoint_35, tmp_path / "empty", tmp_path / "nowhere")
    assert found[str(tiny_checkpoint_35)].state is State.HERE
    assert "config.json" in found[str(tmp_path / "empty")].remark
    monkeypatch.setenv("PHI3V_TUI_MODEL", str(tiny_checkpoint_35))
    assert f"phi3v-tui --model {tiny_checkpoint_35}" in show()


def test_what_is_no_model_is_not_called_a_damaged_one(cache, tmp_path):
    file, nowhere = tmp_path / "cat.png", tmp_path / "nowhere"
    file.touch()
    found = listed(tmp_path, nowhere, file)
    assert {found[str(path)].state for path in (tmp_path, nowhere, file)} == {State.NONE}
    shown = show(str(nowhere), str(file))
    assert re.search(rf"{nowhere} +no model\n  There is no folder {nowhere}\.\n", shown)
    assert f"{file} is a file." in shown
    assert f"--model {tmp_path}" not in shown


def test_what_fits_where():
    gpu = Room("cuda:0 (a card)", 8 * 10**9, 2)
    fitting = {
        (need.quantization, need.context) for need in model_list.needs(PUBLISHED, gpu) if need.fits
    }
    assert fitting == {
        (Quantization.INT8, 4096),
        (Quantization.INT4, 4096),
        (Quantization.INT4, 8192),
    }


def test_the_table(cache, monkeypatch):
    places = [Room("cuda:0 (a\x1b[2J card)", 8 * 10**9, 2), Room("cpu", 64 * 10**9, 4)]
    monkeypatch.setattr("phi3v_tui.models_command.rooms", lambda: places)
    lines = show().splitlines()
    (heads,) = (line for line in lines if "4,096 tokens" in line)
    (int8, _) = (line for line in lines if line.startswith("    int8"))
    assert int8.split() == ["int8", "weights", "7.1", "GB", "fits", "8.7", "GB", "too", "big"]
    assert len(int8) <= len(heads)
    assert any(line.startswith("    32-bit weights") for line in lines)
    assert "\x1b" not in "".join(lines)
    assert max(map(len, lines[:-1])) <= 80


def test_json(cache):
    found = json.loads(show("--json"))
    names = [model["name"] for model in found["models"]]
    assert names == ["demo", FULL, OLDER]
    full = found["models"][1]
    assert (full["state"], full["bytes_whole"]) == ("not here", 8_293_242_880)
    assert full["command"] == f"phi3v-tui --model {FULL}"
    sizes = {(n["quantization"], n["context"]): n["size"] for n in full["memory"]}
    assert sizes["int4", 4096] < sizes["int8", 4096] < sizes["none", 4096] < sizes["none", 8192]
    assert found["downloads"]["free"] > 0
