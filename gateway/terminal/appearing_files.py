"""Files that appear under their name only when they are whole and on the disk, readable by their owner alone.

What is in them is not known here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gateway.terminal.exits import NEGATIVE, NO_PERMISSION, Ending


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A temporary name beside `target` that becomes `target` when the block ends well and the bytes are on disk."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        directory = os.open(target.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise _trouble(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new(path: Path, pieces: Iterable[bytes], *, moved: Callable[[int], None]) -> None:
    """A new file with these bytes; `moved` is told of each piece. Raises Ending when the disk does not take it."""
    try:
        file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except OSError as error:
        raise _trouble(path, error) from error
    with file:
        for piece in pieces:
            try:
                file.write(piece)
            except OSError as error:
                raise _trouble(path, error) from error
            moved(len(piece))


def _trouble(target: Path, error: OSError) -> Ending:
    code = NO_PERMISSION if isinstance(error, PermissionError) else NEGATIVE
    return Ending(code, f"cannot write {target}: {error.strerror or error}")
