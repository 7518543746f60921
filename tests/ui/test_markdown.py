"""Where the open block of a growing text begins."""

import pytest

from phi3v_tui.ui.markdown import answer_parser, settled_length


@pytest.mark.parametrize(
    ("text", "open_block"),
    [
        ("", ""),
        ("One", "One"),
        ("One\n", "One\n"),
        ("One\n\n", ""),
        ("One\n\nTwo", "Two"),
        ("One\n\n\nTwo\nmore", "Two\nmore"),
        ("One\n\n```\ncode\n\nmore", "```\ncode\n\nmore"),
        ("```\ncode\n\nmore\n```\n\nTwo", "Two"),
        ("````\n```\n\nstill code", "````\n```\n\nstill code"),
        ("~~~\n```\n\nstill code", "~~~\n```\n\nstill code"),
        ("```\n``` no end\n\nstill code", "```\n``` no end\n\nstill code"),
        ("   \nTwo", "Two"),
    ],
)
def test_open_block(text: str, open_block: str):
    assert text[settled_length(text) :] == open_block


def test_going_on_from_an_earlier_result_finds_the_same():
    text = "One\n\n```\ncode\n\nmore\n```\n\nTwo\n\n- a\n- b\n\nThree"
    settled = 0
    for end in range(len(text) + 1):
        settled = settled_length(text[:end], settled)
        assert settled == settled_length(text[:end])


def test_parser_keeps_line_ends_and_tags():
    (_, inline, _) = answer_parser().parse("a\n<b>c")
    assert [child.type for child in inline.children] == ["text", "hardbreak", "text"]
    assert inline.children[2].content == "<b>c"
