"""Text of people, files and models, made safe to draw."""

import unicodedata
from pathlib import Path

_KEPT = "\n\t"
_REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _stand_in(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


_DRAWABLE: dict[int, str | None] = {
    code: _stand_in(code) for code in (*range(0x20), *range(0x7F, 0xA0))
}
_DRAWABLE.update(dict.fromkeys(map(ord, _REORDERING)))
for _character in _KEPT:
    del _DRAWABLE[ord(_character)]
_REMOVED = dict.fromkeys(_DRAWABLE)


def drawable(text: str) -> str:
    """Replace what a terminal would obey instead of draw, such as escape sequences.

    Textual hands control characters on to the terminal, so a file name or an answer could
    otherwise retitle the window, write the clipboard or hide text.
    """
    return text.translate(_DRAWABLE)


def on_one_line(name: str) -> str:
    """The same for a name, which may hold line breaks, too."""
    return drawable(name).replace("\n", "␊")


def typed(text: str) -> str:
    """Clean up pasted text: line ends become newlines, control characters go."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", unified.translate(_REMOVED))


def short_path(path: Path) -> str:
    """A path as people write it, with ~ for the home folder; safe to draw."""
    home = Path.home()
    short = "~" / path.relative_to(home) if path.is_relative_to(home) else path
    return drawable(str(short))


def pixel_size(width: int, height: int) -> str:
    """Write a picture's size for people."""
    return f"{width}×{height}"  # noqa: RUF001


def byte_size(count: int) -> str:
    """Write a number of bytes for people: 950 B, 12.3 kB, 4.0 MB."""
    if count < 1000:
        return f"{count} B"
    size = count / 1000
    for unit in ("kB", "MB"):
        if size < 1000:
            return f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def short_time(seconds: float) -> str:
    """How long something took: tenths of a second, below one hundredths, and never 0."""
    return f"{seconds:.1f}" if seconds >= 0.95 else f"{max(round(seconds, 2), 0.01):g}"
