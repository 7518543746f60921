"""Words that name a key, and do what it does when they are clicked."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.style import Style
from textual.widgets import Static

from phi3v_tui.ui.keys import key_name

GAP = " · "
AROUND_KEYS = 6
"""Cells that the edge of a box takes beside the keys in it."""


def actions(bindings: Iterable[BindingType], namespace: str = "") -> dict[str, str]:
    """What keys do, by their names.

    Args:
        bindings: The keys.
        namespace: Where the actions are that do not say it: "screen", or the clicked widget.
    """
    return {
        key_name(key).lower(): _within(namespace, binding.action)
        for binding in bindings
        if isinstance(binding, Binding)
        for key in binding.key.split(",")
    }


def clickable(words: str, actions: Mapping[str, str]) -> Content:
    """Words in which each part that begins with a key does what the key does.

    Where a part begins with several keys, each of them acts for itself.

    Args:
        words: Parts, each after a dot.
        actions: By the names of keys, in lower case.
    """
    return Content(GAP).join(_part(part, actions) for part in words.split(GAP))


def acting(words: str, action: str, style: str = "") -> Content:
    """Words that do something when they are clicked."""
    return Content.styled(words, style).stylize(Style.from_meta({"@click": action}))


def _part(part: str, actions: Mapping[str, str]) -> Content:
    words = part.split(" ")
    keys = list(takewhile(lambda word: word.strip(":").lower() in actions, words))
    if not keys:
        return Content(part)
    acts = [actions[key.strip(":").lower()] for key in keys]
    if len(keys) == 1:
        return acting(part, acts[0])
    rest = Content(" ".join(words[len(keys) :]))
    return Content(" ").join([*map(acting, keys, acts), rest])


def _within(namespace: str, action: str) -> str:
    name = action.partition("(")[0]
    return f"{namespace}.{action}" if namespace and "." not in name else action


def fitting(parts: Sequence[str], width: int) -> str:
    """As many of some parts, from the first on, as a width of cells takes; one at least."""
    shown = list(parts)
    while len(shown) > 1 and cell_len(GAP.join(shown)) > width:
        shown.pop()
    return GAP.join(shown)


def folded(parts: Sequence[str], width: int | None) -> list[str]:
    """Parts in as few lines as a width of cells takes; none of them begins or ends with a dot."""
    lines: list[str] = []
    for part in parts:
        longer = GAP.join([*lines[-1:], part])
        if lines and (width is None or cell_len(longer) <= width):
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


class KeyHints(Static):
    """Keys in words; a click on one does what the key does."""

    def __init__(
        self, of: DOMNode, words: str, id: str | None = None, classes: str | None = None
    ) -> None:
        """Name keys.

        Args:
            of: Whose keys they are.
            words: As in `clickable`.
            id: Of the widget.
            classes: Of the widget.
        """
        super().__init__(id=id, classes=classes, markup=False)
        self._of = of
        self._actions = actions(of.BINDINGS)
        self._named = words
        self.say(words)

    def say(self, words: str) -> None:
        """Name other keys."""
        self._named = words
        lines = folded(words.split(GAP), self._room())
        self.update(Content("\n").join(clickable(line, self._actions) for line in lines))

    def on_resize(self) -> None:
        """Fold them otherwise."""
        self.say(self._named)

    def _room(self) -> int | None:
        """Cells for a line; None before there is a place, and where it grows with the words."""
        width = self.styles.width
        return None if width is None or width.is_auto else self.content_size.width or None

    async def broker_event(self, event_name: str, event: events.Event) -> bool:
        """Act on what has the keys."""
        return await self.app._broker_event(event_name, event, default_namespace=self._of)
