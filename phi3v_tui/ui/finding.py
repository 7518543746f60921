"""Words looked for in the conversation, also in messages that are no widgets now."""

import re
from collections.abc import Sequence

from phi3v_tui.ui.widgets.message_view import Entry

_EMPHASIS = str.maketrans("", "", "*_`")


def pattern(words: str) -> re.Pattern[str] | None:
    """What matches words in any case and with any white space between them; None for nothing."""
    parts = [re.escape(part) for part in words.split()]
    return re.compile(r"\s+".join(parts), re.IGNORECASE) if parts else None


def matching(entries: Sequence[Entry], wanted: re.Pattern[str] | None) -> list[str]:
    """Ids of the turns in which a pattern is found, oldest first; marks of emphasis aside."""
    if wanted is None:
        return []
    return [entry.turn.id for entry in entries if _is_in(wanted, entry)]


def _is_in(wanted: re.Pattern[str], entry: Entry) -> bool:
    text = entry.turn.message.text
    return bool(wanted.search(text) or wanted.search(text.translate(_EMPHASIS)))
