"""Settings, folders and disks that are not as they should be."""

import shutil
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.doctor import storage
from phi3v_tui.doctor.finding import Level
from phi3v_tui.settings import Settings
from phi3v_tui.store.history import History


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """The cache in a folder of the test, on a disk of a size that it chooses."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    def with_free(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    with_free(10**12)
    return with_free


@pytest.mark.parametrize(
    ("content", "environ", "detail"),
    [
        ('model = "demo"', {}, "right"),
        (None, {}, "all at their defaults"),
        ("temprature = 1", {}, "no setting temprature"),
        ("not toml", {}, "not valid TOML"),
        ("", {"PHI3V_TUI_TOP_P": "7"}, "top_p cannot be"),
    ],
)
def test_settings(tmp_path, content, environ, detail):
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_text(content)
    found = storage.configuration(environ, path)
    is_right = detail in ("right", "all at their defaults")
    assert found.level is (Level.OK if is_right else Level.PROBLEM)
    assert detail in found.detail
    assert ("config --edit" in found.remedy) is (not is_right and not environ)


class TestConversations:
    def test_none_yet(self, settings):
        found = storage.conversations(settings)
        assert (found.level, "none yet" in found.detail) == (Level.OK, True)
        assert not settings.data_dir.exists()

    def test_they_can_be_read(self, settings):
        history = History(settings.history_path)
        conversation = Conversation()
        conversation.append_user("Hello")
        history.save(conversation)
        history.close()
        found = storage.conversations(settings)
        assert (found.level, "SQLite" in found.detail) == (Level.OK, True)
        assert all(path.name.startswith("history") for path in settings.data_dir.iterdir())

    def test_damaged_ones(self, settings):
        settings.data_dir.mkdir()
        settings.history_path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        found = storage.conversations(settings)
        assert (found.level, "damaged" in found.detail) == (Level.WARNING, True)
        assert "mv " in found.remedy
        assert settings.history_path.exists()

    def test_a_folder_that_cannot_be_written(self, settings, monkeypatch):
        def refused(**_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(storage.tempfile, "TemporaryDirectory", refused)
        found = storage.conversations(settings)
        assert found.level is Level.WARNING
        assert found.detail == f"{settings.data_dir} cannot be written: Permission denied"
        assert "data_dir" in found.remedy


class TestDownloads:
    def test_room_enough(self, disk):
        assert storage.downloads({}).level is Level.OK

    @pytest.mark.parametrize(
        ("free", "level", "words"),
        [(5 * 10**9, Level.NOTE, "takes 8.3 GB"), (10**8, Level.WARNING, "0.1 GB free")],
    )
    def test_little_room(self, disk, free, level, words):
        disk(free)
        found = storage.downloads({})
        assert (found.level, words in found.detail) == (level, True)
        assert "Make room" in found.remedy

    def test_forbidden(self, disk):
        found = storage.downloads({"HF_HUB_OFFLINE": "1"})
        assert (found.level, "forbids" in found.detail) == (Level.NOTE, True)

    def test_a_cache_that_cannot_be_written(self, disk, monkeypatch):
        monkeypatch.setattr(storage.os, "access", lambda *_: False)
        assert storage.downloads({}).level is Level.WARNING


def test_variables_hide_the_token():
    environ = {"HF_TOKEN": "hf_secret", "HF_HOME": "/big", "https_proxy": "http://p", "HOME": "/h"}
    found = storage.variables(environ).detail
    assert found == "HF_HOME=/big, HF_TOKEN=(set), https_proxy=http://p"
    assert storage.variables({}).detail == "none set"
