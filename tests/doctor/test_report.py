"""The report as people and programs get it."""

import json

import pytest
from typer.testing import CliRunner

from phi3v_tui import cli
from phi3v_tui.doctor import machine, report, storage, terminal
from phi3v_tui.doctor.finding import Finding, Group, Level, examine

OK = Finding(Level.OK, "Python", "3.11")
LONG = Finding(Level.WARNING, "Driver", "words " * 30, "Do this " * 20)


def broken() -> Finding:
    raise RuntimeError("out of order\nand more")


@pytest.fixture
def only(monkeypatch):
    """Replace all checks by ones that find this."""

    def replace(*findings: Finding) -> None:
        group = Group("Machine", tuple((one.title, lambda one=one: one) for one in findings))
        monkeypatch.setattr(machine, "checks", lambda: group)
        for module in (terminal, storage):
            monkeypatch.setattr(module, "checks", lambda *_: Group("Empty", ()))

    return replace


def test_a_check_that_breaks_hides_no_other():
    group = Group("Machine", (("First", lambda: OK), ("Second", broken), ("Third", lambda: OK)))
    ((name, found),) = examine([group])
    assert (name, found[0], found[2]) == ("Machine", OK, OK)
    assert (found[1].level, found[1].title) == (Level.WARNING, "Second")
    assert found[1].detail.endswith("RuntimeError: out of order")


def test_lines_stay_within_the_width_and_under_each_other():
    lines = list(report.lines(("Machine", [OK, LONG]), width=60, coloured=False))
    assert lines[:2] == ["Machine", "  ok   Python         3.11"]
    assert lines[2].startswith("  warn Driver         words words")
    assert all(len(line) <= 60 for line in lines)
    assert any(line.strip().startswith("-> Do this") for line in lines)
    assert all(line.startswith(" " * 22) for line in lines[3:-1])


def test_colour_marks_the_mark_only():
    lines = list(report.lines(("Machine", [OK]), width=60, coloured=True))
    assert lines[1] == "  \x1b[32mok  \x1b[0m Python         3.11"


def test_what_others_said_is_not_obeyed():
    evil = Finding(Level.NOTE, "tmux", "3.3\x1b]0;title\x07", "Type\x1b[2J")
    shown = "\n".join(report.lines(("Terminal", [evil]), width=80, coloured=False))
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize(
    ("levels", "status", "verdict"),
    [
        ([Level.OK, Level.NOTE], 0, "The app can run; no warnings."),
        ([Level.WARNING], 0, "The app can run; 1 warning."),
        ([Level.PROBLEM, Level.WARNING], 1, "1 of these makes the app unusable."),
    ],
)
def test_status(only, levels, status, verdict):
    only(*(Finding(level, "Thing", "is so") for level in levels))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (status, verdict)
    as_json = CliRunner().invoke(cli.app, ["doctor", "--json"])
    assert as_json.exit_code == status
    assert json.loads(as_json.stdout)["Machine"][0]["level"] == levels[0]


def test_the_real_one_on_this_machine():
    result = CliRunner().invoke(cli.app, ["doctor", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert {"Machine", "Terminal", "Files"} < found.keys()
    titles = [finding["title"] for finding in found["Machine"]]
    assert titles[:4] == ["Python", "Packages", "torch", "NVIDIA driver"]
    broken = [f for group in ("Machine", "Terminal", "Files") for f in found[group]]
    assert not [f for f in broken if "could not be examined" in f["detail"]]


def test_wrong_settings_are_a_finding_and_not_the_end(monkeypatch):
    monkeypatch.setenv("PHI3V_TUI_TEMPERATURE", "hot")
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "temperature cannot be" in result.stdout
    assert "Encoding" in result.stdout
