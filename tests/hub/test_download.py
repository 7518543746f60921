"""Downloads through the real huggingface_hub, from a stand-in for the hub on this machine."""

import errno
import os
import queue
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants

from phi3v_tui.engine.collect import close_soon
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache as hub_cache
from phi3v_tui.hub import large_file, source
from phi3v_tui.hub.download import Report
from phi3v_tui.phi3v import loading, weights
from phi3v_tui.phi3v.checkpoint import Checkpoint
from tests.hub.conftest import CHUNK, REPO, point_to
from tests.support.hub_server import COMMIT, Hub

CPU = torch.device("cpu")
WEIGHTS = "model.safetensors"


class Reports(list):
    """Collects progress."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        self.append((stage, done, total))


def find(report=lambda *_: None, model: str = REPO) -> Checkpoint:
    return weights.find(model, CPU, torch.float32, report)


def failure(model: str = REPO) -> ModelError:
    with pytest.raises(ModelError) as failed:
        find(model=model)
    assert failed.value.title.count(". ") == 0
    assert failed.value.remedy
    return failed.value


def test_a_whole_download_loads(server, cache):
    reports = Reports()
    checkpoint = find(reports)
    assert checkpoint.name == "tiny"
    assert checkpoint.folder.is_relative_to(cache)
    size = (server.folder / WEIGHTS).stat().st_size
    done = [count for stage, count, total in reports if total == size]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert done[-1] == size
    model = loading.load(checkpoint, CPU, torch.float32, lambda *_: None)
    assert model.lm_head.weight.shape == (32064, 96)


def test_each_file_comes_once_and_only_data(server):
    checkpoint = find()
    here = {path.name for path in server.folder.iterdir() if path.suffix == ".json"} | {WEIGHTS}
    assert sorted(server.fetched()) == sorted(here)
    assert {path.name for path in checkpoint.folder.iterdir()} == here


@pytest.mark.parametrize("offline", [False, True])
def test_what_is_cached_needs_no_request(server, monkeypatch, offline):
    first = find()
    server.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    assert find() == first
    assert server.requests == []


def test_another_architecture_costs_its_config_only(server):
    (server.folder / "config.json").write_text('{"model_type": "llama"}')
    assert "llama" in failure().title
    assert server.fetched() == ["config.json"]


def test_a_connection_that_breaks_goes_on_where_it_was(server):
    server.cut_at[WEIGHTS] = 2 * CHUNK + 5
    checkpoint = find()
    assert server.ranges(WEIGHTS) == ["", f"bytes={2 * CHUNK}-"]
    same_weights(checkpoint, server)


def test_a_second_try_goes_on_where_the_first_ended(server, cache):
    with pytest.raises(Stopped):
        find(stop_at(3 * CHUNK))
    (part,) = cache.rglob("*.part")
    kept = part.stat().st_size
    assert kept == 2 * CHUNK
    reports = Reports()
    checkpoint = find(reports)
    assert server.ranges(WEIGHTS) == ["", f"bytes={kept}-"]
    assert min(done for stage, done, _ in reports if stage.startswith("Downloading")) == kept
    same_weights(checkpoint, server)


def test_a_hub_that_hangs_up_each_time_is_given_up(server, cache):
    server.cut_at[WEIGHTS] = CHUNK
    server.hangs_up = True
    error = failure()
    assert "cannot be reached" in error.title
    assert "What came is kept." in error.remedy
    (part,) = cache.rglob("*.part")
    assert part.stat().st_size == CHUNK


@pytest.mark.parametrize("junk", [CHUNK, 100 * CHUNK])
def test_what_is_left_of_something_else_is_found_out(server, cache, junk):
    """Shorter than the file it spoils the whole; longer it is not used at all."""
    with pytest.raises(Stopped):
        find(stop_at(CHUNK))
    (part,) = cache.rglob("*.part")
    part.write_bytes(b"x" * junk)
    if junk == CHUNK:
        assert "damaged" in failure().title
        assert not part.exists()
    same_weights(find(), server)
    assert server.ranges(WEIGHTS)[-1] == ""


def test_half_a_file_in_the_cache_is_made_whole(server):
    """As a copied cache may have it, or one whose disk was full."""
    weights_file = find().folder / WEIGHTS
    with weights_file.resolve().open("r+b") as file:
        file.truncate(2 * CHUNK)
    server.requests.clear()
    same_weights(find(), server)
    assert server.fetched() == [WEIGHTS]
    assert server.ranges(WEIGHTS) == [f"bytes={2 * CHUNK}-"]


class TestRevisions:
    """Which commit is taken, when, and what is said of it."""

    OLD, NEW = "a" * 40, "b" * 40

    @pytest.fixture
    def pinned(self, server, monkeypatch):
        """The hub, whose one repository this program knows at a commit that is not the newest."""
        server.revisions.add(self.NEW)
        monkeypatch.setitem(source.PINNED, REPO, self.NEW)
        return server

    def test_the_pinned_one_is_downloaded(self, pinned):
        checkpoint = find()
        assert checkpoint.folder.name == self.NEW
        assert (checkpoint.name, checkpoint.notice) == ("tiny", "")
        pinned.requests.clear()
        assert find() == checkpoint
        assert pinned.requests == []

    def test_others_have_their_newest(self, server):
        assert find().folder.name == COMMIT

    @pytest.mark.parametrize("revision", ["v1.0", "refs/pr/3", OLD])
    def test_a_person_may_choose(self, pinned, revision):
        pinned.revisions |= {revision, "refs%2Fpr%2F3"}
        checkpoint = find(model=f"{REPO}@{revision}")
        assert checkpoint.folder.name == (self.OLD if revision == self.OLD else COMMIT)
        assert checkpoint.name == ("tiny@aaaaaaa" if revision == self.OLD else f"tiny@{revision}")
        pinned.requests.clear()
        assert find(model=f"{REPO}@{revision}") == checkpoint
        assert pinned.requests == []

    def test_another_that_is_here_will_do_without_a_request(self, pinned):
        pinned.revisions.add(self.OLD)
        old = find(model=f"{REPO}@{self.OLD}")
        pinned.requests.clear()
        checkpoint = find()
        assert pinned.requests == []
        assert (checkpoint.folder, checkpoint.name) == (old.folder, "tiny")
        assert "at revision aaaaaaa" in checkpoint.notice
        assert f"--model {REPO}@{self.NEW}" in checkpoint.notice

    def test_the_command_of_that_notice_fetches_nothing_twice(self, pinned):
        pinned.revisions.add(self.OLD)
        find(model=f"{REPO}@{self.OLD}")
        pinned.requests.clear()
        assert find(model=f"{REPO}@{self.NEW}").folder.name == self.NEW
        assert WEIGHTS not in pinned.fetched()
        assert find().notice == ""

    def test_half_of_another_will_not_do(self, pinned):
        pinned.revisions.add(self.OLD)
        (find(model=f"{REPO}@{self.OLD}").folder / WEIGHTS).unlink()
        assert find().folder.name == self.NEW

    def test_one_that_the_hub_has_lost_is_replaced(self, pinned):
        pinned.revisions.remove(self.NEW)
        checkpoint = find()
        assert checkpoint.folder.name == COMMIT
        assert "has no longer the revision bbbbbbb" in checkpoint.notice
        pinned.requests.clear()
        assert find().folder == checkpoint.folder
        assert pinned.requests == []

    def test_one_that_a_person_chose_is_not(self, pinned):
        error = failure(f"{REPO}@nope")
        assert "no revision nope" in error.title
        assert "commits" in error.remedy

    @pytest.mark.parametrize("model", ["a/b@", "a/b@/x", "a/b@x/", "a@b", "./a/b", "a/b@c d"])
    def test_what_names_no_revision(self, server, model):
        assert "no model folder" in failure(model).title
        assert server.requests == []


def test_the_published_checkpoints_are_pinned_to_whole_commits():
    assert list(source.PINNED) == [
        "microsoft/Phi-3.5-vision-instruct",
        "microsoft/Phi-3-vision-128k-instruct",
    ]
    for repo, commit in source.PINNED.items():
        assert set(commit) <= set("0123456789abcdef")
        assert len(commit) == 40
        assert source.Source.parse(repo) == source.Source(repo, commit, is_pinned=True)


@pytest.mark.parametrize(("token", "known"), [("right", True), ("wrong", False)])
def test_a_token_that_the_hub_does_not_know(server, monkeypatch, token, known):
    server.token = "right"
    monkeypatch.setenv("HF_TOKEN", token)
    if known:
        find()
    else:
        error = failure()
        assert "does not know the token" in error.title
        assert "HF_TOKEN" in error.remedy


@pytest.mark.parametrize(
    ("refusal", "title", "remedy"),
    [
        ((403, "GatedRepo"), "asked for access", "hf auth login"),
        ((401, "GatedRepo"), "asked for access", f"huggingface.co/{REPO}"),
        ((401, "RepoNotFound"), "no model owner/tiny", "hf auth login"),
        ((404, "RepoNotFound"), "no model owner/tiny", "Check the name"),
        ((403, ""), "does not let you", "HF_TOKEN"),
        ((451, ""), "HTTP status 451", "later"),
    ],
)
def test_refusals_are_sentences(server, refusal, title, remedy):
    server.refuse = refusal
    error = failure()
    assert title in error.title
    assert remedy in error.remedy


def test_a_repository_that_is_not_there(server):
    with pytest.raises(ModelError, match="no model owner/other on the hub"):
        weights.find("owner/other", CPU, torch.float32, lambda *_: None)


def test_where_downloads_are_forbidden(server, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in failure().title
    assert server.requests == []


def test_without_a_network(monkeypatch, cache):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        point_to(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}")
        error = failure()
    assert "cannot be reached" in error.title
    assert "network" in error.remedy
    assert "demo" not in error.remedy


def test_a_login_page_is_not_the_hub(server):
    server.answer = "<html>Please log in.</html>"
    error = failure()
    assert "not the hub" in error.title
    assert "log in" in error.remedy


def test_a_small_disk_is_told_before_the_download(server, monkeypatch):
    monkeypatch.setattr(hub_cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    error = failure()
    assert "0.0 GB free" in error.title
    assert "HF_HOME" in error.remedy
    assert WEIGHTS not in server.fetched()


def test_a_disk_that_becomes_full(server, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(large_file, "http_get", full)
    error = failure()
    assert "disk became full" in error.title
    assert "Make room" in error.remedy


def test_a_cache_that_cannot_be_written(server, cache):
    cache.write_text("a file where the folder should be")
    error = failure()
    assert str(cache) in error.title
    assert "HF_HOME" in error.remedy


def test_closing_the_engine_ends_a_download(server, cache):
    server.hold_at[WEIGHTS] = 2 * CHUNK
    engine, events = LocalEngine(REPO, device="cpu"), queue.SimpleQueue()
    engine.load(events.put)
    assert server.holding.wait(60)
    # Nobody has to wait for the line that stalls: this returns before it is released.
    close_soon(engine)
    while not events.empty():
        events.get()
    server.release()
    engine.close()
    assert not engine._thread.is_alive()
    assert events.empty()
    assert not list(cache.rglob(WEIGHTS))


def test_interrupting_a_download_that_stalls(server, tmp_path):
    server.hold_at[WEIGHTS] = CHUNK
    environment = os.environ | {
        "HF_ENDPOINT": server.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_CACHE": str(tmp_path / "another"),
        # Else a process that waits for the test for long takes the stalled line for a broken one.
        "HF_HUB_DOWNLOAD_TIMEOUT": "600",
    }
    command = [sys.executable, "-m", "phi3v_tui", "ask", "Hi", "--model", REPO, "--device", "cpu"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        assert server.holding.wait(300)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130
    # A slow machine may have told of its progress.
    assert b"Traceback" not in stderr
    assert b"phi3v-tui:" not in stderr
    assert list((tmp_path / "another").rglob("*.part"))


class Stopped(Exception):
    """Raised by a report, as the engine's does when it is closed."""


def stop_at(count: int) -> Report:
    def report(stage: str, done: int, total: int | None) -> None:
        if done >= count:
            raise Stopped

    return report


def same_weights(checkpoint: Checkpoint, server: Hub) -> None:
    assert (checkpoint.folder / WEIGHTS).read_bytes() == (server.folder / WEIGHTS).read_bytes()
