"""Slow calls beside the interface."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from textual.screen import Screen
from textual.worker import Worker

T = TypeVar("T")

_LOOK_EVERY_SECONDS = 0.1

Tell = Callable[[T], None]
"""Hands over what there is so far."""

IsAbandoned = Callable[[], bool]
"""Says whether nobody listens any more."""


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a function in a daemon thread of its own.

    Unlike with `asyncio.to_thread` the app can always end: a call that hangs in a file system or
    a name server is left behind, and no pool of threads fills up with such calls.
    """
    return await asyncio.wrap_future(_start(function, *args))


def run_beside(
    screen: Screen[Any], work: Callable[[], Coroutine[Any, Any, None]], group: str = "default"
) -> None:
    """Run an async function in a worker of a screen.

    The worker makes the coroutine itself: one that the end of the app keeps from beginning leaves
    none that was never awaited, of which Python would warn.
    """
    _: Worker[None] = screen.run_worker(work, group=group)


async def until_current(screen: Screen[Any]) -> None:
    """Wait until no other screen lies above one, which is the only one that can be left."""
    while screen.app.screen is not screen:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def told(function: Callable[[Tell[T], IsAbandoned], None]) -> AsyncGenerator[T, None]:
    """What a function in a daemon thread tells while it works; its error is raised at the end.

    Close the iterator (`contextlib.aclosing`) to have the function know that it is abandoned.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[T] | None] = asyncio.Queue()
    abandoned = threading.Event()

    def put(item: tuple[T] | None) -> None:
        if not abandoned.is_set():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def run() -> None:
        try:
            function(lambda value: put((value,)), abandoned.is_set)
        finally:
            put(None)

    done = _start(run)
    try:
        while (item := await queue.get()) is not None:
            yield item[0]
        await asyncio.wrap_future(done)
    finally:
        abandoned.set()


def _start(function: Callable[..., T], *args: Any) -> "Future[T]":
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = function(*args)
        except BaseException as error:  # noqa: BLE001  it is raised where the result is awaited
            _settle(future.set_exception, error)
        else:
            _settle(future.set_result, result)

    threading.Thread(target=run, name=getattr(function, "__name__", "call"), daemon=True).start()
    return future


def _settle(set_: Callable[[Any], None], value: object) -> None:
    try:
        set_(value)
    except InvalidStateError:
        return  # Nobody waits for it any more.
