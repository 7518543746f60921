"""Asking an engine, and what it tells."""

import queue
import threading

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.engine.base import Request
from phi3v_tui.engine.events import Failed, Finished, Loaded
from tests.support.goldens import IMAGES

TIMEOUT = 60
"""Seconds that nothing takes, unless it never comes."""


def asking(text: str, *names: str, most: int = 8, **choice) -> Request:
    pictures = tuple(Attachment.from_path(IMAGES / name) for name in names)
    message = Message(Role.USER, text, pictures)
    return Request((message,), SamplingParams(max_new_tokens=most, **choice), num_crops=1)


def going_on(asked: Request, text: str, ids: tuple[int, ...], most: int) -> Request:
    reply = Message(Role.ASSISTANT, text, (), ids)
    sampling = SamplingParams(max_new_tokens=most)
    return Request((*asked.messages, reply), sampling, asked.num_crops, continue_last=True)


class Events(queue.SimpleQueue):
    """Collects events; remembers the threads that they came from."""

    def __init__(self) -> None:
        self.threads = set()

    def __call__(self, event) -> None:
        self.threads.add(threading.current_thread().name)
        self.put(event)

    def until_end(self) -> list:
        events = []
        while not events or not isinstance(events[-1], Finished | Failed | Loaded):
            events.append(self.get(timeout=TIMEOUT))
        return events
