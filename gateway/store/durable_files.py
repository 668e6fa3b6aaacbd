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
    flush_one(beside)
    beside.replace(path)
    flush_one(path.parent)


def remove(path: Path) -> None:
    """Take the file away, also over a power cut; nothing happens where there is none."""
    if path.exists():
        path.unlink()
        flush_one(path.parent)
