"""The table of the evaluation: figures, intervals, and where it goes in a document."""

from pathlib import Path

import pytest

from phi3v_tui.demo.evaluate import MARKERS, Score, table, update


@pytest.mark.parametrize(
    ("right", "asked", "interval"),
    [(0, 60, "0% to 6%"), (60, 60, "94% to 100%"), (30, 60, "38% to 62%"), (1, 1, "21% to 100%")],
)
def test_intervals_stay_between_nothing_and_all(right: int, asked: int, interval: str) -> None:
    line = table({"an ability": Score(right, asked)}).splitlines()[2]
    assert f"| {interval} |" in line
    assert "-0%" not in line


def test_a_document_keeps_everything_but_its_table(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text(f"before\n{MARKERS[0]}\nold\n{MARKERS[1]}\nafter\n")
    update(document, "new")
    assert document.read_text() == f"before\n{MARKERS[0]}\nnew\n{MARKERS[1]}\nafter\n"
