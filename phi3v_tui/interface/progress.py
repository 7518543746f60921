"""Loading and downloading, in words."""

from phi3v_tui.engine.events import LoadProgress
from phi3v_tui.interface.plain_text import byte_size

_BAR_CELLS = 10


def describe_progress(progress: LoadProgress) -> str:
    """What is done, how far it is, how fast it goes and how long it will take."""
    if not progress.total:
        return f"{progress.stage} {byte_size(progress.done) if progress.done else '…'}"
    percent = min(100, 100 * progress.done // progress.total)
    amount = f"{_of(progress.done, progress.total)} ({percent} %)"
    return " · ".join([f"{progress.stage} {amount}", *_pace(progress)])


def bar(done: int, total: int | None) -> str:
    """A short bar of how much is done; nothing where that is unknown."""
    if not total:
        return ""
    full = min(_BAR_CELLS, _BAR_CELLS * done // total)
    return f"{'━' * full}{'╌' * (_BAR_CELLS - full)} "


def duration(seconds: float) -> str:
    """Write a time for people: 45 s, 3 min, 1 h 20 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _of(done: int, total: int) -> str:
    """Two sizes in the unit of the larger one: 1.2 of 8.3 GB."""
    number, unit = byte_size(total).split(" ")
    scale = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    return f"{done / scale:.{len(number.partition('.')[2])}f} of {number} {unit}"


def _pace(progress: LoadProgress) -> list[str]:
    words = []
    if progress.speed is not None:
        words.append(f"{byte_size(round(progress.speed))}/s")
    if progress.seconds_left is not None:
        words.append(f"{duration(progress.seconds_left)} left")
    return words
