"""Reading safetensors files from start to end, at the speed of the disk."""

import io
import os
import struct
from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from safetensors import safe_open
from torch import Tensor

PIECE = 16 * 1024**2
"""Bytes read at once, and from report to report."""

_AHEAD = 256 * 1024**2
"""Bytes that the system is asked to fetch while what came before is converted."""

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class UnreadableError(Exception):
    """A file does not give its tensors."""


class Use(Enum):
    """What is wanted of a tensor.

    Attributes:
        NONE: Nothing.
        PASSING: To look at it once: it lies in a buffer until the next one is asked for.
        LASTING: To keep it as it is, in the CPU's memory: it stays in the system's cache of the
            file, which costs no second copy and is shared with other processes.
    """

    NONE = auto()
    PASSING = auto()
    LASTING = auto()


class Buffer:
    """Memory that tensors are read into, one after the other.

    Args:
        pinned: Whether it has to be memory that a GPU can fetch from by itself.
    """

    def __init__(self, pinned: bool = False) -> None:
        self._pinned = pinned
        self._bytes = torch.empty(0, dtype=torch.uint8)

    def take(self, size: int) -> Tensor:
        """Room for `size` bytes: uint8 [size]. What it held before is gone."""
        if size > self._bytes.numel():
            self._bytes = torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned)
        return self._bytes[:size]


def read_tensors(
    path: Path,
    use: Callable[[str, torch.dtype], Use],
    buffer: Buffer,
    progress: Callable[[int], None],
) -> Iterator[tuple[str, Tensor]]:
    """Yield names and tensors of a file in the order in which they lie there.

    Args:
        path: A safetensors file.
        use: What is wanted of a tensor, by name and type.
        buffer: Holds passing tensors.
        progress: Told how far into the file reading has come, in bytes.

    Raises:
        SafetensorError: The file's header is damaged.
        UnreadableError: A tensor has an unusual type of numbers, the file has become shorter
            meanwhile, or the disk fails.
    """
    # safetensors maps the file into memory, where it would be read page by page in the order of
    # use, and nobody could tell how far that is. It has checked the header, and made sure that the
    # tensors follow one another without gaps.
    with safe_open(path, framework="pt") as header, _Stream(path, progress) as stream:
        for name in header.offset_keys():
            tensor = header.get_slice(name)
            shape, dtype = torch.Size(tensor.get_shape()), _dtype(tensor.get_dtype())
            size = shape.numel() * dtype.itemsize
            wanted = use(name, dtype)
            if wanted is Use.NONE:
                stream.skip(size)
            elif wanted is Use.PASSING:
                yield name, stream.read(buffer.take(size)).view(dtype).view(shape)
            else:
                stream.read_through(size, buffer)
                yield name, header.get_tensor(name)
        stream.end()


def _dtype(name: str) -> torch.dtype:
    if name not in _DTYPES:
        raise UnreadableError(f"it has numbers of type {name}")
    return _DTYPES[name]


class _Stream:
    """The tensors' bytes of a file."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        self._file = io.FileIO(path)
        self._progress = progress
        (header,) = struct.unpack("<Q", self._file.read(8))
        self._position = self._told = self._fetched = 8 + header
        self._file.seek(self._position)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, into: Tensor) -> Tensor:
        """Fill uint8 [size] with the next bytes."""
        room = memoryview(into.numpy())  # type: ignore[arg-type]
        while room:
            self._fetch_ahead()
            count = self._read_piece(room[:PIECE])
            room = room[count:]
            self._advance(count)
        return into

    def _read_piece(self, room: memoryview) -> int:
        """Read some bytes, and tell how many."""
        try:
            count = self._file.readinto(room)
        except OSError as error:
            raise UnreadableError(error.strerror) from error
        if not count:
            raise UnreadableError("it has become shorter")
        return count

    def read_through(self, size: int, buffer: Buffer) -> None:
        """Read bytes for nothing but that the system has them in memory then."""
        piece = buffer.take(min(size, PIECE))
        for start in range(0, size, PIECE):
            self.read(piece[: min(PIECE, size - start)])

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        self._file.seek(size, os.SEEK_CUR)
        self._advance(size)

    def end(self) -> None:
        """Tell that everything has been read."""
        self._progress(self._position)

    def _advance(self, count: int) -> None:
        self._position += count
        if self._position - self._told >= PIECE:
            self._told = self._position
            self._progress(self._position)

    def _fetch_ahead(self) -> None:
        if self._position + _AHEAD // 2 > self._fetched and hasattr(os, "posix_fadvise"):
            start = max(self._position, self._fetched)
            os.posix_fadvise(self._file.fileno(), start, _AHEAD, os.POSIX_FADV_WILLNEED)
            self._fetched = start + _AHEAD
