"""The arrows between the parts, and what a part loads when it is imported.

The contracts and their reasons are in pyproject.toml; import-linter reads the source. What is
really loaded shows only in a fresh interpreter, third parties' own imports included.
"""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import phi3v_tui

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "transformers", "huggingface_hub", "tokenizers", "safetensors")


def test_the_import_contracts_hold():
    lint = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run(
        [lint, "--config", "pyproject.toml", "--cache-dir", ".import_linter_cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def loaded_by(*modules, watched):
    """Those of the watched packages that importing the modules loads."""
    program = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*(name for name in {watched!r} if name in sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def modules_of(package):
    """A package and all its modules, by name."""
    folder = Path(phi3v_tui.__file__).parent.joinpath(*package.split(".")[1:])
    found = [module.name for module in pkgutil.walk_packages([str(folder)], f"{package}.")]
    return [package, *found]


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        (["phi3v_tui.ui.app"], HEAVY),
        (modules_of("phi3v_tui.ui"), HEAVY),
        (["phi3v_tui.cli"], HEAVY),
        (["phi3v_tui.full_model", *modules_of("phi3v_tui.doctor")], HEAVY),
        (modules_of("phi3v_tui.hub"), ("torch", "transformers", "textual")),
        (modules_of("phi3v_tui.interface"), (*HEAVY, "textual", "numpy")),
        (modules_of("phi3v_tui.plain"), (*HEAVY, "textual", "numpy")),
        (modules_of("phi3v_tui.conversation"), (*HEAVY, "textual", "numpy")),
        (modules_of("phi3v_tui.store"), (*HEAVY, "textual", "numpy")),
        (["phi3v_tui.settings", "phi3v_tui.engine.base"], (*HEAVY, "textual")),
    ],
    ids=[
        "app",
        "ui",
        "cli",
        "doctor",
        "hub",
        "interface",
        "plain",
        "conversation",
        "store",
        "settings",
    ],
)
def test_what_an_import_does_not_load(modules, forbidden):
    assert loaded_by(*modules, watched=forbidden) == []


def test_the_watch_sees_what_is_loaded():
    assert loaded_by("phi3v_tui.conversation.attachment", watched=("PIL", "torch")) == ["PIL"]
