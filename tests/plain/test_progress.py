"""How often waiting is told of."""

from phi3v_tui.engine.events import LoadProgress, PrefillProgress
from phi3v_tui.plain.progress import EVERY_SECONDS, Progress


def test_a_line_comes_now_and_then_only():
    now = 0.0
    progress = Progress(lambda: now)
    assert progress.of_loading(LoadProgress("Reading weights", 1, 4)) == ""
    now += EVERY_SECONDS
    told = progress.of_loading(LoadProgress("Reading weights", 2_000_000, 4_000_000))
    assert told == "Reading weights, 50 percent of 4.0 MB."
    assert progress.of_loading(LoadProgress("Reading weights", 3, 4)) == ""
    now += EVERY_SECONDS
    assert progress.of_loading(LoadProgress("Starting torch")) == "Starting torch."
    now += EVERY_SECONDS
    told = progress.of_reading(PrefillProgress(500, 2000, 0))
    assert told == "Reading the prompt, 25 percent of 2,000 tokens."


def test_an_unusual_step_is_told_at_once():
    assert Progress().of_reading(PrefillProgress(1, 9, 0, "Reading again.")) == "Reading again."
