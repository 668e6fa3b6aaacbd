"""Files that stations are uploading by FTP: under a name of ours in the folder of the token, whole on the disk or gone.

A partial file is known by its token's link and the path that the station said, so an upload can be resumed also by the
next connection, or the next process. It decides nothing about who may upload, and takes nothing over.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firmware_store.tickets import Upload

PARTIAL_SECONDS = 3600.0  # for so long a partial file waits for the rest

_PREFIX = "ftp-"
_PARTIAL = ".part"
_WHOLE = ".whole"
_MOST_PARTIALS_OF_A_LINK = 4
_LEAST_FREE_BYTES = 32 * 1024 * 1024
_LOOK_EVERY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is complete, flushed and under a name that no other upload will get."""

    path: Path
    size: int
    sha256: str


class PartialFile:
    """A file being received: what the FTP library needs of a file object. Raises OSError."""

    def __init__(self, ticket: Upload, said: str, *, mode: str) -> None:
        self.ticket = ticket
        self.name = said  # the path that the station said
        self.path = partial_path(ticket, said)
        self.closed = False
        self._look_at = 0  # whether the disk has room
        if mode == "wb":  # a new file, so that a connection thought dead does not write into it
            self.path.unlink(missing_ok=True)
            _make_place(ticket)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o660)
        try:
            facts = os.fstat(self._descriptor)
            if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
                raise OSError(errno.EPERM, "not a plain file")
            if facts.st_uid == os.geteuid():
                os.fchmod(self._descriptor, 0o660)  # the gateway is another user of the group
        except OSError:
            self.close()
            raise
        self.position = os.lseek(self._descriptor, 0, os.SEEK_END if mode == "ab" else os.SEEK_SET)

    def seek(self, position: int) -> None:
        """Go on from there; what was behind it is dropped."""
        if position > os.fstat(self._descriptor).st_size:
            raise OSError(errno.EINVAL, "beyond the end")
        os.ftruncate(self._descriptor, position)
        self.position = os.lseek(self._descriptor, position, os.SEEK_SET)

    def has_room_for(self, count: int) -> bool:
        """Whether so much more is still allowed."""
        return self.position + count <= self.ticket.most_bytes

    def write(self, content: bytes) -> None:
        """All of it."""
        if self.position >= self._look_at:
            self._look_at = self.position + _LOOK_EVERY_BYTES
            if not has_room_on_disk(self.ticket):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = memoryview(content)
        while rest:
            count = os.write(self._descriptor, rest)
            self.position += count
            rest = rest[count:]

    def close(self) -> None:
        """Leave what is there."""
        if not self.closed:
            self.closed = True
            os.close(self._descriptor)

    def discard(self) -> None:
        """Leave nothing."""
        self.close()
        self.path.unlink(missing_ok=True)


def partial_path(ticket: Upload, said: str) -> Path:
    """Where the file is while it is not complete."""
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return ticket.folder / f"{_PREFIX}{ticket.link_id}-{digest}{_PARTIAL}"


def partial_size(ticket: Upload, said: str) -> int | None:
    """How much is there already; None: no such file."""
    try:
        facts = partial_path(ticket, said).lstat()
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def has_room_on_disk(ticket: Upload) -> bool:
    """Whether the disk has more than what must stay free. Raises OSError."""
    free = os.statvfs(ticket.folder)
    return free.f_bavail * free.f_frsize >= max(_LEAST_FREE_BYTES, ticket.reserve_bytes)


def complete(path: Path) -> Whole:
    """Flush a partial file to the disk and give it a name of its own. Raises OSError. May take long."""
    digest = hashlib.sha256()
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        os.fsync(file.fileno())
        size = 0
        while piece := file.read(1 << 20):
            digest.update(piece)
            size += len(piece)
    whole = path.with_name(f"{path.name.removesuffix(_PARTIAL)}-{secrets.token_hex(8)}{_WHOLE}")
    os.rename(path, whole)
    _flush_folder(path.parent)
    return Whole(whole, size, digest.hexdigest())


def make_partial_again(whole: Path, partial: Path) -> None:
    """Nobody knows whether it is complete: it waits for the station to go on, or to try again."""
    with suppress(OSError):
        os.rename(whole, partial)


def sweep(folder: Path, *, now: float) -> int:
    """Remove files of ours that nobody came back for; how many. Raises OSError."""
    removed = 0
    for path in _ours(folder):
        with suppress(FileNotFoundError):
            if not now - PARTIAL_SECONDS <= path.lstat().st_mtime <= now + PARTIAL_SECONDS:
                path.unlink()
                removed += 1
    return removed


def _ours(folder: Path, link: str = "*", ends: tuple[str, ...] = (_PARTIAL, _WHOLE)) -> Iterator[Path]:
    for path in folder.glob(f"{_PREFIX}{link}-*"):
        if path.name.endswith(ends):
            yield path


def _make_place(ticket: Upload) -> None:
    """A link has few partial files: the oldest goes for a new one."""
    found = sorted(_ours(ticket.folder, str(ticket.link_id), (_PARTIAL,)), key=_age)
    for path in found[: max(0, len(found) - _MOST_PARTIALS_OF_A_LINK + 1)]:
        path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
