"""Findings for people and for programs."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from phi3v_tui import __version__
from phi3v_tui.doctor import machine, storage, terminal
from phi3v_tui.doctor.finding import Finding, Level, examine
from phi3v_tui.errors import SettingsError
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.settings import Settings, load_settings

Report = tuple[str, list[Finding]]

_WIDEST = 100
_TITLE_COLUMN, _DETAIL_COLUMN = 7, 22
_COLOURS = {Level.OK: 32, Level.NOTE: 36, Level.WARNING: 33, Level.PROBLEM: 31}


def doctor(environ: Mapping[str, str], config_path: Path, as_json: bool) -> int:
    """Examine everything and print it.

    Returns:
        The exit status: 1 where something makes the app unusable, else 0.
    """
    settings = _settings(environ, config_path)
    groups = [
        machine.checks(),
        terminal.checks(environ, ImageMode(settings.image_mode)),
        storage.checks(environ, config_path, settings),
    ]
    found: list[Report] = []
    for report in examine(groups):
        found.append(report)
        if not as_json:
            print("\n".join(lines(report, _width(), _is_coloured(environ))), flush=True)
    problems = sum(finding.level is Level.PROBLEM for _, group in found for finding in group)
    print(to_json(found) if as_json else _verdict(found, problems))
    return 1 if problems else 0


def lines(report: Report, width: int, coloured: bool) -> Iterator[str]:
    """A group for people: mark, title, detail; below it what to do."""
    name, findings = report
    yield name
    for finding in findings:
        mark = f"{finding.level:<4}"
        if coloured:
            mark = f"\x1b[{_COLOURS[finding.level]}m{mark}\x1b[0m"
        # What other programs said is text, and nothing that the terminal obeys.
        detail, *more = _wrapped(drawable(finding.detail), width) or [""]
        yield f"  {mark} {finding.title:<{_DETAIL_COLUMN - _TITLE_COLUMN}}{detail}"
        if finding.remedy:
            more += _wrapped(f"-> {drawable(finding.remedy)}", width, hanging="   ")
        for line in more:
            yield f"{'':<{_DETAIL_COLUMN}}{line}"
    yield ""


def to_json(found: Iterable[Report]) -> str:
    """All findings, by group."""
    groups = {name: [asdict(finding) for finding in findings] for name, findings in found}
    return json.dumps({"version": __version__, **groups}, indent=2, ensure_ascii=False)


def _settings(environ: Mapping[str, str], config_path: Path) -> Settings:
    """Those that hold; the defaults where something in them is wrong, which a check says."""
    try:
        return load_settings(environ=environ, config_path=config_path)
    except SettingsError:
        return Settings()


def _wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        max(20, width - _DETAIL_COLUMN),
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict(found: list[Report], problems: int) -> str:
    if problems:
        return f"{problems} of these {'makes' if problems == 1 else 'make'} the app unusable."
    warnings = sum(finding.level is Level.WARNING for _, group in found for finding in group)
    return f"The app can run; {warnings or 'no'} {'warning' if warnings == 1 else 'warnings'}."


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size().columns)


def _is_coloured(environ: Mapping[str, str]) -> bool:
    return sys.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
