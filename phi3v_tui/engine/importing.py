"""Imports torch and the model's code, and keeps what they make out of garbage collection."""

import gc
import sys
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phi3v_tui.phi3v.chat import ChatModel

_CHAT = "phi3v_tui.phi3v.chat"


def chat_model() -> "type[ChatModel]":
    """Import the class of models, in a thread of its own.

    Errors that imports catch leave garbage, and that holds the frames of all callers. It is not
    collected any more once it is frozen, so none of these may be one that will hold a model.
    """
    imported: Future[type[ChatModel]] = Future()

    def run() -> None:
        try:
            imported.set_result(_import())
        except BaseException as error:  # noqa: BLE001 - the thread boundary
            imported.set_exception(error)

    Thread(target=run, name="imports", daemon=True).start()
    return imported.result()


def _import() -> "type[ChatModel]":
    """Leave what imports make to itself: it stays, so it is not searched for garbage.

    Not while it is made, again and again, nor later, when keys would wait a third of a second.
    After the first import only: later there are models, which have to be collected.
    """
    was_enabled, is_first = gc.isenabled(), _CHAT not in sys.modules
    gc.disable()
    try:
        from phi3v_tui.phi3v.chat import ChatModel

        if is_first:
            gc.freeze()
        return ChatModel
    finally:
        if was_enabled:
            gc.enable()
