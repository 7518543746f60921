"""The terminal: is there one, what it shows, and leaving it."""

import subprocess
import sys
from pathlib import Path

import pytest

from phi3v_tui.interface.terminal import (
    ImageMode,
    TerminalError,
    choose_image_mode,
    draw_less,
    require_terminal,
    word_for_ssh,
)
from phi3v_tui.interface.terminal_query import Known


def test_leaving_keeps_its_status_where_nobody_reads_any_more():
    code = """
import sys
from phi3v_tui.interface.terminal import leave
sys.stdout = open("/dev/full", "w")
sys.stdout.write("unread")
leave(3)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_terminal_that_cannot_place_text_is_refused(term):
    with pytest.raises(TerminalError, match="cannot place text"):
        require_terminal({"TERM": term})


@pytest.mark.parametrize(
    ("environ", "protocols", "mode"),
    [
        ({"TERM": "xterm-256color"}, "", ImageMode.HALFCELL),
        ({"TERM": "xterm-256color"}, "sixel", ImageMode.SIXEL),
        ({"TERM": "xterm-kitty"}, "kitty", ImageMode.KITTY),
        ({"TERM": "xterm-kitty"}, "kitty sixel", ImageMode.KITTY),
        ({"TERM": "xterm-kitty"}, "", ImageMode.HALFCELL),
        ({"TERM": "xterm-ghostty"}, "kitty", ImageMode.KITTY),
        ({"TERM_PROGRAM": "WezTerm"}, "kitty sixel", ImageMode.SIXEL),
        ({"KONSOLE_VERSION": "230800"}, "kitty", ImageMode.HALFCELL),
        ({"XTERM_VERSION": "XTerm(379)"}, "sixel", ImageMode.HALFCELL),
    ],
)
def test_image_mode_is_the_finest_that_the_terminal_knows(environ, protocols, mode):
    known = Known(frozenset(protocols.split()), (10, 20))
    assert choose_image_mode(ImageMode.AUTO, environ, ask=lambda: known) is mode


@pytest.mark.parametrize("name", ["TMUX", "STY", "ZELLIJ", "SSH_CONNECTION", "SSH_TTY"])
def test_with_something_in_between_the_terminal_is_not_even_asked(name):
    def ask() -> Known:
        raise AssertionError

    environ = {"TERM": "xterm-kitty", name: "x"}
    assert choose_image_mode(ImageMode.AUTO, environ, ask=ask) is ImageMode.HALFCELL


def test_without_an_answer_or_a_measure_there_are_half_cells():
    unmeasured = Known(frozenset({"sixel"}))
    assert choose_image_mode(ImageMode.AUTO, {}, ask=lambda: None) is ImageMode.HALFCELL
    assert choose_image_mode(ImageMode.AUTO, {}, ask=lambda: unmeasured) is ImageMode.HALFCELL


@pytest.mark.parametrize("mode", [mode for mode in ImageMode if mode is not ImageMode.AUTO])
def test_image_mode_that_was_asked_for_is_taken(mode):
    assert choose_image_mode(mode, {"TMUX": "x"}, is_slow=True) is mode


def test_a_slow_line_gets_fewer_frames_and_no_pictures_unless_asked():
    environ = {"TEXTUAL_FPS": "30"}
    draw_less(environ)
    assert environ == {"TEXTUAL_FPS": "30", "TEXTUAL_ANIMATIONS": "none"}
    assert choose_image_mode(ImageMode.AUTO, {"TERM": "xterm-kitty"}, True) is ImageMode.NONE
    assert choose_image_mode(ImageMode.SIXEL, {}, True) is ImageMode.SIXEL


@pytest.mark.parametrize("holder", ["TMUX", "STY"])
def test_over_ssh_without_a_holder_there_is_a_word(holder):
    words = word_for_ssh({"SSH_CONNECTION": "1 2 3 4"}, "server")
    assert "server" in words
    assert "tmux attach" in words
    assert word_for_ssh({"SSH_CONNECTION": "1 2 3 4", holder: "x"}, "server") == ""
    assert word_for_ssh({}, "server") == ""
