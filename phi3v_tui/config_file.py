"""The configuration file: read with the lines of mistakes, and written with comments."""

import json
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

from phi3v_tui.errors import SettingsError
from phi3v_tui.settings_table import TABLE, typed

_HEAD = """\
# Settings of phi3v-tui.
#
# Every setting is here with what it takes and what holds without it: take the # away before a
# name and change what follows. Flags and environment variables (PHI3V_TUI_MODEL, ...) come
# before this file. To see whether it is right: phi3v-tui config --check
"""
_WIDTH = 96
_HOW_TO_WRITE = (
    'Write each setting once, in a line of its own, texts in quotes: model = "demo", and numbers'
    " with a point: temperature = 0.4."
)


def read(path: Path) -> dict[str, Any]:
    """The values in the file; none where there is no file.

    Raises:
        SettingsError: The first mistake in it.
    """
    values, mistakes = examine(path)
    if mistakes:
        raise mistakes[0]
    return values


def examine(path: Path) -> tuple[dict[str, Any], list[SettingsError]]:
    """The values in the file, and every mistake in it, in the order of its lines."""
    try:
        text = path.read_text("utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError:
        return {}, []
    except tomllib.TOMLDecodeError as error:
        return {}, [SettingsError(f"{path} is not valid TOML: {error}.", _HOW_TO_WRITE)]
    except UnicodeDecodeError:
        return {}, [SettingsError(f"{path} is not text in UTF-8.", "Save it in that encoding.")]
    except OSError as error:
        remedy = "Change its permissions or move it away."
        return {}, [SettingsError(f"{path} cannot be read: {error.strerror}.", remedy)]
    return _checked(values, text, path)


def _checked(
    values: dict[str, Any], text: str, path: Path
) -> tuple[dict[str, Any], list[SettingsError]]:
    good: dict[str, Any] = {}
    mistakes: list[SettingsError] = []
    for name, value in values.items():
        place = _place(name, text, path)
        if isinstance(value, dict) and name not in TABLE:
            mistakes.append(_heading(name, place))
            continue
        try:
            good[name] = typed(name, value, place)
        except SettingsError as error:
            mistakes.append(error)
    return good, mistakes


def _heading(name: str, place: str) -> SettingsError:
    remedy = "Take that line away: settings stand at the beginning, before any line in brackets."
    return SettingsError(f"There are no settings under [{name}] ({place}).", remedy)


def _place(name: str, text: str, path: Path) -> str:
    """The file, and the line in which a setting stands."""
    key = re.compile(rf"\s*\[?\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    lines = enumerate(text.splitlines(), 1)
    number = next((number for number, line in lines if key.match(line)), None)
    return f"{path}, line {number}" if number else str(path)


def template(defaults: dict[str, Any]) -> str:
    """The commented file: every setting with its help, what it takes, and its default.

    Args:
        defaults: By name; None where a setting has no value unless it is given one.
    """
    return "\n".join([_HEAD, *(_entry(name, defaults[name]) for name in TABLE)])


def _entry(name: str, default: Any) -> str:
    setting = TABLE[name]
    comment = textwrap.fill(
        f"{setting.help} It takes {setting.allowed}.",
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
    )
    value = setting.example if default is None else as_toml(default)
    return f"{comment}\n# {name} = {value}\n"


def as_toml(value: Any) -> str:
    """A value as TOML writes it; JSON writes texts, numbers and truth values alike."""
    if isinstance(value, dict):
        pairs = (f"{as_toml(name)} = {as_toml(text)}" for name, text in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
