"""Speed and time left, with a clock that tests set."""

import pytest

from phi3v_tui.engine.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def at(clock):
    """Report at a time."""
    pace = Pace(clock)

    def report(seconds: float, done: int, total: int | None = 1000, stage: str = "Downloading"):
        clock.now = 100 + seconds
        return pace.progress(stage, done, total)

    return report


def test_nothing_is_guessed_from_one_report(at):
    progress = at(0, 100)
    assert (progress.stage, progress.done, progress.total) == ("Downloading", 100, 1000)
    assert progress.speed is progress.seconds_left is None


def test_speed_and_what_is_left(at):
    at(0, 0)
    progress = at(2, 200)
    assert progress.speed == 100
    assert progress.seconds_left == 8


def test_what_an_earlier_try_left_does_not_count(at):
    at(0, 900)
    assert at(1, 910).speed == 10


def test_the_last_ten_seconds_count(at):
    for second in range(100):
        at(second, 100 * second, 10**6)
    for second in range(1, 12):
        progress = at(99 + second, 9900 + 10 * second, 10**6)
    assert progress.speed == pytest.approx(10)


def test_a_long_silence_counts(at):
    at(0, 0)
    at(1, 100)
    assert at(21, 120).speed == pytest.approx(1)


def test_another_stage_begins_anew(at):
    at(0, 0)
    assert at(2, 500).speed == 250
    assert at(3, 800, stage="Checking").speed is None
    assert at(4, 900, stage="Checking").speed == 100


def test_a_download_that_begins_again_begins_anew(at):
    at(0, 0)
    at(2, 500)
    assert at(3, 0).speed is None
    assert at(4, 10).speed == 10


def test_without_a_total_there_is_no_time_left(at):
    at(0, 0, None)
    progress = at(1, 50, None)
    assert progress.speed == 50
    assert progress.seconds_left is None


@pytest.mark.parametrize(("seconds", "done"), [(5, 0), (0.1, 90)])
def test_standing_still_and_too_soon_tell_no_time(at, seconds, done):
    at(0, 0)
    assert at(seconds, done).seconds_left is None
