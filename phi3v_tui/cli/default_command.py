"""Arguments that name no command are those of `chat`: `phi3v-tui chart.png` opens the app."""

import os
from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

_DEFAULT_COMMAND = "chat"
_GROUP_OPTIONS = ("-h", "--help", "--version")


class DefaultGroup(TyperGroup):
    """A group that takes arguments which name no command as those of `chat`.

    The command's options may also stand before it: `--model demo ask` is `ask --model demo`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] in _GROUP_OPTIONS:
            return super().parse_args(ctx, args)
        for index, name in enumerate(args):
            if name in self.commands and self._first_argument(args, name) == index:
                return super().parse_args(ctx, [name, *args[:index], *args[index + 1 :]])
        self._stop_at_misspelt(ctx, args)
        return super().parse_args(ctx, [_DEFAULT_COMMAND, *args])

    def _stop_at_misspelt(self, ctx: Any, args: list[str]) -> None:
        """Refuse a word that is no file and nearly a command: it would be taken for a picture."""
        word = next(iter(args[self._first_argument(args, _DEFAULT_COMMAND) :]), "")
        near = get_close_matches(word, [*self.commands, *_GROUP_OPTIONS], n=1)
        if near and word.isalpha() and not os.path.exists(word):
            ctx.fail(f"There is no command and no picture {word}. Did you mean {near[0]}?")

    def _first_argument(self, args: list[str], command: str) -> int:
        """Index of the first that is neither an option of a command nor the value of one."""
        with_value = self._with_value(command)
        index = 0
        while index < len(args) and args[index].startswith("-") and args[index] != "--":
            index += 2 if args[index] in with_value else 1
        return index

    def _with_value(self, command: str) -> set[str]:
        """Options of a command that are followed by a value."""
        return {
            name
            for option in self.commands[command].params
            for name in option.opts
            if name.startswith("-") and not getattr(option, "is_flag", False)
        }
