"""A picture that goes with a message."""

import hashlib
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from phi3v_tui.conversation import decoding
from phi3v_tui.errors import AttachmentError, MissingFileError
from phi3v_tui.paths import absolute

MAX_BYTES = 64 * 1024 * 1024
"""Largest picture file that can be attached, in bytes."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, kept as the bytes of its file.

    Attributes:
        source: The file's bytes as they were read, a PNG where it is a part of another picture;
            or where to get them, for a long conversation has more pictures than should be in the
            memory.
        digest: sha256 of the bytes, in hex; names the picture everywhere (caches, the store).
        name: File name for people.
        origin: Where it came from: an absolute path, a URL or "clipboard"; a fragment (#page=2,
            #xywh=0,0,40,30 in pixels) says which part of it.
        width: Pixels, once turned upright.
        height: Pixels, once turned upright.
    """

    source: bytes | Callable[[], bytes] = field(repr=False, compare=False)
    digest: str
    name: str
    origin: str
    width: int
    height: int

    @classmethod
    def from_path(cls, path: Path) -> "Attachment":
        """Read, check and describe a picture file.

        The whole picture is decoded once to find damage, which takes some 0.1 s for 12
        megapixels: an interface calls this in a thread.

        Raises:
            AttachmentError: No such file, a folder, no picture, damaged, or far too large.
        """
        path = absolute(path)
        return cls.from_bytes(_read(path), path.name, str(path))

    @classmethod
    def from_bytes(cls, data: bytes, name: str, origin: str) -> "Attachment":
        """Check and describe a picture that is already in memory.

        Raises:
            AttachmentError: No picture, damaged, or far too large.
        """
        _require_size(len(data), name)
        width, height = decoding.decode(data, name).size
        return cls(data, hashlib.sha256(data).hexdigest(), name, origin, width, height)

    @property
    def data(self) -> bytes:
        """The file's bytes.

        Raises:
            AttachmentError: They are not where they were kept any more.
        """
        return self.source if isinstance(self.source, bytes) else self.source()

    def held(self) -> "Attachment":
        """The same picture with its bytes in the memory, if they can still be read.

        It outlives the conversation that keeps it on the disk.
        """
        if isinstance(self.source, bytes):
            return self
        try:
            return replace(self, source=self.data)
        except AttachmentError:
            return self

    def image(self, frame: int = 0) -> Image.Image:
        """Decode to RGB, upright by EXIF; transparency is dropped as the model sees it.

        Args:
            frame: Which frame of an animation or page of a document, from 0. The model sees the
                first one; `parts.cut` makes a picture of another.
        """
        return decoding.decode(self.data, self.name, frame=frame)

    def count_frames(self) -> int:
        """Frames or pages of the file. Reads through the file: call it in a thread."""
        return decoding.count_frames(self.data)

    @property
    def frame_noun(self) -> str:
        """What one of several pictures in the file is called: "page" or "frame"."""
        return decoding.frame_noun(self.data)

    def thumbnail(self, max_side: int) -> Image.Image:
        """Decode to RGB, upright, at most `max_side` pixels wide and high; quick for JPEG."""
        return decoding.decode(self.data, self.name, max_side)

    @property
    def suffix(self) -> str:
        """The usual file suffix of the picture's real format, such as ".png"."""
        return decoding.suffix(self.data)


def _read(path: Path) -> bytes:
    try:
        info = path.stat()
        _require_file(info.st_mode, path)
        _require_size(info.st_size, path.name)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(
            f"There is no file {path}.",
            "Check the path; a path on another machine is not seen here.",
        ) from error
    except PermissionError as error:
        raise AttachmentError(
            f"You may not read {path}.", "Change its permissions (chmod u+r) or copy it."
        ) from error
    except (OSError, ValueError) as error:
        raise AttachmentError(
            f"{path} cannot be read: {error}.", "Check the disk or copy the file elsewhere."
        ) from error


def _require_file(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise AttachmentError(f"{path} is a folder.", "Choose a picture file inside it.")
    if not stat.S_ISREG(mode):
        raise AttachmentError(f"{path} is not an ordinary file.", "Choose a picture file.")


def _require_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise AttachmentError(
            f"{name} is {size / 2**20:.0f} MB large.",
            f"Attach a picture of at most {MAX_BYTES // 2**20} MB.",
        )
