"""One message of a conversation."""

from dataclasses import dataclass
from enum import StrEnum

from phi3v_tui.conversation.attachment import Attachment


class Role(StrEnum):
    """Who speaks; the values are the names that Phi-3's prompt format uses."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said, with the pictures that came with it.

    Attributes:
        role: Who speaks.
        text: What was typed or generated, as plain text.
        attachments: Pictures in the order in which they were attached.
        token_ids: For an assistant's message, the ids that were really generated (without the
            stop token), so that they need not be tokenised again; empty where unknown.
    """

    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    token_ids: tuple[int, ...] = ()
