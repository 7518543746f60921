"""Damaged files of a checkpoint: what is said of them, and that it mends them."""

import errno
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from phi3v_tui import model_list
from phi3v_tui.engine import collect
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache as hub_cache
from phi3v_tui.hub import source
from phi3v_tui.model_list import State
from phi3v_tui.phi3v import tensor_files, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from tests.hub.conftest import REPO
from tests.support.hub_server import COMMIT

WEIGHTS = "model.safetensors"
CPU = torch.device("cpu")


def load(model: str) -> None:
    engine = LocalEngine(model, device="cpu", context=2048)
    try:
        collect.load(engine)
    finally:
        engine.close()


def download(model: str = REPO) -> Checkpoint:
    return weights.find(model, CPU, torch.float32, lambda *_: None)


def failure(model: str) -> ModelError:
    with pytest.raises(ModelError) as failed:
        load(model)
    assert "\n" not in str(failed.value)
    return failed.value


def advice(error: ModelError) -> tuple[Path, str]:
    """What to delete, and the model to run."""
    found = re.fullmatch(r"Delete (.+) and run: phi3v-tui --model (\S+)", error.remedy)
    return Path(found[1]), found[2]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def broken_header(content: bytes) -> bytes:
    return content[:8] + b"x" * 40 + content[48:]


def wrong_length_in_header(content: bytes) -> bytes:
    """The last tensor ends one byte later."""
    size = int.from_bytes(content[:8], "little")
    end = str(len(content) - 8 - size).encode()
    header = content[8 : 8 + size].replace(end, str(int(end) + 1).encode())
    assert len(header) == size
    return content[:8] + header + content[8 + size :]


def unknown_numbers(content: bytes) -> bytes:
    return content.replace(b'"dtype":"BF16"', b'"dtype":"BF99"')


def other_settings(content: bytes) -> bytes:
    return json.dumps(json.loads(content) | {"hidden_size": "many"}).encode()


def no_colours(content: bytes) -> bytes:
    return json.dumps(json.loads(content) | {"image_mean": 3}).encode()


Damage = Callable[[bytes], bytes]
DAMAGES = [
    (WEIGHTS, broken_header, "is not a safetensors file"),
    (WEIGHTS, lambda content: bytes(len(content)), "is not a safetensors file"),
    (WEIGHTS, wrong_length_in_header, "is incomplete"),
    (WEIGHTS, unknown_numbers, "is damaged"),
    ("config.json", half, "is damaged"),
    ("config.json", lambda content: b"[]", "holds no settings"),
    ("config.json", other_settings, "is damaged"),
    ("tokenizer.json", half, "is damaged"),
    ("tokenizer.json", lambda content: b"{}", "is damaged"),
    ("preprocessor_config.json", half, "is damaged"),
    ("preprocessor_config.json", no_colours, "is damaged"),
]


def damage(path: Path, how: Damage) -> None:
    path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize(("file", "how", "why"), DAMAGES)
def test_in_the_cache_what_is_said_mends_it(server, cache, file, how, why):
    """Whoever does what the sentence says has the file again, and nothing else comes twice."""
    download()
    (snapshot,) = cache.rglob(f"snapshots/{COMMIT}")
    damage(snapshot / file, how)
    server.requests.clear()

    error = failure(REPO)

    assert error.title.startswith(f"{file} of {REPO} {why}")
    assert file not in server.fetched()
    deleted, model = advice(error)
    deleted.unlink()
    load(model)
    assert server.fetched() == [file]
    assert (snapshot / file).read_bytes() == (server.folder / file).read_bytes()


@pytest.mark.parametrize(("file", "how", "why"), DAMAGES)
def test_in_a_folder_the_file_is_named(tiny_checkpoint_35, tmp_path, file, how, why):
    folder = shutil.copytree(tiny_checkpoint_35, tmp_path / "copy")
    damage(folder / file, how)
    error = failure(str(folder))
    assert error.title.startswith(f"{folder / file} {why}")
    assert error.remedy == "Delete it, and copy or download it again."


