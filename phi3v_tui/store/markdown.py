"""Text as data inside Markdown: shown as it was typed, and unable to reach beyond its place."""

import re

_LINE_END = re.compile(r"\r\n|\r|\n")
_ANYWHERE = re.compile(r"([\\`*_\[\]<>#|~&$])")
_AT_LINE_START = re.compile(r"^(\d*)([-+=:.)])")
_INDENT = re.compile(r"^[ \t]+")


def escaped(text: str) -> str:
    """Plain text as Markdown that shows the same characters, lines and indents."""
    lines = [_escaped_line(line) for line in _LINE_END.split(text)]
    paragraphs = "\n".join(lines)
    # A backslash keeps a line break inside a paragraph.
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", "\\\\\n", paragraphs)


def as_quote(markdown: str) -> str:
    """Markdown as a block quote: an open fence, a heading or HTML in it ends with the quote."""
    lines = [f"> {line}".rstrip() for line in _LINE_END.split(markdown)]
    return "\n".join(lines)


def _escaped_line(line: str) -> str:
    if not line.strip():
        return ""
    indent = _INDENT.match(line)
    spaces = indent.group().expandtabs(4) if indent else ""
    rest = _ANYWHERE.sub(r"\\\1", line.strip())
    return "&nbsp;" * len(spaces) + _AT_LINE_START.sub(r"\1\\\2", rest)
