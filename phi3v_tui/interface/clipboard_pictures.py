"""Pictures from the clipboard, by the programs that reach it where there is a display."""

import base64
import binascii
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.pasted import paths_in
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.over_ssh import scp_command
from phi3v_tui.interface.picture_files import read_picture

_SECONDS = 2.0
_POWERSHELL_SECONDS = 8.0  # it may take some seconds to start, and nothing waits for it
_NAME = "clipboard"
_SAVE_INSTEAD = "Save the picture to a file and attach that."

_PICTURES = ("image/png", "image/webp", "image/jpeg", "image/avif", "image/gif", "image/tiff",
             "image/bmp")  # fmt: skip
"""Kinds that are asked for, the best first; nearly every program offers the first."""
_FILES = "text/uri-list"
_NOTHING_THERE = re.compile(
    r"nothing is copied|no selection|no suitable type|not available|no image data", re.I
)

_WL_PASTE = ("wl-paste", "--no-newline", "--type")
_XCLIP = ("xclip", "-selection", "clipboard", "-out", "-target")
_OSASCRIPT = (
    "osascript",
    # A copied file comes first: what it has of a picture is only its icon.
    "-e", "try",
    "-e", "return POSIX path of (the clipboard as «class furl»)",
    "-e", "end try",
    "-e", "try",
    "-e", "return the clipboard as «class PNGf»",
    "-e", "end try",
)  # fmt: skip
_APPLE_DATA = re.compile(rb"\xc2\xabdata PNGf([0-9A-Fa-f]+)\xc2\xbb")
_POWERSHELL = (
    "powershell.exe", "-NoProfile", "-NonInteractive", "-STA", "-Command",
    "[Console]::OutputEncoding = [Text.Encoding]::UTF8; "
    "$files = Get-Clipboard -Format FileDropList; "
    "$image = Get-Clipboard -Format Image; "
    "if ($files) { $files | ForEach-Object { 'file ' + $_.FullName } } "
    "elseif ($image) { $stream = New-Object IO.MemoryStream; "
    "$image.Save($stream, [Drawing.Imaging.ImageFormat]::Png); "
    "'png ' + [Convert]::ToBase64String($stream.ToArray()) }",
)  # fmt: skip

_Copied = bytes | list[Path]
"""A picture, or the files that were copied in a file manager."""
_Run = Callable[..., bytes]


class _NoPictureError(Exception):
    """The clipboard was read, and holds no picture."""


class _ProgramError(Exception):
    """A program did not get as far as the clipboard; the text says why."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to the clipboard.

    Attributes:
        program: What is run.
        package: What to install where it is missing.
        read: Reads by running commands.
        seconds: How long that may take.
    """

    program: str
    package: str
    read: Callable[[_Run], _Copied]
    seconds: float = _SECONDS


