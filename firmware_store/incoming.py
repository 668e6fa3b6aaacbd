"""What is still arriving: files that are written once and gone after a failure, and partial ones that can be resumed.

A partial file lies beside a note (JSON) that says what it will be; what has arrived is the size of the file. Every
byte is written only while there is room: the store has a limit, and the disk keeps a reserve for the gateway.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from firmware_store import durable
from firmware_store.images import ImageStore

_LOOK_EVERY_BYTES = 8 * 1024 * 1024
_RESERVE_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_NAME = re.compile("[0-9a-z-]{1,80}")


class TooLarge(Exception):
    """The file alone is larger than the store may be, or than was announced; the text is for people."""


class StoreFull(Exception):
    """There is no room for the file now: the limit of the store, or the disk; the text is for people."""


@dataclass(frozen=True, slots=True)
class Room:
    """How large the store may become. Checked while bytes arrive, because what was announced may be wrong."""

    store: ImageStore
    most_bytes: int
    most_file_bytes: int | None = None

    def look_at(self, file_bytes: int) -> None:
        """Raises TooLarge when one file may not have so many bytes."""
        if self.most_file_bytes is not None and file_bytes > self.most_file_bytes:
            raise TooLarge(f"the file has more than {self.most_file_bytes} bytes: [firmware] upload_limit_mb")
        if file_bytes > self.most_bytes:
            raise TooLarge(f"the file has more than {self.most_bytes} bytes: [firmware] images_limit_mb")

    def expect(self, more_bytes: int) -> None:
        """Raises TooLarge or StoreFull when so many bytes more have no room."""
        self.look_at(more_bytes)
        if self.store.used_bytes() + more_bytes > self.most_bytes:
            raise StoreFull(
                f"the images would need more than {self.most_bytes} bytes ([firmware] images_limit_mb):"
                " withdraw images that are not needed"
            )
        folder = next(one for one in (self.store.directory, *self.store.directory.parents) if one.is_dir())
        if shutil.disk_usage(folder).free < more_bytes + _RESERVE_BYTES:
            raise StoreFull("the disk has no room for it")


class Arrived(NamedTuple):
    """A complete file, flushed, not yet in its place."""

    path: Path
    sha256: str
    size: int


class Arriving:
    """A file that is written in one go. `discard` it in any case at the end: what was placed is not touched."""

    __slots__ = ("_digest", "_file", "_looked_at", "_room", "path", "size")

    def __init__(self, room: Room, name: str) -> None:
        durable.make_folder(room.store.incoming)
        self.path = _checked(room.store.incoming, name, ".tmp")
        self.size = 0
        self._room = room
        self._digest = hashlib.sha256()
        self._looked_at = 0
        self._file: IO[bytes] = self.path.open("xb")

    def write(self, piece: bytes) -> None:
        """The next bytes. Raises TooLarge, StoreFull, OSError."""
        self.size += len(piece)
        self._room.look_at(self.size)
        if self.size >= self._looked_at:
            self._looked_at = self.size + _LOOK_EVERY_BYTES
            self._room.expect(len(piece))
        self._digest.update(piece)
        self._file.write(piece)

    def finish(self) -> Arrived:
        """All bytes are there and on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Arrived(self.path, self._digest.hexdigest(), self.size)

    def discard(self) -> None:
        """Take the file away, if it was not placed."""
        self._file.close()
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Partial:
    """A file that may arrive in several pieces, over restarts. `name` is part of file names."""

    store: ImageStore
    name: str

    @property
    def part(self) -> Path:
        """What has arrived."""
        return _checked(self.store.incoming, self.name, ".part")

    def begin(self, note: dict[str, object], *, now_seconds: float) -> None:
        """Make it, or keep what has arrived of it, with this note."""
        durable.make_folder(self.store.incoming)
        self.part.touch(mode=0o640)
        self.change_note(note)
        self.touch(now_seconds)

    def note(self) -> dict[str, object] | None:
        """What was noted; None when there is no such partial file."""
        try:
            found = json.loads(self._note_path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and self.part.is_file() else None

    def change_note(self, note: dict[str, object]) -> None:
        """Note something else."""
        durable.write_whole(self._note_path, json.dumps(note).encode())

    def received(self) -> int:
        """How many bytes have arrived."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def touch(self, now_seconds: float) -> None:
        """It is in use: `abandoned` counts from here."""
        os.utime(self.part, (now_seconds, now_seconds))

    def finish(self) -> Arrived:
        """Read what has arrived; it is on the disk afterwards."""
        digest, size = hashlib.sha256(), 0
        with self.part.open("rb+") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
            os.fsync(file.fileno())
        return Arrived(self.part, digest.hexdigest(), size)

    def discard(self) -> None:
        """Take it away, whatever has arrived, if it was not placed."""
        self._note_path.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    @property
    def _note_path(self) -> Path:
        return _checked(self.store.incoming, self.name, ".json")


def partials(store: ImageStore) -> Iterator[Partial]:
    """Every partial file."""
    for path in sorted(store.incoming.glob("*.json")):
        if _NAME.fullmatch(path.stem):
            yield Partial(store, path.stem)


def clear_incoming(
    store: ImageStore,
    *,
    now_seconds: float,
    abandoned_seconds: float,
    starting: bool,
    in_use: Collection[str] = (),
) -> int:
    """Take away partial files that nobody touched for so long; `starting`: also what a kill left. Returns how many.

    `in_use`: names of files that are being written.
    """
    removed = 0
    for partial in partials(store):
        if partial.note() is None or now_seconds - partial.part.stat().st_mtime > abandoned_seconds:
            partial.discard()
            removed += 1
    if starting:
        kept = {path for partial in partials(store) for path in (partial.part, partial.part.with_suffix(".json"))}
        for path in store.incoming.glob("*"):
            if path not in kept and path.name not in in_use and path.is_file():
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _checked(folder: Path, name: str, suffix: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot be part of a file's name here")
    return folder / f"{name}{suffix}"
