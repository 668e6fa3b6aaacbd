"""Backups that only a passphrase opens: sealed while they leave, opened whole before anything is believed.

How they are sealed is `pki/sealing`, what a backup is made of is `keep_backups`. Its library is slow to import, so it
is loaded when somebody asks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import IO

from gateway.store.migrations import UnusableDatabase

SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 8, 1024
_PIECE_BYTES = 256 * 1024


def is_sealed(path: Path) -> bool:
    """Whether this file is an encrypted backup."""
    from gateway.pki import sealing

    with path.open("rb") as file:
        return sealing.is_sealed(file.read(16))


def trouble_with(passphrase: str) -> str | None:
    """Why this passphrase is not taken for a new backup; None: it is."""
    if SHORTEST_PASSPHRASE <= len(passphrase) <= LONGEST_PASSPHRASE:
        return None
    return f"expected a passphrase of {SHORTEST_PASSPHRASE} to {LONGEST_PASSPHRASE} characters"


async def sealed_pieces(file: IO[bytes], passphrase: str) -> AsyncIterator[bytes]:
    """The encrypted form of an open file, piece by piece, made in threads."""
    pieces = await asyncio.to_thread(seal, pieces_of(file), passphrase)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


def seal(pieces: Iterable[bytes], passphrase: str) -> Iterator[bytes]:
    """The encrypted form of these pieces."""
    from gateway.pki import sealing

    return sealing.seal(pieces, passphrase)


def unseal_to(source: Path, destination: Path, passphrase: str) -> None:
    """Write what `source` holds to the new file `destination`, readable by its owner only.

    Raises UnusableDatabase when the passphrase is wrong or the file is damaged; what is there then is worth nothing.
    """
    from gateway.pki import sealing

    descriptor = os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened, source.open("rb") as file:
            for piece in sealing.unseal(file, passphrase):
                opened.write(piece)
    except sealing.CannotUnseal as reason:
        raise UnusableDatabase(str(reason)) from None


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """An open file in pieces."""
    while piece := file.read(_PIECE_BYTES):
        yield piece
