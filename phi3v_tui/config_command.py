"""What `phi3v-tui config` does: show, check, write and edit the settings' file."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from phi3v_tui import config_file
from phi3v_tui.errors import SettingsError
from phi3v_tui.settings import Settings, load_settings
from phi3v_tui.settings_table import did_you_mean
from phi3v_tui.ui.themes import AUTO, known_themes

_EDITORS = ("sensible-editor", "nano", "vim", "vi")


def show(path: Path) -> int:
    """Print where the file is, and the settings that hold.

    Raises:
        SettingsError: There is a mistake in them.
    """
    print(path if path.exists() else f"{path} (not there yet: phi3v-tui config --init writes it)")
    for name, value in asdict(load_settings(config_path=path)).items():
        print(f"{name} = {'(unset)' if value is None else config_file.as_toml(value)}")
    return 0


def check(path: Path) -> int:
    """Print every mistake in the file, or that there is none.

    Returns:
        The exit status: 1 where there is a mistake.
    """
    values, mistakes = config_file.examine(path)
    mistakes += _of_theme(values.get("theme", AUTO), path)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        return 1
    there = f"{path} is right" if path.exists() else f"{path} is not there, which is right too"
    print(f"{there}: {_count(len(values))} in it.")
    return 0


def init(path: Path) -> int:
    """Write the commented file with every setting at its default.

    Raises:
        SettingsError: It is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(config_file.template(asdict(Settings())))
    except FileExistsError as error:
        remedy = "phi3v-tui config --edit opens it."
        raise SettingsError(f"{path} is there already.", remedy) from error
    except OSError as error:
        remedy = "Check the permissions of the folder."
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", remedy) from error
    print(f"Wrote {path}; every setting in it is a comment until you change it.")
    return 0


def edit(path: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Open the file in the person's editor, writing it first where there is none, and check it.

    Returns:
        The exit status: 1 where the editor failed or there is a mistake.

    Raises:
        SettingsError: There is no editor, or the file cannot be written.
    """
    command = _editor(environ)
    if not path.exists():
        init(path)
    try:
        status = subprocess.run([*command, str(path)], check=False).returncode
    except OSError as error:
        raise _no_editor(f"{command[0]} cannot be started: {error.strerror}.") from error
    if status:
        print(f"{command[0]} ended with status {status}.", file=sys.stderr)
        return 1
    return check(path)


def _editor(environ: Mapping[str, str]) -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if environ.get(variable, "").strip():
            return shlex.split(environ[variable])
    for name in _EDITORS:
        if found := shutil.which(name):
            return [found]
    raise _no_editor("No editor was found.")


def _no_editor(what: str) -> SettingsError:
    return SettingsError(what, "Set EDITOR to the one you use: EDITOR=nano phi3v-tui config --edit")


def _of_theme(name: str, path: Path) -> list[SettingsError]:
    if name in (AUTO, *known_themes()):
        return []
    known = sorted(known_themes())
    remedy = did_you_mean(name, known) or f"Themes are: {', '.join(known)}."
    return [SettingsError(f"There is no theme {name} ({path}).", remedy)]


def _count(number: int) -> str:
    return "1 setting" if number == 1 else f"{number} settings"
