"""The terminal: size, colours, pictures, clipboard, tmux, SSH, encoding."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial

from phi3v_tui.doctor import tools
from phi3v_tui.doctor.finding import Check, Finding, Group, Level
from phi3v_tui.interface.terminal import ImageMode, between, choose_image_mode
from phi3v_tui.interface.terminal_query import Known
from phi3v_tui.interface.terminal_query import ask as ask_terminal

_COMFORTABLE = (80, 24)
_REMOTE = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
_NO_OSC_52 = {"Apple_Terminal": "Terminal.app"}
_PASSTHROUGH_SINCE = (3, 3)


def checks(environ: Mapping[str, str], image_mode: ImageMode) -> Group:
    """All of them; of tmux and SSH only where they lie between."""
    found: list[tuple[str, Check]] = [
        ("Terminal", partial(kind, environ)),
        ("Size", size),
        ("Colours", partial(colours, environ)),
        ("Pictures", partial(pictures, environ, image_mode)),
        ("Clipboard", partial(clipboard, environ)),
        ("Encoding", partial(encoding, environ)),
    ]
    if "TMUX" in environ:
        found.append(("tmux", tmux))
    if any(name in environ for name in _REMOTE):
        found.append(("SSH", ssh))
    return Group("Terminal", tuple(found))


def kind(environ: Mapping[str, str]) -> Finding:
    """Whether the app can draw and hear keys here."""
    term = environ.get("TERM", "")
    program = environ.get("TERM_PROGRAM") or environ.get("LC_TERMINAL") or ""
    named = f"{term} ({program})" if program else term
    if term in ("", "dumb"):
        detail = f"TERM is {term or 'not set'}: the app cannot place text on the screen"
        remedy = "Set TERM to what the terminal is, such as xterm-256color; ask works without."
        return Finding(Level.WARNING, "Terminal", detail, remedy)
    if _descriptor() is None:
        detail = f"{named}, but neither input nor output of this command is a terminal"
        return Finding(Level.NOTE, "Terminal", detail)
    return Finding(Level.OK, "Terminal", named)


def size() -> Finding:
    """Columns and rows."""
    descriptor = _descriptor()
    if descriptor is None:
        return Finding(Level.NOTE, "Size", "unknown, as no terminal is connected")
    columns, rows = os.get_terminal_size(descriptor)
    measured = f"{columns} columns, {rows} rows"
    if columns >= _COMFORTABLE[0] and rows >= _COMFORTABLE[1]:
        return Finding(Level.OK, "Size", measured)
    remedy = "Make the window larger: 80 by 24 is comfortable, from 110 columns pictures show too."
    return Finding(Level.NOTE, "Size", measured, remedy)


def colours(environ: Mapping[str, str]) -> Finding:
    """How many colours the terminal claims."""
    if environ.get("NO_COLOR"):
        return Finding(Level.NOTE, "Colours", "none, as NO_COLOR is set")
    term, claim = environ.get("TERM", ""), environ.get("COLORTERM", "")
    if claim in ("truecolor", "24bit") or "direct" in term:
        return Finding(Level.OK, "Colours", f"16 million (COLORTERM={claim})")
    remedy = "If the terminal has all colours, put into the shell's profile:"
    remedy += " export COLORTERM=truecolor"
    if "256color" in term or term in ("xterm-kitty", "xterm-ghostty", "alacritty"):
        return Finding(Level.OK, "Colours", f"256 (TERM={term})", remedy)
    return Finding(Level.NOTE, "Colours", f"perhaps 16 only (TERM={term})", remedy)


def pictures(
    environ: Mapping[str, str],
    image_mode: ImageMode,
    ask: Callable[[], Known | None] | None = None,
) -> Finding:
    """How pictures are drawn, and how they could be.

    Args:
        environ: The environment.
        image_mode: As set.
        ask: Asks the terminal what it knows; None asks the one that this runs in.
    """
    known = ask() if ask else _known(environ)
    mode = choose_image_mode(image_mode, environ, ask=lambda: known)
    words = f"drawn with {mode}"
    if image_mode is not ImageMode.AUTO:
        words += ", as it is set"
    elif name := between(environ):
        words += f", as {name} lies between"
    if known is None:
        return Finding(Level.OK, "Pictures", f"{words}; the terminal did not say what it knows")
    if not known.protocols:
        return Finding(Level.OK, "Pictures", f"{words}; the terminal knows nothing finer")
    named = " and ".join(sorted(known.protocols))
    claimed = f"{words}; the terminal says that it knows {named}"
    if mode in known.protocols:
        return Finding(Level.OK, "Pictures", claimed)
    if known.cell is None:
        return Finding(Level.OK, "Pictures", f"{claimed}, but not how large its cells are")
    better = "kitty" if "kitty" in known.protocols else "sixel"
    return Finding(Level.OK, "Pictures", claimed, f"To see them finer try: --image-mode {better}")


def _known(environ: Mapping[str, str]) -> Known | None:
    # Where the output goes elsewhere a pager may be reading the same keys.
    return ask_terminal(0, environ) if os.isatty(0) and os.isatty(1) else None


def clipboard(environ: Mapping[str, str]) -> Finding:
    """How copied text leaves the terminal; no terminal confirms it."""
    if "TMUX" in environ:
        return Finding(Level.OK, "Clipboard", "through tmux, see there")
    program = environ.get("TERM_PROGRAM", "")
    name = "GNOME's and others on VTE" if "VTE_VERSION" in environ else _NO_OSC_52.get(program)
    way = "by OSC 52, which a terminal does not confirm"
    if name is None:
        return Finding(Level.OK, "Clipboard", way)
    detail = f"{way}; this one ({name}) may ignore it"
    remedy = "Select with Shift and the mouse, or Ctrl+S, which saves a file."
    return Finding(Level.NOTE, "Clipboard", detail, remedy)


def encoding(environ: Mapping[str, str]) -> Finding:
    """Whether the locale is UTF-8, which the app draws in whatever it is."""
    name = next((environ[key] for key in _LOCALE if environ.get(key)), "")
    if re.search(r"utf-?8$", name, re.IGNORECASE):
        return Finding(Level.OK, "Encoding", f"UTF-8 ({name})")
    remedy = "If letters are drawn wrong put into the shell's profile: export LANG=C.UTF-8"
    if name in ("", "C", "POSIX"):
        detail = f"the locale is {name or 'not set'}; the app draws in UTF-8 all the same"
        return Finding(Level.NOTE, "Encoding", detail, remedy)
    detail = f"the locale is {name}, and the app draws in UTF-8"
    return Finding(Level.WARNING, "Encoding", detail, remedy)


def tmux(run: tools.Run = tools.run) -> Finding:
    """Its settings for the clipboard and for what passes it."""
    try:
        version = run("tmux", "-V").removeprefix("tmux ")
        may_copy = run("tmux", "show-options", "-gv", "set-clipboard")
        passes = _passthrough(version, run)
    except tools.ToolError as error:
        detail = f"TMUX is set, but tmux does not answer here {error}".strip()
        return Finding(Level.NOTE, "tmux", detail)
    detail = f"{version}, set-clipboard {may_copy}, allow-passthrough {passes}; pictures are drawn"
    detail += " with half cells"
    if may_copy == "off":
        remedy = "To copy out of it put into ~/.tmux.conf: set -g set-clipboard on"
        return Finding(Level.WARNING, "tmux", detail, remedy)
    return Finding(Level.OK, "tmux", detail)


def _passthrough(version: str, run: tools.Run) -> str:
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", version)[:2])
    if numbers < _PASSTHROUGH_SINCE:
        return "unknown to it"
    return run("tmux", "show-options", "-gv", "allow-passthrough")


def ssh() -> Finding:
    """What is different over SSH."""
    detail = "pictures are drawn with half cells; paths are those of this machine"
    remedy = "Where the line is slow: TEXTUAL_ANIMATIONS=none TEXTUAL_FPS=15 phi3v-tui"
    return Finding(Level.NOTE, "SSH", detail, remedy)


def _descriptor() -> int | None:
    """A standard stream that is a terminal."""
    return next((number for number in (1, 2, 0) if os.isatty(number)), None)
