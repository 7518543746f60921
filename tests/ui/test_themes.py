"""What can be read in which theme, also where there are few colours or none."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.widget import Widget

from phi3v_tui.ui.app import Phi3VApp
from tests.ui.steps import composer, screen_text, talk, wait_until

MARKDOWN = """Some **bold**, *italic* and `code`.

> A quoted line.

| shape | colour |
|---|---|
| circle | red |

```python
return 3.14  # a comment
```
"""
LINES = frozenset(map(chr, range(0x2500, 0x25A0)))


def _rows(app: Phi3VApp, part: Widget | None = None) -> list[list[Segment]]:
    """The screen as it is drawn, or a part of it."""
    region = (part or app.screen).region
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return [list(strip.crop(region.x, region.right)) for strip in strips]


def _colours(part: Segment) -> tuple[Color, Color]:
    assert part.style is not None
    ink, ground = Color.from_rich_color(part.style.color), Color.from_rich_color(part.style.bgcolor)
    return (ground, ink) if part.style.reverse else (ink, ground)


def _contrast(ink: Color, ground: Color) -> float:
    """As in the Web Content Accessibility Guidelines: 1 to 21."""
    light, dark = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _drawn(app: Phi3VApp, where: Widget) -> Iterator[tuple[str, float]]:
    """Every piece of text, and how far it stands out from its ground."""
    for row in _rows(app, where):
        for part in row:
            if part.text.strip() and part.style and part.style.color and part.style.bgcolor:
                yield part.text.strip(), _contrast(*_colours(part))


@pytest.mark.parametrize(
    ("theme", "words", "lines"),
    [("phi3v-contrast", 6, 4.5), ("phi3v-dark", 4.5, 1.4), ("phi3v-light", 4.5, 1.4)],
)
async def test_words_and_lines_stand_out(make_app, engine, settings, theme, words, lines):
    app = make_app(settings=replace(settings, theme=theme))
    async with app.run_test(size=(100, 45)) as pilot:
        await talk(pilot, app, engine, "Show me Markdown.", MARKDOWN)
        await wait_until(pilot, lambda: "a comment" in screen_text(app))
        assert "Ask about a picture" in screen_text(app)
        _check(app, app.screen, words, lines)
        for key, box in (("ctrl+up", ".-chosen"), ("f1", "#help"), ("ctrl+l", ".modal")):
            await pilot.press(key)
            await wait_until(pilot, lambda box=box: app.screen.query(box))
            _check(app, app.screen.query_one(box), words, lines)
            await pilot.press("escape")
            await wait_until(pilot, lambda: composer(app).has_focus)


def _check(app: Phi3VApp, where: Widget, words: float, lines: float) -> None:
    for text, contrast in _drawn(app, where):
        assert contrast >= (lines if LINES.issuperset(text) else words), text


async def test_a_chosen_message_is_told_from_the_others_without_colours(make_app, engine):
    app = make_app()
    async with app.run_test() as pilot:
        await talk(pilot, app, engine, "A question", "An answer")
        before = screen_text(app).splitlines()
        await pilot.press("ctrl+up")
        await wait_until(pilot, lambda: app.chat.transcript.chosen)
        answer = [
            new
            for old, new in zip(before, screen_text(app).splitlines(), strict=True)
            if old != new
        ]
        assert any("An answer" in row for row in answer)
        await pilot.press("up")
        await wait_until(pilot, lambda: "E edits" in str(composer(app).border_subtitle))
        prompt = [row for row in screen_text(app).splitlines() if "█" in row]
        assert any("A question" in row for row in prompt)
        assert not any("An answer" in row for row in prompt)


async def test_what_a_slash_command_takes_is_not_read_as_markup(make_app):
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press(*"/set")
        await wait_until(pilot, lambda: "/set [NAME VALUE]: set NAME" in screen_text(app))
