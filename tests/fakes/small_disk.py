"""A file system with room for a few megabytes, really: a tmpfs that is mounted for the length of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def as_root(*command: str) -> None:
    """Run a command as root: we are root, or sudo asks for no password."""
    words = list(command) if os.geteuid() == 0 else ["sudo", "-n", *command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{' '.join(words)}: {done.stderr.strip()}. These tests mount a tmpfs of some megabytes: "
        "run them as root, or as a user whose sudo asks for no password"
    )


class SmallDisk:
    """A file system with room for a few megabytes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"

    def fill(self) -> None:
        """Leave not one page free."""
        with self._filler.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        assert shutil.disk_usage(self.directory).free == 0

    def make_room(self) -> None:
        """Take the filler away."""
        self._filler.unlink()


@contextmanager
def small_disk(directory: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """`directory`, which is made, is a disk of so many megabytes within the block."""
    directory.mkdir()
    options = f"size={megabytes}m,mode=0700,uid={os.getuid()}"
    as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory))
    try:
        yield SmallDisk(directory)
    finally:
        as_root("umount", str(directory))
