"""The bytes of images, each once, under its digest: `blobs/sha256/ab/abcdef...` without siblings.

What an image is called, and whether it may be given out, is not known here. A file is complete and flushed before it
gets its name, so what is found under a name is whole, whenever the power failed; what a disk lost since is found by
`Examination`. Only files whose name is a digest are ever made in `blobs/`, so no `.gz` can stand beside one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple

from firmware_store import durable

# whole: the digest is right; missing: there is no such file; damaged: another content, or it cannot be read
Verdict = Literal["whole", "missing", "damaged"]


class Look(NamedTuple):
    """Tells one file from the one that was put in its place later."""

    size: int
    inode: int
    modified_ns: int


STEP_BYTES = 4 * 1024 * 1024
_DIGEST = re.compile("[0-9a-f]{64}")


class ImageStore:
    """Blobs below a directory; what is still arriving is in its `incoming/` (see `firmware_store.incoming`)."""

    __slots__ = ("blobs", "directory", "incoming")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = directory / "blobs" / "sha256"
        self.incoming = directory / "incoming"

    def path(self, sha256: str) -> Path:
        """Where the bytes with this digest are, or would be. Raises ValueError for what is no digest."""
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{sha256[:80]!r} is no SHA-256 in lower case")
        return self.blobs / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """True when there is a file of this digest; whether it is whole is told by `Examination`."""
        return self.path(sha256).is_file()

    def look(self, sha256: str) -> Look | None:
        """Which file there is of this digest; None when there is none."""
        try:
            return _look_of(self.path(sha256).stat())
        except FileNotFoundError:
            return None

    def place(self, file: Path, sha256: str) -> None:
        """Take a complete, flushed file over. One that is there is replaced: it has the same content, or is damaged."""
        file.chmod(0o440)
        durable.move(file, self.path(sha256))

    def remove(self, sha256: str) -> bool:
        """Take the bytes away; False when there were none. Who is reading them goes on reading them."""
        path = self.path(sha256)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        durable.flush_folder(path.parent)
        return True

    def digests(self) -> Iterator[str]:
        """Every digest of which there is a file."""
        for path in sorted(self.blobs.glob("??/*")):
            if _DIGEST.fullmatch(path.name) and path.is_file():
                yield path.name

    def used_bytes(self) -> int:
        """What all files need together, those that are arriving included."""
        used = 0
        for folder, pattern in ((self.blobs, "??/*"), (self.incoming, "*")):
            for path in folder.glob(pattern):
                try:
                    used += path.stat().st_size
                except FileNotFoundError:
                    continue  # gone meanwhile
        return used


class Examination:
    """Reads the bytes of a digest again, a few megabytes at a time, so that whoever asks can pause in between.

    `looked_at`: the file that is read.
    """

    __slots__ = ("_digest", "_file", "_sha256", "looked_at", "reason", "verdict")

    def __init__(self, store: ImageStore, sha256: str) -> None:
        self.verdict: Verdict | None = None
        self.reason = ""
        self.looked_at: Look | None = None
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._file: IO[bytes] | None = None
        try:
            self._file = store.path(sha256).open("rb", buffering=0)
            self.looked_at = _look_of(os.fstat(self._file.fileno()))
        except FileNotFoundError:
            self._end("missing", "its file is missing")
        except OSError as error:
            self._end("damaged", f"its file cannot be opened: {error.strerror}")

    def step(self) -> bool:
        """Read on; False when there is a verdict."""
        if self._file is None:
            return False
        try:
            piece = self._file.read(STEP_BYTES)
        except OSError as error:
            self._end("damaged", f"its file cannot be read: {error.strerror}")
            return False
        if piece:
            self._digest.update(piece)
            return True
        if self._digest.hexdigest() == self._sha256:
            self._end("whole", "")
        else:
            self._end("damaged", "its file has another content")
        return False

    def close(self) -> None:
        """Give the file back; also when the verdict is not wanted any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _end(self, verdict: Verdict, reason: str) -> None:
        self.close()
        self.verdict, self.reason = verdict, reason


def _look_of(found: os.stat_result) -> Look:
    return Look(found.st_size, found.st_ino, found.st_mtime_ns)
