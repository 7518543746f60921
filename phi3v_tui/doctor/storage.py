"""Settings, data folder, disk space and the cache of downloaded models."""

import os
import sqlite3
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from phi3v_tui import config_file
from phi3v_tui.doctor.finding import Finding, Group, Level
from phi3v_tui.errors import SettingsError
from phi3v_tui.hub.source import PUBLISHED_BYTES
from phi3v_tui.interface.plain_text import short_path
from phi3v_tui.settings import Settings, load_settings

_LITTLE_SPACE = 500_000_000
_SECRET = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_OTHER_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY")


def checks(environ: Mapping[str, str], config_path: Path, settings: Settings) -> Group:
    """All of them."""
    return Group(
        "Files",
        (
            ("Settings", partial(configuration, environ, config_path)),
            ("Conversations", partial(conversations, settings)),
            ("Downloads", partial(downloads, environ)),
            ("Hub variables", partial(variables, environ)),
        ),
    )


def configuration(environ: Mapping[str, str], config_path: Path) -> Finding:
    """Whether the settings of the file and of the environment are right."""
    _, mistakes = config_file.examine(config_path)
    if mistakes:
        detail = " ".join(error.title for error in mistakes)
        remedy = f"{mistakes[0].remedy} Mend it with: phi3v-tui config --edit"
        return Finding(Level.PROBLEM, "Settings", detail, remedy)
    try:
        load_settings(environ=environ, config_path=config_path)
    except SettingsError as error:  # of the environment
        return Finding(Level.PROBLEM, "Settings", error.title, error.remedy)
    there = "right" if config_path.exists() else "all at their defaults"
    return Finding(Level.OK, "Settings", f"{there} ({short_path(config_path)})")


def conversations(settings: Settings) -> Finding:
    """Whether conversations can be written, and read again."""
    title, folder = "Conversations", settings.data_dir
    remedy = "Check its permissions, or choose another folder: data_dir in config.toml."
    try:
        _try_database(_nearest(folder))
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        return Finding(Level.WARNING, title, f"{folder} cannot be written: {why}", remedy)
    history = settings.history_path
    if not history.exists():
        return Finding(Level.OK, title, f"none yet; {short_path(folder)} can be written")
    if trouble := _trouble_with(history):
        remedy = f"Move it away, and the app begins a new one: mv {history} {history}.broken"
        return Finding(Level.WARNING, title, f"{history} is damaged: {trouble}", remedy)
    size = history.stat().st_size / 1e6
    detail = f"{short_path(history)}, {size:.1f} MB, SQLite {sqlite3.sqlite_version}"
    return Finding(Level.OK, title, detail)


def _try_database(folder: Path) -> None:
    """Write a database as the app does; not every network disk bears it."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".phi3v-tui-doctor-") as place:
        connection = sqlite3.connect(Path(place, "try.sqlite3"))
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE tried (number)")
            connection.execute("INSERT INTO tried VALUES (1)")
            connection.commit()
        finally:
            connection.close()


def _trouble_with(history: Path) -> str:
    """What SQLite finds wrong with a file; empty where all is well."""
    try:
        connection = sqlite3.connect(f"{history.as_uri()}?mode=ro", uri=True)
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found


def downloads(environ: Mapping[str, str]) -> Finding:
    """Whether models can be downloaded: the folder, its disk, and whether that is allowed."""
    from phi3v_tui.hub.cache import room

    title = "Downloads"
    cache, free = room()
    facts = f"kept in {short_path(cache)}, {free / 1e9:.1f} GB free"
    if not os.access(_nearest(cache), os.W_OK):
        remedy = "Change its permissions, or set HF_HOME to another folder."
        return Finding(Level.WARNING, title, f"{cache} cannot be written", remedy)
    if free < _LITTLE_SPACE:
        return Finding(Level.WARNING, title, facts, "Make room: conversations need it too.")
    if free < PUBLISHED_BYTES:
        remedy = "Make room, or set HF_HOME to a folder on another disk."
        detail = f"{facts}; the full model takes {PUBLISHED_BYTES / 1e9:.1f} GB"
        return Finding(Level.NOTE, title, detail, remedy)
    if environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
        detail = f"{facts}; HF_HUB_OFFLINE forbids them"
        return Finding(Level.NOTE, title, detail, "Unset HF_HUB_OFFLINE to download a model.")
    return Finding(Level.OK, title, facts)


def variables(environ: Mapping[str, str]) -> Finding:
    """What is set that steers downloads."""
    names = [name for name in sorted(environ) if name.startswith(("HF_", "HUGGING_FACE_"))]
    names += [name for name in _OTHER_VARIABLES if name in environ]
    shown = [f"{name}={'(set)' if name in _SECRET else environ[name]}" for name in names]
    return Finding(Level.OK, "Hub variables", ", ".join(shown) or "none set")


def _nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
