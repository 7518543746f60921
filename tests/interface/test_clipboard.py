"""Text to the clipboard: which program takes it, and what is said."""

import os

import pytest

from phi3v_tui.interface import clipboard


def test_copy_goes_through_tmux_where_there_is_one(tmp_path, monkeypatch):
    fake = tmp_path / "tmux"
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/buffer\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert clipboard.copy_by_program("A **circle**\n", {"TMUX": "x"}) == "tmux"
    assert (tmp_path / "buffer").read_text() == "A **circle**\n"
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"


@pytest.mark.parametrize(
    ("environ", "program"),
    [({"WAYLAND_DISPLAY": "wayland-0"}, "wl-copy"), ({"DISPLAY": ":0"}, "xclip"), ({}, "pbcopy")],
)
def test_copy_goes_through_the_desktop_where_there_is_one(tmp_path, monkeypatch, environ, program):
    fake = tmp_path / program
    fake.write_text(f"#!/bin/sh\ncat > {tmp_path}/taken\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert clipboard.copy_by_program("grün", environ) == program
    assert (tmp_path / "taken").read_text("utf-8") == "grün"
    assert program in clipboard.describe(program)


def test_copy_without_tmux_or_with_a_broken_one_is_not_claimed(tmp_path, monkeypatch):
    assert not clipboard.copy_by_program("x", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not clipboard.copy_by_program("x", {"TMUX": "x"})
