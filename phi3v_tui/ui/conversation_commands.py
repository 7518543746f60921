"""What is done with whole conversations: list, reopen, copy, save, choices that hold for one."""

import asyncio
from typing import TYPE_CHECKING

from textual.content import Content

from phi3v_tui.conversation.message import Role
from phi3v_tui.errors import CommandError, StoreError
from phi3v_tui.interface.plain_text import drawable, short_path
from phi3v_tui.interface.transcripts import missing_words, save_transcript
from phi3v_tui.ui import prompts
from phi3v_tui.ui.answers import shown_path
from phi3v_tui.ui.screens.choice import ChoiceScreen
from phi3v_tui.ui.screens.conversation_form import Choices, ConversationFormScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_MOST_NAME_CELLS = 24


def list_conversations(chat: "ChatScreen") -> None:
    """List them, and open the chosen one."""

    def rename(id: str, name: str) -> None:
        if id == chat.conversation.id:
            chat.conversation.name = name

    async def open_chosen(id: str | None) -> None:
        if id is not None and id != chat.conversation.id:
            await _open(chat, id)

    screen = SessionsScreen(chat.shown.journal, chat.conversation.id, rename)
    chat.app.push_screen(screen, open_chosen)


async def _open(chat: "ChatScreen", id: str) -> None:
    if not chat.opening.may_discard("Ctrl+L"):
        return
    try:
        conversation = await asyncio.to_thread(chat.shown.journal.load, id)
    except StoreError as error:
        chat.notify(str(error), severity="error", timeout=10, markup=False)
        return
    await chat.opening.leave_for(conversation)


async def reopen_earlier(chat: "ChatScreen", words: str) -> None:
    """Reopen the conversation before this one, or the last that has `words` somewhere.

    Raises:
        CommandError: There is none.
    """
    if not chat.opening.may_discard("/resume"):
        return
    earlier = await asyncio.to_thread(chat.shown.journal.earlier, words, chat.conversation.id)
    if earlier is None:
        which = f"has {words!r} in it" if words else "is there yet"
        raise CommandError(f"No earlier conversation {which}.", "")
    await chat.opening.leave_for(earlier)


def copy_answer(chat: "ChatScreen") -> None:
    """Copy the last answer as Markdown."""
    messages = [turn.message for turn in shown_path(chat.conversation)]
    answers = [m.text for m in messages if m.role is Role.ASSISTANT and m.text]
    if answers:
        chat.app.copy_to_clipboard(answers[-1])
    else:
        chat.notify("There is no answer to copy yet.")


def save(chat: "ChatScreen", named: str = "") -> None:
    """Save the conversation with its pictures beside it, and say where.

    Args:
        chat: The chat.
        named: A file or a folder as it was typed; nothing takes the working folder.

    Raises:
        StoreError: It cannot be written there.
    """
    if not chat.conversation.path():
        chat.notify("There is nothing to save yet.")
        return
    written = save_transcript(chat.conversation, named)
    words = f"{written.file.name}, in {short_path(written.file.parent)}"
    missing = missing_words(written)
    chat.notify(
        "\n".join(filter(None, (words, missing))),
        title="Saved",
        severity="warning" if missing else "information",
        timeout=10,
        markup=False,
    )


def save_here(chat: "ChatScreen") -> None:
    """Save the conversation in the working folder, or say what prevents it."""
    try:
        save(chat)
    except StoreError as error:
        chat.notify(str(error), title="Not saved", severity="error", timeout=10, markup=False)


def take_prompt(chat: "ChatScreen") -> None:
    """Put one of the prompts at hand where the next one is typed."""
    texts = prompts.at_hand(chat.settings.prompts or {})

    def take(place: int | None) -> None:
        if place is not None:
            chat.composer.put_back(list(texts.values())[place])
            chat.composer.focus()

    names = [Content(drawable(name)) for name in texts]
    width = min(max(name.cell_length for name in names), _MOST_NAME_CELLS)
    choices = [
        Content.assemble(
            name.truncate(width, ellipsis=True, pad=True),
            (f"  {drawable(' '.join(text.split()))}", "$muted"),
        )
        for name, text in zip(names, texts.values(), strict=True)
    ]
    words = Content.styled("Own ones: a table [prompts] in config.toml", "$muted")
    chat.app.push_screen(ChoiceScreen("Prompts at hand", words, choices), take)


def choose_sampling(chat: "ChatScreen") -> None:
    """Change system prompt and sampling of the conversation."""

    def keep(choices: Choices | None) -> None:
        if choices is None:
            return
        chat.conversation.system_prompt = choices.system_prompt
        chat.conversation.sampling = choices.sampling
        chat.meter.look()
        chat.shown.save()
        chat.tell_choices()

    form = ConversationFormScreen(chat.conversation.system_prompt, chat.sampling, _usual(chat))
    chat.app.push_screen(form, keep)


def _usual(chat: "ChatScreen") -> Choices:
    return Choices(chat.settings.system_prompt, chat.settings.sampling)
