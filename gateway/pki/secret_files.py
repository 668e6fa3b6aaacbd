"""How files of `pki/` get onto the disk: whole or not at all, flushed, and never readable by others, not for a moment.

It does not know what the files hold.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BEGUN = ".new-"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Only one process at a time changes `directory`, which is made when missing; what a power cut left is swept."""
    _make(directory)
    descriptor = os.open(directory / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _hand_over(descriptor, directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for left in directory.glob(f"{_BEGUN}*"):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, text: str) -> None:
    """Put a file of mode 0600 in the place of `path`; call inside `locked`. Raises OSError, then all is as before."""
    begun = path.with_name(f"{_BEGUN}{secrets.token_hex(8)}")
    descriptor = os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            _hand_over(file.fileno(), path.parent)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(path)
    except BaseException:
        begun.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def remove(path: Path) -> None:
    """Take a file away, if it is there; call inside `locked`."""
    path.unlink(missing_ok=True)
    _flush(path.parent)


def _make(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = directory.parent.stat()
            os.chown(directory, owner.st_uid, owner.st_gid)
        _flush(directory.parent)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def _hand_over(descriptor: int, directory: Path) -> None:
    """What root makes here belongs to the daemon's user, or it could not read it."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
