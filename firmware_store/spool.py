"""A file while it is uploaded: written piece by piece in threads, counted, and gone unless somebody takes it over.

What the bytes mean is not asked: nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
from pathlib import Path

_WRITTEN_AT_ONCE = 256 * 1024
_LOOK_EVERY_BYTES = 8 * 1024 * 1024


class TooLarge(Exception):
    """More bytes than are allowed."""


class Spool:
    """One file in `folder`, of at most `most_bytes`; `reserve_bytes` of the disk stay free."""

    def __init__(self, folder: Path, *, link_id: int, most_bytes: int, reserve_bytes: int = 0) -> None:
        self.path = folder / f"{link_id}-{secrets.token_hex(8)}.part"
        self.size = 0
        self._digest = hashlib.sha256()
        self._most_bytes = most_bytes
        self._reserve_bytes = reserve_bytes
        self._written = 0
        self._look_at = 0
        self._buffer = bytearray()
        self._descriptor: int | None = None

    @property
    def sha256(self) -> str:
        """The digest of what is written so far."""
        return self._digest.hexdigest()

    async def add(self, data: bytes) -> None:
        """Append; it may stay in memory for a while. Raises TooLarge, OSError."""
        if self.size + len(data) > self._most_bytes:
            raise TooLarge
        self.size += len(data)
        self._buffer += data
        if len(self._buffer) >= _WRITTEN_AT_ONCE:
            await self._write()

    async def flush(self) -> None:
        """Everything is on the disk afterwards. Raises OSError."""
        await self._write()
        assert self._descriptor is not None
        await asyncio.to_thread(os.fsync, self._descriptor)

    def discard(self) -> None:
        """Close it, and remove it if it is still there."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self.path.unlink(missing_ok=True)

    async def _write(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        # not given up half-way: a thread that still writes would write into a descriptor that is closed
        writing = asyncio.ensure_future(asyncio.to_thread(self._append, data))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    def _append(self, data: bytearray) -> None:
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o640)
        if self._written >= self._look_at:
            self._look_at = self._written + _LOOK_EVERY_BYTES
            free = os.fstatvfs(self._descriptor)
            if free.f_bavail * free.f_frsize < self._reserve_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._written += len(data)
        self._digest.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
