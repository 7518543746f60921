"""Take the README's pictures of the real app: `python -m phi3v_tui.demo.screenshots assets`.

The app runs on the bundled checkpoint, headless, and is driven by keys; what it shows is saved
as PNG. Needs cairosvg, and the Cairo library that it draws with.
"""

import argparse
import asyncio
import html
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.local_models import LocalModels
from phi3v_tui.settings import Settings
from phi3v_tui.ui.app import Phi3VApp

SIZES = {"": (120, 36), "-small": (80, 24)}
THEMES = {"": "phi3v-dark", "-light": "phi3v-light"}
WAIT_SECONDS = 120.0


async def until(pilot: Pilot[int], holds: Callable[[], object]) -> None:
    """Let the app run until something holds.

    Raises:
        TimeoutError: It does not come to hold.
    """
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await pilot.pause(0.05)


async def converse(pilot: Pilot[int], app: Phi3VApp, prompts: list[str]) -> None:
    """Ask one thing after the other, waiting for each answer."""
    for prompt in prompts:
        app.chat.composer.text = prompt
        await pilot.press("enter")
        # A short answer may have ended already; a prompt that was taken leaves the composer empty.
        await until(pilot, lambda: not app.chat.composer.text and not app.chat.is_answering)
    await pilot.pause(0.5)


def place_letters(text: re.Match[str]) -> str:
    """Give each letter its place, as cairosvg does not stretch text to its textLength."""
    letters = len(html.unescape(text["letters"]))
    start, length = float(text["x"]), float(text["length"])
    places = " ".join(f"{start + length * index / letters:.1f}" for index in range(letters))
    return text[0].replace(f'x="{text["x"]}"', f'x="{places}"')


def save_png(svg: str, path: Path) -> None:
    """Draw an exported screenshot, in a font that is at hand."""
    import cairosvg

    svg = re.sub(r"font-family: [^;]+;", "font-family: 'DejaVu Sans Mono';", svg)
    svg = re.sub(
        r'<text [^>]*\bx="(?P<x>[^"]+)"[^>]*textLength="(?P<length>[^"]+)"[^>]*>(?P<letters>[^<]+)',
        place_letters,
        svg,
    )
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(path), scale=1.0)


async def take(assets: Path, size: tuple[int, int], theme: str, path: Path) -> None:
    """Run one conversation and take its picture."""
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(model="demo", theme=theme, data_dir=Path(data))
        engine = LocalEngine("demo", device="cpu")
        models = LocalModels(settings, lambda *_: engine)
        app = Phi3VApp(engine, settings, models, [assets / "chart.png"])
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: engine.limits() and app.chat.attachment_bar.attachments)
            await converse(
                pilot,
                app,
                ["What is the title of this chart?", "Which bar is the highest?"],
            )
            save_png(app.export_screenshot(title="phi3v-tui"), path)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assets", type=Path)
    assets = parser.parse_args().assets
    for size_name, size in SIZES.items():
        for theme_name, theme in THEMES.items():
            path = assets / f"screenshot{size_name}{theme_name}.png"
            asyncio.run(take(assets, size, theme, path))
    os._exit(0)


if __name__ == "__main__":
    main()
