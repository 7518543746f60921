"""Keys one after the other: each goes where those before it have led.

Textual hands a key to the widget in focus, whose parents get it later, one by one, and what it
sets off may take even longer: a screen to open, a prompt to send, the focus to move. Under load,
or over a slow line that delivers keys together, the next keys would come before that, to the
wrong widget or into text that is about to be replaced.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Container

from textual import events
from textual.app import App
from textual.widgets import Input, TextArea

Typed = events.Key | events.Paste

_ROUNDS = 2
"""A key goes up from the widget in focus, and so does the message that it may have set off."""

_AT_MOST_SECONDS = 1.0
"""Keys wait no longer, whatever happens."""


class KeyOrder:
    """Keeps keys back until what the last one has set off is done."""

    def __init__(self, app: App[int], hand_on: Callable[[events.Event], Awaitable[None]]) -> None:
        """Keep nothing back yet.

        Args:
            app: Whose keys they are.
            hand_on: Hands a key to the widget in focus.
        """
        self._app = app
        self._hand_on = hand_on
        self._waiting: deque[Typed] = deque()
        self._wait: object | None = None

    async def take(self, event: Typed) -> None:
        """Hand a key on, now or in its turn."""
        if self._wait is not None:
            self._waiting.append(event)
            return
        focused, place = self._app.focused, self._place()
        await self._hand_on(event)
        if not _only_types(focused, event):
            self._hold(place)

    def _place(self) -> tuple[object, object]:
        return self._app.screen, self._app.focused

    def _hold(self, place: tuple[object, object]) -> None:
        wait = self._wait = object()

        async def release() -> None:
            await self._release(wait)

        async def settle() -> None:
            if self._place() == place:
                await release()
            else:  # a screen that has just opened has yet to give the focus to one of its widgets
                self._app.screen.call_after_refresh(self._app.call_later, release)

        self._go_up(_ROUNDS, settle)
        self._app.set_timer(_AT_MOST_SECONDS, release)

    def _go_up(self, rounds: int, then: Callable[[], Awaitable[None]]) -> None:
        """Call something once all from the widget in focus up are done with what they have."""
        focused = self._app.focused or self._app.screen
        nodes = deque(focused.ancestors_with_self)

        async def step() -> None:
            while nodes:
                if nodes.popleft().call_later(step):
                    return
            if rounds > 1:
                self._go_up(rounds - 1, then)
            else:
                await then()

        nodes.popleft().call_later(step)

    async def _release(self, wait: object) -> None:
        if wait is not self._wait:
            return
        self._wait = None
        while self._waiting and self._wait is None:
            await self.take(self._waiting.popleft())


def as_pressed(event: Typed, bound: Container[str]) -> list[Typed]:
    """The keys that were pressed, where a letter came with Alt.

    A terminal sends the same bytes for that and for Esc and the letter, which tmux and slow lines
    deliver together, and Textual calls them text that can be typed.

    Args:
        event: As it came.
        bound: Keys that mean something; those with Alt among them are meant so.
    """
    if isinstance(event, events.Paste) or not (event.is_printable and event.key.startswith("alt+")):
        return [event]
    if event.key in bound:
        return [_key(event.key, None, event.time)]
    letter = event.character or ""
    return [_key("escape", None, event.time), _key(letter, letter, event.time)]


def _key(name: str, character: str | None, time: float) -> events.Key:
    key = events.Key(name, character)
    key.time = time
    return key


def _only_types(focused: object, event: Typed) -> bool:
    """Whether all that an event does is to change the text of the widget in focus, at once."""
    is_text = isinstance(event, events.Paste) or event.is_printable
    return is_text and isinstance(focused, Input | TextArea)
