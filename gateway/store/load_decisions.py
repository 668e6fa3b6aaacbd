"""Decisions of load limits to look back at: a record is the facts, the memory and the decision of one tick.

A record is JSON, compressed; numbers are written in full, so that the facts of then give the same decision to the last
bit. Beside it stands a line of words, so that a list needs no unpacking. What is worth recording is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import zstandard

from gateway.model.instants import Instant
from gateway.model.load_decision import Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.store.writing import Writing

_LEVEL = 6
_LARGEST_RECORD = 256_000_000


class Unreadable(Exception):
    """The record was written by a program whose decisions had another form, or is damaged."""


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """`decide(picture, before)` gives this `decision`."""

    picture: SitePicture
    before: Memory
    decision: Decision


_DECODER = msgspec.json.Decoder(LoadRecord)


def pack(record: LoadRecord) -> bytes:
    """The record as it is stored."""
    # a compressor is made each time, because two threads may not share one
    return zstandard.ZstdCompressor(level=_LEVEL).compress(msgspec.json.encode(record))


def text_of_record(packed: bytes) -> bytes:
    """The record as JSON."""
    try:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST_RECORD)
    except zstandard.ZstdError as error:
        raise Unreadable(str(error)) from None


def read_record(text: bytes) -> LoadRecord:
    """The record of its JSON text."""
    try:
        return _DECODER.decode(text)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None


def keep(db: Writing, record: LoadRecord, *, at: Instant, line: str) -> None:
    """Add a record; `line` says in words what it shows."""
    packed = pack(record)
    db.execute(
        "INSERT INTO load_decisions (decided_at, bytes, line, record) VALUES (?, ?, ?, ?)",
        (at, len(packed), line, packed),
    )


def delete_beyond(db: Writing, *, bytes_kept: int, most: int) -> int:
    """Delete up to `most` of the oldest records while all together are larger than allowed; how many went."""
    (surplus,) = db.execute("SELECT coalesce(sum(bytes), 0) - ? FROM load_decisions", (bytes_kept,)).fetchone()
    last = None
    for number, size in db.execute(
        "SELECT decision_id, bytes FROM load_decisions ORDER BY decision_id LIMIT ?", (most,)
    ):
        if surplus <= 0:
            break
        last, surplus = number, surplus - size
    return 0 if last is None else db.execute("DELETE FROM load_decisions WHERE decision_id <= ?", (last,)).rowcount