def copied_pictures(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> list[Attachment]:
    """The picture on the clipboard, or those whose files were copied. Call it in a thread.

    Args:
        environ: Says which displays there are, and whether they are those of the person.
        platform: As `sys.platform`.

    Returns:
        One or more.

    Raises:
        AttachmentError: There is no clipboard here, nothing to read it with, or no picture on it.
    """
    copied = _first_copied(_ways(environ, platform), environ)
    if isinstance(copied, bytes):
        return [Attachment.from_bytes(copied, _NAME, _NAME)]
    return [read_picture(path) for path in copied]


def _ways(environ: Mapping[str, str], platform: str) -> list[_Way]:
    """The ways that lead to the person's clipboard, the best first."""
    ways = []
    if not environ.get("SSH_CONNECTION"):  # else that of this machine is not before the person
        if environ.get("WSL_DISTRO_NAME"):
            ways.append(_Way("powershell.exe", "", _by_powershell, _POWERSHELL_SECONDS))
        if platform == "darwin":
            ways.append(_Way("osascript", "", _by_osascript))
            ways.append(
                _Way("pngpaste", "pngpaste", lambda run: run("pngpaste", "-") or _nothing())
            )
    if environ.get("WAYLAND_DISPLAY"):
        read = partial(_by_kind, ("wl-paste", "--list-types"), _WL_PASTE)
        ways.append(_Way("wl-paste", "wl-clipboard", read))
    if environ.get("DISPLAY"):
        ways.append(_Way("xclip", "xclip", partial(_by_kind, (*_XCLIP, "TARGETS"), _XCLIP)))
    return ways


def _first_copied(ways: list[_Way], environ: Mapping[str, str]) -> _Copied:
    """What the first way finds that finds something."""
    if not ways:
        raise _no_clipboard(environ)
    installed = [way for way in ways if shutil.which(way.program, path=environ.get("PATH"))]
    if not installed:
        raise _no_program(ways[0])
    failure, is_empty = "", False
    for way in installed:
        try:
            return way.read(_runner(way.seconds))
        except _NoPictureError:
            is_empty = True
        except _ProgramError as error:
            failure = failure or f"{way.program} {error}"
    if failure and not is_empty:
        raise AttachmentError(f"The clipboard could not be read: {failure}.", _SAVE_INSTEAD)
    raise AttachmentError(
        "There is no picture on the clipboard.",
        "Copy one first; text is pasted by the terminal's own key, often Ctrl+Shift+V.",
    )


def _no_clipboard(environ: Mapping[str, str]) -> AttachmentError:
    if connection := environ.get("SSH_CONNECTION"):
        return AttachmentError(
            f"The clipboard is on your computer, not on {socket.gethostname()}.",
            "Save the picture there as picture.png, bring it: "
            f"{scp_command(Path('picture.png'), connection)} and attach ~/picture.png.",
        )
    return AttachmentError(
        "There is no clipboard where there is no display: neither WAYLAND_DISPLAY nor DISPLAY "
        "is set.",
        _SAVE_INSTEAD,
    )


def _no_program(way: _Way) -> AttachmentError:
    package = f" (package {way.package})" if way.package else ""
    return AttachmentError(
        f"Pictures come from the clipboard by {way.program}, which is not installed.",
        f"Install it{package}, or save the picture to a file and attach that.",
    )


def _runner(seconds: float) -> _Run:
    """Runs commands that together take no longer than this."""
    end = time.monotonic() + seconds

    def run(*command: str) -> bytes:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(0.0, end - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _ProgramError(f"did not answer within {seconds:g} seconds") from error
        except OSError as error:
            raise _ProgramError(f"cannot be run ({error.strerror})") from error
        if done.returncode:
            raise _failure(done.stderr.decode(errors="replace"))
        return done.stdout

    return run


def _failure(said: str) -> Exception:
    words = said.strip().partition("\n")[0].rstrip(".")
    if not words or _NOTHING_THERE.search(words):
        return _NoPictureError()
    return _ProgramError(f"says: {words}")


def _by_kind(list_kinds: tuple[str, ...], get: tuple[str, ...], run: _Run) -> _Copied:
    """Ask what kinds of content there are, then for the best."""
    offered = run(*list_kinds).decode(errors="replace").split()
    kind = next((kind for kind in _PICTURES if kind in offered), None)
    if kind is not None:
        return run(*get, kind) or _nothing()
    if _FILES in offered:
        return paths_in(run(*get, _FILES).decode(errors="replace")) or _nothing()
    return _nothing()


def _by_osascript(run: _Run) -> _Copied:
    said = run(*_OSASCRIPT)
    if data := _APPLE_DATA.search(said):
        return bytes.fromhex(data[1].decode())
    path = said.decode(errors="replace").rstrip("\n")
    return [Path(path)] if path.startswith("/") else _nothing()


def _by_powershell(run: _Run) -> _Copied:
    """A picture from Windows, or the files that were copied in its Explorer."""
    lines = run(*_POWERSHELL).decode(errors="replace").lstrip("\ufeff").splitlines()
    words = [line.partition(" ") for line in lines]
    if files := [rest for kind, _, rest in words if kind == "file"]:
        return paths_in("\n".join(files)) or _nothing()
    try:
        data = base64.b64decode("".join(rest for kind, _, rest in words if kind == "png"))
    except binascii.Error:
        data = b""
    return data or _nothing()


def _nothing() -> _Copied:
    raise _NoPictureError
