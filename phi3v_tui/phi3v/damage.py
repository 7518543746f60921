"""Files of a checkpoint that are there and cannot be used: which to delete, and how to get them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phi3v_tui.errors import ModelError
from phi3v_tui.hub import cache

_PACKAGE = Path(__file__).parent.parent
_log = logging.getLogger(__name__)


class DamagedFile(ModelError):
    """A file of a checkpoint is not what it should be.

    Attributes:
        is_cut: Whether its length is wrong, which a download mends. It takes every file in the
            cache that has the right one for whole.
    """

    def __init__(
        self, path: Path, why: str = "is damaged", remedy: str = "", is_cut: bool = False
    ) -> None:
        """Say which file to delete, and how to get it again.

        Args:
            path: The file.
            why: The end of a sentence that begins with its name.
            remedy: What to do; empty says how to get it again.
            is_cut: See above.
        """
        model = cache.model_of(path)
        what = f"{path.name} of {model}" if model else str(path)
        super().__init__(f"{what} {why}.", remedy or get_again(path))
        self.is_cut = is_cut


def unreadable(path: Path, error: OSError) -> DamagedFile:
    """The failure that the system does not give the bytes of a file."""
    again = get_again(path)
    remedy = f"Mend that, or {again[0].lower()}{again[1:]}"
    return DamagedFile(path, f"cannot be read: {error.strerror or error}", remedy)


def get_again(path: Path) -> str:
    """What to delete, and how to get it again, as a sentence.

    Args:
        path: A file of a checkpoint, or its folder.
    """
    if path.is_relative_to(_PACKAGE):
        return "Install phi3v-tui again."
    model = cache.model_of(path)
    if model is None:
        what = "the folder" if path.is_dir() else "it"
        return f"Delete {what}, and copy or download it again."
    return f"Delete {cache.kept_in(path)} and run: phi3v-tui --model {model}"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn all that comes of a damaged file of settings into a DamagedFile."""
    try:
        yield
    except (ModelError, KeyboardInterrupt, SystemExit):
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except BaseException as error:  # wrong values fail in any way; a panic of Rust is no Exception
        _log.warning("%s cannot be used", path, exc_info=error)
        raise DamagedFile(path) from error
