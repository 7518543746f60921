"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|md|toml|tcss)|/))`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md", "docs/measurements.md"])
def test_links_lead_somewhere(name):
    document = ROOT / name
    links = _LINK.findall(document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_files_that_the_architecture_names_are_there():
    named = _PATH.findall((ROOT / "docs/architecture.md").read_text("utf-8"))
    places = (ROOT, ROOT / "phi3v_tui")
    assert len(named) > 50
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


def test_every_part_of_the_package_has_its_place_in_the_readme():
    tree = (ROOT / "README.md").read_text("utf-8").partition("```text\nphi3v_tui/\n")[2]
    named = set(re.findall(r"^  ([\w.]+)/", tree.partition("```")[0], flags=re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / "phi3v_tui").glob("*/__init__.py")}
    assert named == folders
