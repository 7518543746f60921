"""Slash commands: how they are called and read. Each interface runs them in its own way."""

import difflib
import os
import re
from dataclasses import dataclass

from phi3v_tui.errors import CommandError
from phi3v_tui.settings_table import QUANTIZE_MODES


@dataclass(frozen=True, slots=True)
class Command:
    """A command that can be typed where a prompt is typed.

    Attributes:
        name: What follows the slash.
        arguments: What follows the name, for people; in brackets where it may be left out.
        help: What it does, in one line.
    """

    name: str
    arguments: str
    help: str

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"/{self.name} {self.arguments}".rstrip()

    @property
    def needs_argument(self) -> bool:
        """Whether it means nothing by itself."""
        return bool(self.arguments) and not self.arguments.startswith("[")


@dataclass(frozen=True, slots=True)
class Call:
    """A command as typed.

    Attributes:
        command: Which one.
        argument: What came after its name; may have several lines, may be empty.
    """

    command: Command
    argument: str


COMMANDS = (
    Command("attach", "PATH", "attach pictures: paths, addresses, all that ~/charts/*.png finds"),
    Command("paste", "", "attach the picture on the clipboard"),
    Command("detach", "", "take the last attached picture back"),
    Command("new", "", "begin a new conversation"),
    Command("resume", "[WORDS]", "reopen the conversation before, or the last that has WORDS"),
    Command("retry", "", "answer the last prompt again"),
    Command("copy", "", "copy the last answer"),
    Command("save", "[FILE]", "save the conversation as Markdown, its pictures beside it"),
    Command("crops", "N", "cut pictures into at most N parts: more show finer print, cost more"),
    Command("system", "[TEXT]", "tell the model this before the first turn; without TEXT: nothing"),
    Command("model", "[NAME [WEIGHTS]]", "change to another model, or list them"),
    Command("set", "[NAME VALUE]", "set NAME here and in new conversations, or show all"),
    Command("help", "", "list these commands"),
    Command("quit", "", "quit; the conversation is kept"),
)
"""The table that help, hints and both interfaces are made from."""

_BY_NAME = {command.name: command for command in COMMANDS}
_NAME_AND_VALUE = re.compile(r"(?P<name>[^\s=]+)(?:\s*=|\s)")
_TYPED = re.compile(r"/([A-Za-z][A-Za-z-]*)(?:\s+(.*))?", re.DOTALL)


def read(text: str) -> Call | None:
    """Read a typed text.

    Returns:
        The command that it calls; None where it is a prompt, also one that begins with a path or
        with two slashes.

    Raises:
        CommandError: It calls a command that there is not, or in a wrong way.
    """
    typed = _TYPED.fullmatch(text.strip())
    if typed is None:
        return None
    name, argument = typed[1].lower(), (typed[2] or "").strip()
    if name not in _BY_NAME:
        if os.path.lexists(f"/{typed[1]}") or os.path.lexists(text.strip()):
            return None
        raise _unknown(typed[1])
    command = _BY_NAME[name]
    if command.needs_argument and not argument:
        raise CommandError(f"/{name} needs {command.arguments}: {command.help}.", "")
    if argument and not command.arguments:
        raise CommandError(
            f"/{name} takes nothing after its name.", f"To send the text, begin it with //{name}."
        )
    return Call(command, argument)


def as_prompt(text: str) -> str:
    """The prompt that a typed text stands for: two slashes at its beginning mean one."""
    return text[1:] if text.startswith("//") else text


def matching(text: str) -> list[Command]:
    """The commands that a text which is being typed can become."""
    if not text.startswith("/") or "\n" in text:
        return []
    name, *argument = text[1:].lower().split(" ", 1)
    if argument:
        return [_BY_NAME[name]] if name in _BY_NAME else []
    return [command for command in COMMANDS if command.name.startswith(name)]


def name_and_value(argument: str) -> tuple[str, str]:
    """Split what follows /set; a = between the two may be there.

    Raises:
        CommandError: There is a name without a value.
    """
    found = _NAME_AND_VALUE.match(argument)
    name, value = (found["name"], argument[found.end() :]) if found else (argument, "")
    if not value.strip():
        raise CommandError(f"/set {name} needs a value.", f"Type: /set {name} VALUE.")
    return name, value.strip()


def model_and_weights(argument: str) -> tuple[str, str]:
    """Split what follows /model: the weights may be left out, and are empty then."""
    name, _, last = argument.rpartition(" ")
    return (name.strip(), last) if name and last in QUANTIZE_MODES else (argument, "")


def _unknown(name: str) -> CommandError:
    near = difflib.get_close_matches(name.lower(), _BY_NAME, n=1, cutoff=0.5)
    advice = f"Did you mean /{near[0]}?" if near else "/help lists them."
    return CommandError(
        f"There is no command /{name}. {advice}", f"To send the text, begin it with //{name}."
    )
