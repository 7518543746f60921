"""Programs on PATH that stand in for those that reach a clipboard."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

_OFFERS = """\
for last; do :; done
case "$last" in
{cases}
*) echo "Error: target $last not available" >&2; exit 1;;
esac
"""


class ClipboardPrograms:
    """A folder that is all of PATH, in a session with no display until a test says otherwise."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._folder = folder
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(folder))
        for name in ("SSH_CONNECTION", "WSL_DISTRO_NAME", "WAYLAND_DISPLAY", "DISPLAY"):
            monkeypatch.delenv(name, raising=False)

    def session(self, **environ: str) -> None:
        """Set variables that tell of displays and connections."""
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)

    def program(self, name: str, script: str) -> None:
        """Install a program that is a shell script; it finds others by absolute paths only."""
        path = self._folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def offer(self, name: str, **contents: bytes) -> None:
        """Install xclip or wl-paste with these contents, named by kind, _ for the slash."""
        kinds = {kind.replace("_", "/", 1).replace("_", "-"): data for kind, data in
                 contents.items()}  # fmt: skip
        listed = "".join(f"{kind}\\n" for kind in ["TARGETS", *kinds])
        cases = [f"TARGETS | --list-types) printf '{listed}';;"]
        for number, (kind, data) in enumerate(kinds.items()):
            file = self._folder / f"{name}-content-{number}"
            file.write_bytes(data)
            cases.append(f"{kind}) exec /bin/cat '{file}';;")
        self.program(name, _OFFERS.format(cases="\n".join(cases)))

    def windows(self, *lines: str) -> None:
        """Install a powershell.exe that prints these lines as Windows does."""
        file = self._folder / "powershell-says"
        file.write_text("\r\n".join([*lines, ""]), encoding="utf-8", newline="")
        self.program("powershell.exe", f"exec /bin/cat '{file}'")


def windows_line(data: bytes) -> str:
    """A picture as our command has PowerShell print it."""
    return f"png {base64.b64encode(data).decode()}"


def red_picture(kind: str = "PNG") -> bytes:
    """A picture file of 64 x 48, as it may be on a clipboard."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(buffer, kind)
    return buffer.getvalue()
