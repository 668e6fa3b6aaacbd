"""A disk that forgets what was not flushed, and a log of all that happened on it.

What was written since the last flush may be on the medium or not, block by block, in any version: that is what a
power cut leaves behind (`cut`). With a log (`DiskLog`) every earlier moment can be visited again (`states`). Nothing
here knows who writes; `tests/system/power/plug.py` serves such a disk.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK = 4096  # flash writes no less at once; tearing sectors of 512 bytes breaks the superblock of ext4 itself
_HEADER = struct.Struct("<cQQI")
WRITE, FLUSH = b"w", b"f"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: a block written, or everything before it flushed (`block` and `content` are empty then)."""

    kind: bytes
    time_ns: int  # of the host's monotonic clock, before the writer was answered
    block: int
    content: bytes


class DiskLog:
    """Appends entries to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def append(self, entry: Entry) -> None:
        """Write one entry."""
        self._file.write(_HEADER.pack(entry.kind, entry.time_ns, entry.block, len(entry.content)))
        self._file.write(entry.content)

    def flush(self) -> None:
        """Hand what was appended to the file, for those who read it now."""
        self._file.flush()


def read_log(path: Path) -> Iterator[Entry]:
    """The entries of a log, oldest first; an unfinished one at the end is left out."""
    with path.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            kind, time_ns, block, length = _HEADER.unpack(header)
            content = file.read(length)
            if len(content) == length:
                yield Entry(kind, time_ns, block, content)


class VolatileDisk:
    """An image file and a cache in memory in front of it, which a flush empties and a cut loses at random."""

    def __init__(self, image: BinaryIO) -> None:
        self._image = image
        self._cached: dict[int, list[bytes]] = {}

    @property
    def size(self) -> int:
        """In bytes."""
        return os.fstat(self._image.fileno()).st_size

    @property
    def unflushed(self) -> int:
        """How many blocks a cut would put at stake."""
        return len(self._cached)

    def read(self, offset: int, length: int) -> bytes:
        """What the writer believes to be there."""
        data = bytearray(os.pread(self._image.fileno(), length, offset))
        for block in range(offset // BLOCK, (offset + length - 1) // BLOCK + 1):
            if block in self._cached:
                begin = block * BLOCK - offset
                newest = self._cached[block][-1]
                data[max(begin, 0) : begin + BLOCK] = newest[max(-begin, 0) : BLOCK - max(begin + BLOCK - length, 0)]
        return bytes(data)

    def write(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Cache `data`; yields each block that changed with its whole new content. Must be exhausted."""
        while data:
            block, begin = divmod(offset, BLOCK)
            piece, data = data[: BLOCK - begin], data[BLOCK - begin :]
            if len(piece) < BLOCK:
                old = self.read(block * BLOCK, BLOCK)
                piece = old[:begin] + piece + old[begin + len(piece) :]
            self._cached.setdefault(block, []).append(piece)
            yield block, piece
            offset = (block + 1) * BLOCK

    def flush(self) -> None:
        """Everything written so far is on the medium."""
        for block, versions in self._cached.items():
            os.pwrite(self._image.fileno(), versions[-1], block * BLOCK)
        self._cached.clear()

    def cut(self, dice: random.Random) -> int:
        """The power fails: how many unflushed blocks are older than what was written last. The cache is empty then."""
        lost = 0
        for block, content in surviving(self._cached, dice):
            if content is not self._cached[block][-1]:
                lost += 1
            if content is not None:
                os.pwrite(self._image.fileno(), content, block * BLOCK)
        self._cached.clear()
        return lost


def surviving(cached: dict[int, list[bytes]], dice: random.Random) -> Iterator[tuple[int, bytes | None]]:
    """Of each unflushed block one of its versions, or None for what was there before the last flush."""
    for block in sorted(cached):
        yield block, dice.choice([None, *cached[block]])
