"""What a check finds, and how checks are run so that none hides another."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warn"
    PROBLEM = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact.

    Attributes:
        level: A note is only to be known, a warning makes something worse, a problem makes the
            app unusable.
        title: What was looked at, in a few words.
        detail: What it is like.
        remedy: What to do where something is wrong, or empty.
    """

    level: Level
    title: str
    detail: str
    remedy: str = ""


Check = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that belong together.

    Attributes:
        name: For people.
        checks: The title of each for when it breaks, and the check.
    """

    name: str
    checks: tuple[tuple[str, Check], ...]


def examine(groups: Iterable[Group]) -> Iterator[tuple[str, list[Finding]]]:
    """Run all checks, whatever happens in them: yields each group's name and findings."""
    for group in groups:
        yield group.name, [_run(title, check) for title, check in group.checks]


def _run(title: str, check: Check) -> Finding:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding too
        what = f"This could not be examined: {type(error).__name__}: {error}"
        return Finding(Level.WARNING, title, what.splitlines()[0])
