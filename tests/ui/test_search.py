"""Words looked for in the conversation."""

import re

import pytest
from textual.content import Content
from textual.widgets import Input, Static

from phi3v_tui.ui.widgets.search_bar import SearchBar
from tests.ui.steps import answers, ask, composer, drawn, finish_answer, talk, wait_until
from tests.ui.test_transcript_view import _long_conversation


def _place(app) -> str:
    return drawn(app.chat.query_one(SearchBar))


def _marked(app) -> list[tuple[str, bool]]:
    """What is marked, from top to bottom, and whether it stands out as the current match."""
    return [
        (part.content.plain[span.start : span.end], "bold" in str(span.style))
        for part in app.chat.transcript.query(Static)
        if isinstance(part.content, Content)
        for span in sorted(part.content.spans, key=lambda span: (span.start, span.end))
        if "on $accent" in str(span.style)
    ]


async def _stands(pilot, app, place: str) -> None:
    """Wait until the search stands at a place; exactly one match stands out then, in sight."""
    await wait_until(pilot, lambda: f"\n{place} · ↑" in _place(app))
    await wait_until(pilot, lambda: sum(current for _, current in _marked(app)) == 1)


def _sight(app) -> str:
    """The lines of the log that are in sight."""
    area = app.chat.transcript.region
    lines = app.screen._compositor.render_strips()[area.y : area.bottom]
    return "\n".join(strip.text for strip in lines)


async def test_words_are_found_and_marked_also_in_messages_that_are_no_widgets(make_app):
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.chat.opening.open(_long_conversation(300))
        await pilot.press("ctrl+f", *"answer 7")
        await _stands(pilot, app, "11 of 11")
        assert ("Answer 7", True) in _marked(app)
        await wait_until(pilot, lambda: "Answer 79" in _sight(app))
        await pilot.press("down")
        await _stands(pilot, app, "1 of 11")
        await wait_until(pilot, lambda: re.search("Answer 7 ", _sight(app)))
        await pilot.press("enter")
        await _stands(pilot, app, "11 of 11")
        await pilot.press("up")
        await _stands(pilot, app, "10 of 11")
        await wait_until(pilot, lambda: "Answer 78" in _sight(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: _marked(app) == [])
        assert app.focused is composer(app)


async def test_each_occurrence_in_a_message_is_a_step(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "Red or red?", "A **red** circle, red [as](http://red.org).")
        await pilot.press("ctrl+f", *"red")
        await _stands(pilot, app, "4 of 4")
        for place, current in (("3 of 4", 2), ("2 of 4", 1), ("1 of 4", 0), ("4 of 4", 3)):
            await pilot.press("up")
            await _stands(pilot, app, place)
            assert [is_current for _, is_current in _marked(app)].index(True) == current
        assert [text for text, _ in _marked(app)] == ["Red", "red", "red", "red"]


ANSWER = """# The red list

A *red* line, `red code` and a [red link](https://red.example)
goes on in a line that is red.

1. red one
2. two, ![red picture](red.png)

| red | blue |
|---|---|
| 1 | red&amp;blue |

> red quote

```red
red = "red"
```
"""


async def test_matches_are_counted_as_they_are_drawn(make_app, engine):
    app = make_app()
    async with app.run_test(size=(80, 50)) as pilot:
        await talk(pilot, app, engine, "What?", ANSWER)
        await pilot.press("ctrl+f", *"red")
        await _stands(pilot, app, "12 of 12")
        assert len(_marked(app)) == 12
        await pilot.press("down")
        await _stands(pilot, app, "1 of 12")
        for place in range(2, 13):
            await pilot.press("down")
            await _stands(pilot, app, f"{place} of 12")
            assert [is_current for _, is_current in _marked(app)].index(True) == place - 1


@pytest.mark.parametrize("answer", ["{}", "```\n{}\n```", "- one\n- {}\n- three"])
async def test_a_match_within_a_long_message_comes_in_sight(make_app, engine, answer):
    app = make_app()
    words = "\n".join(f"place{number} needle and words." for number in range(100))
    long_line = "much " * 300 + "place100 needle " + "more " * 300
    async with app.run_test(size=(80, 24)) as pilot:
        text = answer.format(f"{words}\n{long_line}")
        await talk(pilot, app, engine, f"{words}\n{long_line}", text)
        await pilot.press("ctrl+f", *"needle")
        await _stands(pilot, app, "202 of 202")
        for place in (201, 200, 199):
            await pilot.press("up")
            await _stands(pilot, app, f"{place} of 202")
            await wait_until(pilot, lambda n=place: f"place{n - 102} needle" in _sight(app))
        for _ in range(98):
            await pilot.press("up")
        await _stands(pilot, app, "101 of 202")
        await wait_until(pilot, lambda: "place100 needle" in _sight(app))
        await pilot.press("up")
        await _stands(pilot, app, "100 of 202")
        await wait_until(pilot, lambda: "place99 needle" in _sight(app))


async def test_what_is_said_while_searching_is_found_too(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What?", "A red circle and a red square.")
        await ask(pilot, app, engine, "And?")
        await pilot.press("ctrl+f", *"red")
        await _stands(pilot, app, "2 of 2")
        await pilot.press("up")
        await _stands(pilot, app, "1 of 2")
        await finish_answer(pilot, app, engine, "More red.")
        await pilot.press("down")
        await _stands(pilot, app, "2 of 3")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not _marked(app))
        assert "More red." in answers(app)[-1]


async def test_marks_keep_markdown_and_go_again(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "What?", "A **red** circle\n\n```\nred = 1\n```")
        before = answers(app)
        await pilot.press("ctrl+f", *"red circle")
        await _stands(pilot, app, "1 of 1")
        assert _place(app).startswith("Find")
        assert app.chat.query_one(SearchBar).query_one(Input).content_region.width > len(
            "red circle"
        )
        assert answers(app) == before
        await pilot.press("ctrl+f", *"nowhere")
        await wait_until(pilot, lambda: "not found" in _place(app))
        assert _marked(app) == []
