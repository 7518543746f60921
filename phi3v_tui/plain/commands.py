"""What slash commands do in a conversation line by line."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from phi3v_tui import choices, slash
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.patterns import sources_named
from phi3v_tui.errors import CommandError
from phi3v_tui.interface.clipboard import copy_by_program
from phi3v_tui.interface.clipboard_pictures import copied_pictures
from phi3v_tui.interface.plain_text import short_path
from phi3v_tui.interface.transcripts import missing_words, save_transcript
from phi3v_tui.plain import models
from phi3v_tui.settings import in_words

if TYPE_CHECKING:
    from phi3v_tui.plain.session import PlainSession


def run(session: "PlainSession", call: slash.Call) -> None:
    """Run a command.

    Raises:
        Phi3VTuiError: It cannot be run so; says why.
    """
    _RUN[call.command.name](session, call.argument)


def _attach(session: "PlainSession", argument: str) -> None:
    session.attach(sources_named(argument))


def _paste(session: "PlainSession", _: str) -> None:
    for picture in copied_pictures():
        session.add(picture)


def _detach(session: "PlainSession", _: str) -> None:
    if not session.attachments:
        raise CommandError("No picture is attached.", "")
    session.console.state(f"Taken back: {session.attachments[-1].name}.")
    session.attachments = session.attachments[:-1]


def _new(session: "PlainSession", _: str) -> None:
    session.conversation = Conversation(session.settings.system_prompt)
    session.console.state("A new conversation. The one before is kept; /resume goes back to it.")


def _resume(session: "PlainSession", argument: str) -> None:
    earlier = session.journal.earlier(argument, session.conversation.id)
    if earlier is None:
        which = f"has {argument!r} in it" if argument else "is there yet"
        raise CommandError(f"No earlier conversation {which}.", "")
    session.open(earlier)


def _retry(session: "PlainSession", _: str) -> None:
    session.retry()


def _copy(session: "PlainSession", _: str) -> None:
    program = copy_by_program(session.last_answer())
    if not program:
        raise CommandError("There is no clipboard here.", "/save writes a file.")
    session.console.state(f"Copied by {program}.")


def _save(session: "PlainSession", argument: str) -> None:
    if not session.conversation.path():
        raise CommandError("There is nothing to save yet.", "")
    written = save_transcript(session.conversation, argument)
    session.console.state(f"Saved: {short_path(written.file)}.")
    if missing := missing_words(written):
        session.console.state(missing)


def _crops(session: "PlainSession", argument: str) -> None:
    _change(session, "num_crops", argument)


def _system(session: "PlainSession", argument: str) -> None:
    _change(session, "system_prompt", argument)


def _set(session: "PlainSession", argument: str) -> None:
    if not argument:
        session.console.say(in_words(choices.in_force(session.conversation, session.settings)))
        return
    name, value = slash.name_and_value(argument)
    _change(session, name, value)


def _model(session: "PlainSession", argument: str) -> None:
    models.obey(session, argument)


def _change(session: "PlainSession", name: str, value: str) -> None:
    session.settings = choices.change(session.conversation, session.settings, name, value)
    session.journal.save(session.conversation)
    session.console.state(choices.told(session.settings, name))


def _help(session: "PlainSession", _: str) -> None:
    rows = [f"{command.usage}: {command.help}." for command in slash.COMMANDS]
    keys = "Ctrl+C stops an answer. A backslash at the end of a line goes on in the next one."
    session.console.say("\n".join([*rows, keys]))


def _quit(session: "PlainSession", _: str) -> None:
    session.is_over = True


_RUN: dict[str, Callable[["PlainSession", str], None]] = {
    "attach": _attach,
    "paste": _paste,
    "detach": _detach,
    "new": _new,
    "resume": _resume,
    "retry": _retry,
    "copy": _copy,
    "save": _save,
    "crops": _crops,
    "system": _system,
    "model": _model,
    "set": _set,
    "help": _help,
    "quit": _quit,
}
