"""Foreign text, made safe to draw."""

import pytest

from phi3v_tui.interface.plain_text import byte_size, drawable, short_time, typed


def test_control_characters_are_drawn_instead_of_obeyed():
    assert drawable("a\x1b[2J\x07\x7f\x9b") == "a␛[2J␇␡\ufffd"


def test_reordering_marks_are_dropped_so_that_names_show_as_they_are():
    assert drawable("photo\u202egnp.exe") == "photognp.exe"


def test_ordinary_text_is_left_alone():
    text = "Größe\t5 €\n日本語 👍🏽"
    assert drawable(text) == text
    assert typed(text) == text


def test_pasted_text_loses_control_characters_and_keeps_lines():
    assert typed("a\r\nb\rc\x1b[0m\u202e") == "a\nb\nc[0m"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (4_000_000, "4.0 MB"), (10**10, "10.0 GB")],
)
def test_byte_size(count: int, words: str):
    assert byte_size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.002, "0.01"), (0.0421, "0.04"), (0.3, "0.3"), (0.94, "0.94"), (1.06, "1.1"), (75, "75.0")],
)
def test_short_time(seconds: float, words: str):
    assert short_time(seconds) == words
