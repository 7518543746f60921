"""Pictures of stored conversations, read when they are needed."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from phi3v_tui.errors import AttachmentError


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the history's file; calling it gives the bytes.

    It opens the file by itself each time: any thread may call it, whether or not the history is
    writing or closed.

    Attributes:
        path: The history's file.
        digest: Of the picture.
        name: For errors.
    """

    path: Path
    digest: str
    name: str

    def __call__(self) -> bytes:
        """Read the bytes.

        Raises:
            AttachmentError: The picture is not there any more, or the file cannot be read.
        """
        try:
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as connection:
                row = connection.execute(
                    "SELECT data FROM pictures WHERE digest = ?", (self.digest,)
                ).fetchone()
        except sqlite3.Error as error:
            raise AttachmentError(
                f"{self.name} cannot be read from the history: {error}.", "Attach it again."
            ) from error
        if row is None:
            raise AttachmentError(
                f"{self.name} is not in the history any more.", "Attach it again."
            )
        return bytes(row[0])
