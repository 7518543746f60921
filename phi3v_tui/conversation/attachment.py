"""A picture that goes with a message."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, kept as the bytes of its file.

    Attributes:
        data: The file's bytes as they were read, never re-encoded.
        digest: sha256 of `data`, in hex; names the picture everywhere (caches, the store).
        name: File name for people.
        origin: Where it came from: an absolute path or a URL.
        width: Pixels, once turned upright.
        height: Pixels, once turned upright.
    """

    data: bytes
    digest: str
    name: str
    origin: str
    width: int
    height: int

    @classmethod
    def from_path(cls, path: Path) -> "Attachment":
        """Read, check and describe a picture file.

        Raises:
            AttachmentError: No such file, a folder, no picture, damaged, or far too large.
        """
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, data: bytes, name: str, origin: str) -> "Attachment":
        """Check and describe a picture that is already in memory.

        Raises:
            AttachmentError: No picture, damaged, or far too large.
        """
        digest = hashlib.sha256(data).hexdigest()
        raise NotImplementedError(digest)

    def image(self) -> Image.Image:
        """Decode to RGB, upright by EXIF; transparency is dropped as the model sees it."""
        raise NotImplementedError