def test_weights_of_another_model_in_the_cache(server, cache):
    download()
    (snapshot,) = cache.rglob(f"snapshots/{COMMIT}")
    damage(snapshot / WEIGHTS, lambda content: content.replace(b"qkv_proj", b"kqv_proj"))
    error = failure(REPO)
    assert "do not match" in error.title
    deleted, model = advice(error)
    assert deleted.parent == cache
    shutil.rmtree(deleted)
    load(model)


@pytest.mark.parametrize("chosen", [f"{REPO}@{'a' * 40}", f"{REPO}@v1.0"])
def test_a_revision_that_a_person_chose_is_the_one_to_get_again(server, cache, chosen):
    server.revisions |= {"a" * 40, "v1.0"}
    download(chosen)
    (config,) = cache.rglob("snapshots/*/config.json")
    damage(config, half)
    deleted, model = advice(failure(chosen))
    deleted.unlink()
    server.revisions.add(config.parent.name)
    download(model)
    download(chosen)
    assert config.exists()


def test_without_a_network_it_is_said_too(server, cache, monkeypatch):
    download()
    (config,) = cache.rglob("snapshots/*/config.json")
    damage(config, half)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "config.json of owner/tiny is damaged" in failure(REPO).title


@pytest.fixture
def published(server, cache, monkeypatch) -> Path:
    """The config.json of a published model in the cache."""
    for module in (source, hub_cache, weights, model_list):
        monkeypatch.setattr(module, "PINNED", {REPO: COMMIT})
    monkeypatch.setattr(weights, "PUBLISHED", (REPO,))
    download()
    (config,) = cache.rglob("snapshots/*/config.json")
    return config


def listed() -> model_list.Model:
    (found,) = (model for model in model_list.models([]) if model.name == REPO)
    return found


def test_the_bundled_model_stands_in_and_says_why(published):
    damage(published, half)
    found = download("auto")
    assert found.bundled
    assert "config.json of owner/tiny is damaged. Delete" in found.notice
    assert f"phi3v-tui --model {REPO}" in found.notice
    assert "bundled" in found.notice


def test_the_list_of_models_says_it(published):
    damage(published, half)
    assert listed().state is State.DAMAGED
    assert "config.json of owner/tiny is damaged. Delete" in listed().remark


def test_another_revision_that_is_whole_stands_in(published, server, cache):
    server.revisions.add("b" * 40)
    download(f"{REPO}@{'b' * 40}")
    (whole,) = cache.rglob(f"snapshots/{'b' * 40}/config.json")
    whole.unlink()
    shutil.copy(published, whole)
    damage(published, half)
    found = download()
    assert found.folder == whole.parent
    assert (listed().state, listed().folder) == (State.HERE, whole.parent)


def test_what_came_with_the_program_is_got_with_it(tmp_path, tiny_checkpoint_35, monkeypatch):
    package = tmp_path / "phi3v_tui"
    bundled = shutil.copytree(tiny_checkpoint_35, package / "demo" / "checkpoint")
    monkeypatch.setattr("phi3v_tui.phi3v.damage._PACKAGE", package)
    monkeypatch.setattr(weights, "BUNDLED", bundled)
    damage(bundled / WEIGHTS, broken_header)
    assert failure("demo").remedy == "Install phi3v-tui again."


def test_a_file_that_may_not_be_read(tiny_checkpoint_35, tmp_path):
    folder = shutil.copytree(tiny_checkpoint_35, tmp_path / "copy")
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    error = failure(str(folder))
    assert error.title == f"{folder / 'config.json'} cannot be read: Is a directory."
    assert error.remedy.startswith("Mend that, or delete ")


def test_a_disk_that_fails_while_the_weights_are_read(tiny_checkpoint_35, monkeypatch):
    class Failing(io.FileIO):
        def readinto(self, into) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tensor_files.io, "FileIO", Failing)
    error = failure(str(tiny_checkpoint_35))
    assert error.title == f"{tiny_checkpoint_35 / WEIGHTS} cannot be read: Input/output error."
