"""When a file and its name are on disk, and small files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Return when the file and its name are on disk."""
    for place in (path, path.parent):
        flush_one(place)


def flush_one(place: Path) -> None:
    """Return when what this file says, or which names this folder holds, is on disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write a small file: after a power cut it says what it said before, or this."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, "utf-8")
    hand_over(beside)
    flush_one(beside)
    beside.replace(path)
    flush_one(path.parent)


def make_folder(folder: Path) -> None:
    """A folder for the daemon alone, also when root makes it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    hand_over(folder)


def hand_over(path: Path) -> None:
    """What root made beside the daemon's files belongs to the daemon's user, or it could not open it."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def remove(path: Path) -> None:
    """Take the file away, also over a power cut; nothing happens where there is none."""
    if path.exists():
        path.unlink()
        flush_one(path.parent)
