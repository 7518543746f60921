"""Paths as people type them."""

import os
from pathlib import Path

import pytest

from phi3v_tui import paths
from phi3v_tui.conversation.patterns import sources_named
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.picture_files import read_picture


def test_the_home_folder_is_put_in_full(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert paths.expanded("~/a.png") == Path("/home/ann/a.png")
    assert paths.absolute("~") == Path("/home/ann")


def test_a_person_that_is_not_known_is_part_of_the_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert paths.expanded("~no-such-person/a.png") == Path("~no-such-person/a.png")
    assert paths.absolute("~shot.png") == tmp_path / "~shot.png"


def test_a_working_folder_that_is_gone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/ann")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert paths.absolute("a.png") == Path("/home/ann/a.png")


@pytest.mark.parametrize(
    "text",
    ["~no-such-person/a.png", "/no/such.png", f"/{'a' * 300}.png", " ".join(["/x/y"] * 2000)],
)
def test_no_text_is_too_odd_to_be_looked_for(text):
    for source in sources_named(text):
        with pytest.raises(AttachmentError):
            read_picture(source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_entered(tmp_path):
    (tmp_path / "secret").mkdir(mode=0)
    path = tmp_path / "secret" / "a.png"
    assert sources_named(str(path)) == [path]
