"""Progress in words."""

import pytest

from phi3v_tui.engine.events import LoadProgress
from phi3v_tui.interface.progress import describe_progress, duration


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (LoadProgress("Starting torch"), "Starting torch …"),
        (LoadProgress("Looking", 12_300), "Looking 12.3 kB"),
        (LoadProgress("Reading", 0, 8_293_000_000), "Reading 0.0 of 8.3 GB (0 %)"),
        (
            LoadProgress("Downloading", 1_240_000_000, 8_293_000_000, 45_600_000, 154.7),
            "Downloading 1.2 of 8.3 GB (14 %) · 45.6 MB/s · 3 min left",
        ),
        (
            LoadProgress("Reading", 500, 900, 40.0, 10.0),
            "Reading 500 of 900 B (55 %) · 40 B/s · 10 s left",
        ),
        (LoadProgress("Checking", 99, 90), "Checking 99 of 90 B (100 %)"),
    ],
)
def test_progress(progress: LoadProgress, words: str):
    assert describe_progress(progress) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h 0 min"), (4800, "1 h 20 min")],
)
def test_duration(seconds: float, words: str):
    assert duration(seconds) == words
