"""Files and folders that are on the disk when a function returns, also when the power fails right after it."""

from __future__ import annotations

import os
from pathlib import Path


def flush_folder(folder: Path) -> None:
    """What was made, renamed or removed in the folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """The folder is there, with those above it."""
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        one.mkdir(mode=0o750, exist_ok=True)
        flush_folder(one.parent)


def move(source: Path, destination: Path) -> None:
    """Put a flushed file in place of `destination`: at every moment there is the old one, or the whole new one."""
    make_folder(destination.parent)
    os.replace(source, destination)
    flush_folder(destination.parent)
    if source.parent != destination.parent:
        flush_folder(source.parent)


def write_whole(path: Path, content: bytes) -> None:
    """The file has this content, or what it had before."""
    beside = path.with_name(path.name + ".tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    move(beside, path)
