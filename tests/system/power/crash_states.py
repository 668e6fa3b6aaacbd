"""What a power cut at any moment of a recorded run would have left on the disk, and what a host reads from that.

From the image as it was before the run and the log of the plug, `crash_states` makes the image of chosen moments:
flushed blocks are there, of the others each is there in any version or not at all. `dump` replays the file system's
journal and copies a directory out of the image, without booting it. Which rows ought to be there is not known here.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.system.power.volatile_disk import BLOCK, WRITE, Entry, read_log, surviving

_REPAIRED = 1  # exit status of e2fsck: the journal was replayed or something was mended


@dataclass(frozen=True, slots=True)
class CrashState:
    """One moment: `before_ns`: when the disk was used next; all that was answered earlier rests on this state."""

    index: int
    before_ns: int
    unflushed: int
    image: Path


def crash_states(before: Path, log: Path, moments: Sequence[int], *, dice: random.Random) -> Iterator[CrashState]:
    """The state after each of `moments` (indexes into the log). Every image is gone when the next one is asked for."""
    wanted = set(moments)
    rolling, image = log.with_suffix(".rolling"), log.with_suffix(".state")
    copy_sparse(before, rolling)
    cached: dict[int, list[bytes]] = {}
    with rolling.open("r+b", buffering=0) as durable:
        for index, entry, next_ns in _with_next_time(log):
            if entry.kind == WRITE:
                cached.setdefault(entry.block, []).append(entry.content)
            else:
                for block, versions in cached.items():
                    os.pwrite(durable.fileno(), versions[-1], block * BLOCK)
                cached.clear()
            if index in wanted:
                copy_sparse(rolling, image)
                _lose(image, cached, dice)
                yield CrashState(index, next_ns, len(cached), image)
                image.unlink()
    rolling.unlink()


def times(log: Path) -> list[int]:
    """When each entry was written, in nanoseconds of the monotonic clock."""
    return [entry.time_ns for entry in read_log(log)]


def dump(image: Path, directory: str, into: Path) -> int:
    """Replay the journal of `image` (which changes it) and copy `directory` of it to `into`; e2fsck's status."""
    # -p mends what a boot would mend without asking; anything more is a damaged file system
    checked = subprocess.run(["e2fsck", "-p", "-f", str(image)], capture_output=True, text=True, check=False)
    if checked.returncode & ~_REPAIRED:
        raise AssertionError(f"the file system is damaged: {checked.stdout}{checked.stderr}")
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    command = ["debugfs", "-R", f"rdump {directory} {into}", str(image)]
    subprocess.run(command, check=True, capture_output=True)
    return checked.returncode


def copy_sparse(source: Path, target: Path) -> None:
    """Copy an image; holes stay holes."""
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def _lose(image: Path, cached: dict[int, list[bytes]], dice: random.Random) -> None:
    with image.open("r+b", buffering=0) as file:
        for block, content in surviving(cached, dice):
            if content is not None:
                os.pwrite(file.fileno(), content, block * BLOCK)


def _with_next_time(log: Path) -> Iterator[tuple[int, Entry, int]]:
    entries = read_log(log)
    entry = next(entries, None)
    index = 0
    while entry is not None:
        following = next(entries, None)
        yield index, entry, following.time_ns if following is not None else entry.time_ns
        entry, index = following, index + 1
