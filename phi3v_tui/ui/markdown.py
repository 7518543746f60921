"""Markdown as answers are written: which part of a growing text is settled, and how it is read."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_MOST_ITEMS = 150
_SPACES = re.compile(r"\s+")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def answer_parser() -> MarkdownIt:
    """A parser that keeps what the model wrote: tags stay text, and line ends stay line ends."""
    parser = MarkdownIt("gfm-like", {"html": False})
    parser.core.ruler.push("keep_line_ends", _keep_line_ends)
    return parser


def _keep_line_ends(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"


def settled_length(text: str, start: int = 0) -> int:
    """Find where the open block of a growing Markdown text begins.

    Blocks before it are separated from it by a blank line outside of code fences, and will not
    change however the text goes on (but for rarities, which the final parse mends).

    Args:
        text: All text so far.
        start: An earlier result for a shorter text, from where to go on.

    Returns:
        The number of settled characters.
    """
    settled = start
    position = start
    fence = ""
    for line in text[start:].splitlines(keepends=True):
        position += len(line)
        fence = _fence_after(line, fence)
        if not fence and not line.strip() and line.endswith("\n"):
            settled = position
    return settled


def is_costly(text: str) -> bool:
    """Whether a text has so many list items and table cells that it is better left plain.

    Each becomes several widgets: a list of 500 items takes seconds to appear, and slows whatever
    is shown after it.
    """
    cells = sum(line.count("|") for line in text.splitlines() if line.lstrip().startswith("|"))
    return len(_ITEM.findall(text)) + cells > _MOST_ITEMS


def drawn_blocks(text: str, parser: MarkdownIt) -> tuple[str, ...]:
    """The text of each block as Textual's widget draws it: without marks, addresses, bullets.

    Args:
        text: Markdown.
        parser: From `answer_parser`.
    """
    blocks: list[str] = []
    for token in parser.parse(text):
        if token.type == "inline":
            blocks.append("".join(map(_drawn_inline, token.children or ())))
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.rstrip())
    return tuple(blocks)


def _drawn_inline(token: Token) -> str:
    match token.type:
        case "text":
            return _SPACES.sub(" ", token.content)
        case "hardbreak":
            return "\n"
        case "code_inline":
            return token.content
        case "image":
            return f"🖼  {''.join(child.content for child in token.children or ())}"
    return ""


def _fence_after(line: str, fence: str) -> str:
    """The code fence that is open after a line, or nothing."""
    found = _FENCE.match(line)
    if not found:
        return fence
    if not fence:
        return found[1]
    closes = found[1].startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence
