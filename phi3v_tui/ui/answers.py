"""Which turns of a conversation are shown, and what is said of its answers."""

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.engine.events import Finished, PrefillProgress
from phi3v_tui.interface.plain_text import short_time
from phi3v_tui.ui.widgets.message_view import Entry


def never_began(turn: Turn) -> bool:
    """Whether a reply failed before it had any text; its prompt is then given back."""
    return turn.state is TurnState.FAILED and not turn.message.text


def shown_path(conversation: Conversation) -> tuple[Turn, ...]:
    """The turns to show: the path without a last prompt that was given back."""
    path = conversation.path()
    return path[:-2] if path and never_began(path[-1]) else path


def entries(conversation: Conversation) -> list[Entry]:
    """The turns to show, with the numbers of their pictures and of their alternatives."""
    numbers, left_out = conversation.picture_numbers(), conversation.left_out
    return [
        Entry(
            turn,
            numbers[turn.id],
            speaker(turn),
            branch(conversation, turn.id),
            is_left_out=place < left_out,
        )
        for place, turn in enumerate(shown_path(conversation))
    ]


def entry(conversation: Conversation, turn: Turn) -> Entry:
    """One turn to show, newer than all that was left out."""
    has_pictures = bool(turn.message.attachments)
    numbers = conversation.picture_numbers()[turn.id] if has_pictures else ()
    return Entry(turn, numbers, speaker(turn), branch(conversation, turn.id))


def speaker(turn: Turn) -> str:
    """Who said it, for people."""
    return "You" if turn.message.role is Role.USER else turn.model or "Assistant"


def branch(conversation: Conversation, turn_id: str) -> tuple[int, int]:
    """Which of how many alternatives a turn is, from 1."""
    ids = [turn.id for turn in conversation.branches(turn_id)]
    return ids.index(turn_id) + 1, len(ids)


def prompt_to_answer_again(conversation: Conversation) -> Turn | None:
    """The last prompt that is shown, if there is one."""
    turns = reversed(shown_path(conversation))
    return next((turn for turn in turns if turn.message.role is Role.USER), None)


def earlier_answer(conversation: Conversation, turn_id: str) -> Turn | None:
    """The answer that another attempt at the same prompt gave, the latest one with text."""
    others = [t for t in conversation.siblings(turn_id) if t.id != turn_id and t.message.text]
    return others[-1] if others else None


def decode_speed(finished: Finished) -> float | None:
    """Tokens per second after the first token."""
    tokens = finished.usage.completion_tokens - 1
    if tokens < 1 or finished.timings.decode <= 0:
        return None
    return tokens / finished.timings.decode


def figures(finished: Finished) -> str:
    """Length and duration in words."""
    seconds = finished.timings.prefill + finished.timings.decode
    count = finished.usage.completion_tokens
    noun = "token" if count == 1 else "tokens"
    return f"{count:,} {noun} in {short_time(seconds)} s"


def describe_prefill(progress: PrefillProgress) -> str:
    """Reading the prompt, in words."""
    words = f"Reading {progress.done:,} of {progress.total:,} tokens"
    return f"{words} · {progress.note}" if progress.note else words
