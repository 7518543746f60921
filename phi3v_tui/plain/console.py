"""Lines in, lines out."""

import contextlib
import re
import sys
from typing import TextIO

from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.interface.plain_text import drawable, typed

_PROMPT = "You: "
_MORE = "... "
_SET_ASIDE = "Not sent; the Up key brings it back. Ctrl+C again ends."
_SENTENCE_END = re.compile(r"\n|[.!?…。！？]['\")\]]*\s")  # noqa: RUF001 - also of other scripts


class Console:
    """Reads prompts and writes words.

    What is said goes to `out`; how things stand goes to `states`, so that a script can tell them
    apart. An answer is written in whole sentences: a screen reader would stumble over pieces.
    """

    def __init__(self, source: TextIO, out: TextIO, states: TextIO) -> None:
        """Read from `source`; where that is a terminal, ask for each line."""
        self._source = source
        self._out = out
        self._states = states
        self._unfinished = ""
        self.is_interactive = source.isatty()

    def read(self) -> str | None:
        """Read a prompt: a line, and those after it while one ends with a backslash.

        Returns:
            The text; None where the input has ended.

        Raises:
            KeyboardInterrupt: Ctrl+C where nothing was typed.
        """
        lines: list[str] = []
        while True:
            try:
                line = self._read_line(_MORE if lines else _PROMPT)
            except KeyboardInterrupt:
                self._set_aside(lines)
                lines = []
                continue
            if line is None:
                return "\n".join(lines) if lines else None
            lines.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                return typed("\n".join(lines))

    def say(self, text: str) -> None:
        """Write what was asked for."""
        self._write(self._out, f"{drawable(text)}\n")

    def state(self, text: str) -> None:
        """Write how things stand."""
        self._write(self._states, f"{drawable(text)}\n")

    def begin_answer(self, speaker: str) -> None:
        """Say who answers."""
        self._unfinished = ""
        self._write(self._out, f"{drawable(speaker)}:\n")

    def go_on(self, piece: str) -> None:
        """Write the sentences of an answer that are complete with this piece."""
        self._unfinished += piece
        ends = [match.end() for match in _SENTENCE_END.finditer(self._unfinished)]
        if ends:
            self._write(self._out, drawable(self._unfinished[: ends[-1]]))
            self._unfinished = self._unfinished[ends[-1] :]

    def end_answer(self) -> None:
        """Write what is left of an answer, and end its line."""
        self._write(self._out, f"{drawable(self._unfinished)}\n")
        self._unfinished = ""

    def _set_aside(self, lines: list[str]) -> None:
        """Begin a prompt anew, as a shell does at Ctrl+C."""
        under_way = _keep_typed() if self.is_interactive else ""
        if not lines and not under_way:
            raise KeyboardInterrupt
        self._write(self._states, f"\n{_SET_ASIDE}\n")

    def _read_line(self, prompt: str) -> str | None:
        if self.is_interactive and self._source is sys.stdin:
            try:
                return input(prompt)
            except EOFError:
                self._write(self._out, "\n")
                return None
        line = self._source.readline()
        return line.rstrip("\r\n") if line else None

    def _write(self, stream: TextIO, text: str) -> None:
        # The order of the two streams is the order of what happens.
        stream.write(encodable(text))
        stream.flush()


def _keep_typed() -> str:
    """What stands in the line that is being typed; Up brings it back."""
    try:
        import readline
    except ImportError:
        return ""
    line = readline.get_line_buffer()
    if line:
        readline.add_history(line)
    return line


def edit_lines() -> None:
    """Let `input` edit lines and bring earlier ones back, where readline is there."""
    with contextlib.suppress(ImportError):
        import readline

        # A pasted text of several lines is one prompt, where the terminal can say so.
        readline.parse_and_bind("set enable-bracketed-paste on")
