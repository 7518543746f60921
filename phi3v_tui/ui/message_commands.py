"""What can be done with a message that was chosen in the log."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.content import Content

from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.ui.answers import prompt_to_answer_again
from phi3v_tui.ui.asking import as_draft
from phi3v_tui.ui.screens.choice import ChoiceScreen

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_CAN_GO_ON = {*TurnState} - {TurnState.IN_PROGRESS, TurnState.STOP}
_CODE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE
)


async def obey(chat: "ChatScreen", name: str) -> None:
    """Do something with the chosen message; with the last one where none is chosen."""
    entries = [entry.turn for entry in chat.transcript.entries]
    if name == "edit":
        entries = [turn for turn in entries if turn.message.role is Role.USER]
    if chosen := chat.transcript.chosen:
        await _COMMANDS[name](chat, chosen.turn)
    elif entries:
        await _COMMANDS[name](chat, entries[-1])
    else:
        _tell_none(chat)


def can_go_on(chat: "ChatScreen", turn: Turn) -> bool:
    """Whether an answer can be continued: it is the last one, and did not end by itself."""
    last = chat.conversation.path()[-1]
    is_unfinished = turn.state in _CAN_GO_ON and bool(turn.message.text)
    return turn.id == last.id and turn.message.role is Role.ASSISTANT and is_unfinished


def hint(chat: "ChatScreen", turn: Turn) -> list[str]:
    """The keys that make sense for a message."""
    words = ["E edits"] if turn.message.role is Role.USER else ["R answers again"]
    if can_go_on(chat, turn):
        words.append("G goes on")
    words.append("C copies")
    if code_blocks(turn.message.text):
        words.append("K copies code")
    if len(chat.conversation.branches(turn.id)) > 1:
        words.append("← → versions")
    return [*words, "F forks", "Esc back"]


def code_blocks(text: str) -> list[str]:
    """The contents of fenced code blocks."""
    return [match[2] for match in _CODE.finditer(text)]


async def go_on_with_last(chat: "ChatScreen") -> None:
    """Go on with the last answer, or say why not."""
    path = chat.conversation.path()
    if chat.asking.is_busy:
        _tell_busy(chat)
    elif path and can_go_on(chat, path[-1]):
        await chat.asking.answer(path[-1])
    else:
        chat.notify("There is no answer that was stopped or cut off.")


async def answer_last_again(chat: "ChatScreen") -> None:
    """Answer the last prompt again, or say why not."""
    prompt = prompt_to_answer_again(chat.conversation)
    if chat.asking.is_busy:
        _tell_busy(chat)
    elif prompt is None:
        chat.notify("There is no prompt to answer yet.")
    else:
        await chat.asking.answer(prompt)


def tell_if_repeated(chat: "ChatScreen") -> None:
    """Say why the last answer is that which came before, where it is the same."""
    last, sampling = chat.conversation.path()[-1], chat.sampling
    others = [t for t in chat.conversation.siblings(last.id) if t.id != last.id]
    is_varied = sampling.temperature > 0 and sampling.seed is None
    if is_varied or all(other.message.text != last.message.text for other in others):
        return
    why = "this seed" if sampling.temperature else "temperature 0"
    chat.notify(f"The answer is the same: with {why} it does not vary. F4 changes that.")


async def choose_last(chat: "ChatScreen") -> None:
    """Choose the last message, or the one above that is chosen."""
    if chat.transcript.entries:
        await chat.transcript.action_choose_next(-1)
    else:
        _tell_none(chat)


async def _copy(chat: "ChatScreen", turn: Turn) -> None:
    chat.app.copy_to_clipboard(turn.message.text)


async def _copy_code(chat: "ChatScreen", turn: Turn) -> None:
    blocks = code_blocks(turn.message.text)
    if not blocks:
        chat.notify("This message has no code block.")
    elif len(blocks) == 1:
        chat.app.copy_to_clipboard(blocks[0])
    else:
        choices = [Content(drawable(block.strip().splitlines()[0])) for block in blocks]

        def copy(place: int | None) -> None:
            if place is not None:
                chat.app.copy_to_clipboard(blocks[place])

        chat.app.push_screen(ChoiceScreen("Copy a code block", Content(), choices), copy)


async def _edit(chat: "ChatScreen", turn: Turn) -> None:
    if turn.message.role is Role.ASSISTANT:
        chat.notify("Only prompts can be edited; R answers again.")
    else:
        chat.asking.edit(turn)


async def _answer_again(chat: "ChatScreen", turn: Turn) -> None:
    if chat.asking.is_busy:
        _tell_busy(chat)
        return
    is_answer = turn.message.role is Role.ASSISTANT
    prompt = chat.conversation.turn(turn.parent_id or "") if is_answer else turn
    chat.composer.focus()
    await chat.asking.answer(prompt)


async def _go_on(chat: "ChatScreen", turn: Turn) -> None:
    if chat.asking.is_busy:
        _tell_busy(chat)
    elif can_go_on(chat, turn):
        chat.composer.focus()
        await chat.asking.answer(turn)
    else:
        chat.notify("Only the last answer can go on, and only if it was stopped or cut off.")


async def step_version(chat: "ChatScreen", turn_id: str, by: int) -> None:
    """Show the version before (-1) or after (1) of a message."""
    await _switch(by)(chat, chat.conversation.turn(turn_id))


def _switch(by: int) -> Callable[["ChatScreen", Turn], Awaitable[None]]:
    async def run(chat: "ChatScreen", turn: Turn) -> None:
        branches = chat.conversation.branches(turn.id)
        place = [branch.id for branch in branches].index(turn.id) + by
        if chat.asking.is_busy:
            _tell_busy(chat)
        elif len(branches) == 1:
            chat.notify("There is only one version of this message.")
        elif 0 <= place < len(branches):
            await _show_branch(chat, branches[place].id)

    return run


async def _show_branch(chat: "ChatScreen", turn_id: str) -> None:
    """Show the path through another version of a message, which stays chosen."""
    chat.conversation.select(turn_id)
    chat.meter.look()
    await chat.shown.draw_all()
    chat.number_pictures()
    chat.shown.save()
    await chat.transcript.choose(turn_id)


async def _fork(chat: "ChatScreen", turn: Turn) -> None:
    if chat.asking.is_busy:
        _tell_busy(chat)
        return
    if not chat.opening.may_discard("F"):
        return
    is_prompt = turn.message.role is Role.USER
    await chat.opening.open(chat.conversation.fork(turn.parent_id if is_prompt else turn.id))
    chat.shown.save()
    if is_prompt:
        chat.asking.give_back(as_draft(turn))
    chat.composer.focus()
    chat.notify("This is a new conversation; Ctrl+L lists the one that it comes from.")


def _tell_none(chat: "ChatScreen") -> None:
    chat.notify("There is no message yet.")


def _tell_busy(chat: "ChatScreen") -> None:
    chat.notify("The answer is still coming: Esc stops it.")


_COMMANDS: dict[str, Callable[["ChatScreen", Turn], Awaitable[None]]] = {
    "copy": _copy,
    "copy_code": _copy_code,
    "edit": _edit,
    "answer_again": _answer_again,
    "go_on": _go_on,
    "branch_before": _switch(-1),
    "branch_after": _switch(1),
    "fork": _fork,
}
