"""Meter data as it came: raw JSON payloads, byte-exact, numbered as stream `meter`; and which session they belong to.

Written in one insert, read rarely: the index of sessions follows in the background (`unindexed`, `index`), for a
station whose sessions must be known now ahead of that (`unindexed_of_station`, `index_ahead`). Bodies are compressed
with a trained dictionary: two microseconds buy six times less to write, which flash and page cache both like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources

import zstandard

from gateway.model.identities import ConnectorId, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.rules.disk_pressure import METER_STOPPED
from gateway.store.writing import Writing

_RAW, _ZSTANDARD = 0, 1
# Made by tools/train_meter_dictionary.py. It never changes: bodies on disk were compressed with it.
_DICTIONARY = zstandard.ZstdCompressionDict(
    resources.files("gateway.store").joinpath("meter_frames.zdict").read_bytes()
)
_LEVEL = 1
_DICTIONARY.precompute_compress(level=_LEVEL)
_LARGEST_BODY = 256_000_000


@dataclass(frozen=True, slots=True)
class MeterFrame:
    """One message's meter data. `body` is the JSON payload as received."""

    frame_id: int
    station: StationId
    connector: ConnectorId | None
    claimed_transaction_id: int | None
    transaction_id: TransactionId | None
    recorded_at: Instant
    body: bytes


def append(
    db: Writing,
    station: StationId,
    connector: int | None,
    claimed_transaction_id: int | None,
    transaction_id: int | None,
    recorded_at: Instant,
    body: bytes,
) -> None:
    """Keep one message's payload. `transaction_id` only where it is certain already.

    While the disk is too full it is only counted, unless a bill may rest on it.
    """
    claimed = claimed_transaction_id
    if claimed is not None and not -(2**63) <= claimed < 2**63:
        claimed = None
    evidence = transaction_id is not None or is_evidence(body)
    if db.meta("disk_pressure") >= METER_STOPPED and not evidence and not _may_bill(db, station, connector, claimed):
        db.set_meta("meter_not_recorded", db.meta("meter_not_recorded") + 1)
        return
    event_id, sequence = db.next_numbers("meter")
    encoding, stored = _packed(db, body)
    db.append_late(
        "meter_frames",
        (
            event_id,
            sequence,
            station,
            connector,
            claimed,
            transaction_id,
            recorded_at,
            encoding,
            stored,
            db.next_station_number("meter", station),
            int(evidence),
        ),
    )


def append_of_site(db: Writing, recorded_at: Instant, body: bytes) -> None:
    """Keep a sample of the site: a frame of no station."""
    append(db, StationId(""), None, None, None, recorded_at, body)


def _packed(db: Writing, body: bytes) -> tuple[int, bytes]:
    if db.packer is None:
        db.packer = _packer()
    packed = db.packer(body)
    return (_ZSTANDARD, packed) if len(packed) < len(body) else (_RAW, body)


def is_evidence(body: bytes) -> bool:
    """May it hold signed values, whatever their form is called?"""
    return b"igned" in body or b"OCMF" in body


def _may_bill(db: Writing, station: str, connector: int | None, claimed: int | None) -> bool:
    """Does a session run there, whose end may have to be found from what was measured?"""
    return (
        db.execute(
            "SELECT 1 FROM transactions WHERE station = ?1 AND stop_source IS NULL"
            " AND (?2 IS NULL OR connector = ?2 OR transaction_id = ?3)",
            (station, connector, claimed),
        ).fetchone()
        is not None
    )


def unpack(encoding: int, body: bytes) -> bytes:
    """The payload as received."""
    if encoding == _RAW:
        return body
    # a decompressor is made each time, because two threads may not share one
    return zstandard.ZstdDecompressor(dict_data=_DICTIONARY).decompress(body, max_output_size=_LARGEST_BODY)


def _unpacked(db: Writing, encoding: int, body: bytes) -> bytes:
    """The same within a unit of work: what unpacks is made once for its batch."""
    if encoding == _RAW:
        return body
    if db.unpacker is None:
        db.unpacker = partial(
            zstandard.ZstdDecompressor(dict_data=_DICTIONARY).decompress, max_output_size=_LARGEST_BODY
        )
    return db.unpacker(body)


def _packer() -> Callable[[bytes], bytes]:
    """A compressor for one batch: two threads may not share one."""
    return zstandard.ZstdCompressor(
        level=_LEVEL, dict_data=_DICTIONARY, write_checksum=False, write_dict_id=False
    ).compress


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A frame whose session has not been looked up yet; its body is read only when needed (`body_of`)."""

    frame_id: int
    station: StationId
    connector: ConnectorId | None
    claimed_transaction_id: int | None
    transaction_id: TransactionId | None
    recorded_at: Instant


def unindexed(db: Writing, limit: int) -> list[Unindexed]:
    """The oldest frames that are not indexed yet."""
    db.insert_late_rows()
    rows = db.execute(
        "SELECT id, station, connector, claimed_transaction_id, transaction_id, recorded_at FROM meter_frames"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (db.meta("meter_indexed_upto"), limit),
    )
    return [Unindexed(*row) for row in rows]


def unindexed_of_station(db: Writing, station: StationId, limit: int) -> list[Unindexed]:
    """The newest frames of one station that are not indexed yet, newest first."""
    db.insert_late_rows()
    rows = db.execute(
        "SELECT id, station, connector, claimed_transaction_id, transaction_id, recorded_at FROM meter_frames"
        " WHERE id > ? AND station = ? ORDER BY id DESC LIMIT ?",
        (db.meta("meter_indexed_upto"), station, limit),
    )
    return [Unindexed(*row) for row in rows]


def body_of(db: Writing, frame_id: int) -> bytes:
    """The payload of one frame as received."""
    return _unpacked(db, *db.execute("SELECT encoding, body FROM meter_frames WHERE id = ?", (frame_id,)).fetchone())


def find(db: Writing, frame_id: int) -> MeterFrame | None:
    """One frame with its payload; None when it is gone."""
    row = db.execute(f"{_FRAME_COLUMNS} FROM meter_frames f WHERE f.id = ?", (frame_id,)).fetchone()
    if row is None:
        return None
    *values, encoding, body = row
    return _frame((*values, _RAW, _unpacked(db, encoding, body)))


def index(db: Writing, found: Sequence[tuple[TransactionId, int]], *, upto: int) -> None:
    """Note which frames (by id) belong to which session; everything up to frame id `upto` is done."""
    db.connection.executemany("INSERT OR IGNORE INTO meter_index VALUES (?, ?)", found)
    db.set_meta("meter_indexed_upto", upto)


def index_ahead(db: Writing, found: Sequence[tuple[TransactionId, int]]) -> None:
    """Note which frames (by id) belong to which session, before the turn of everything up to them has come.

    The frame keeps the answer, so that it is not given to another session when its turn comes.
    """
    db.connection.executemany("INSERT OR IGNORE INTO meter_index VALUES (?, ?)", found)
    db.connection.executemany(
        "UPDATE meter_frames SET transaction_id = ?1"
        " WHERE id = ?2 AND transaction_id IS NULL AND claimed_transaction_id IS NOT ?1",
        found,
    )


@dataclass(frozen=True, slots=True)
class Thinnable:
    """A frame to be thinned."""

    frame: MeterFrame
    is_evidence: bool


def to_thin(db: Writing, *, most: int, most_bytes: int) -> list[Thinnable]:
    """The oldest frames that were not thinned yet and whose sessions were looked for."""
    db.insert_late_rows()
    found: list[Thinnable] = []
    size_bytes = 0
    for row in db.execute(_TO_THIN, (db.meta("meter_thinned_upto"), db.meta("meter_indexed_upto"), most)):
        evidence, *frame = row
        found.append(Thinnable(_frame(tuple(frame)), bool(evidence)))
        size_bytes += len(found[-1].frame.body)
        if size_bytes >= most_bytes:
            break
    return found


def session_in_index(db: Writing, frame: MeterFrame, at: Instant) -> TransactionId | None:
    """The session that the index says this frame, measured at `at`, belongs to."""
    for (transaction_id,) in db.execute(
        _SESSIONS_OF_FRAME,
        {"claimed": frame.claimed_transaction_id, "known": frame.transaction_id, "station": frame.station,
         "connector": frame.connector, "at": at, "frame": frame.frame_id},
    ):  # fmt: skip
        return TransactionId(transaction_id)
    return None


def of_session(db: Writing, transaction_id: TransactionId) -> list[MeterFrame]:
    """The frames of one session that are indexed, oldest first."""
    return [_frame(row) for row in db.execute(_OF_SESSION, (transaction_id,))]


def each_of_session(db: Writing, transaction_id: TransactionId, *, newest_first: bool) -> Iterator[MeterFrame]:
    """The indexed frames of one session one by one, read as they are asked for."""
    order = "DESC" if newest_first else "ASC"
    for row in db.execute(f"{_OF_SESSION} {order}", (transaction_id,)):
        yield _frame(row)


def ids_named_lately(db: Writing, station: StationId) -> set[int]:
    """The transaction ids that the station used in frames that are not indexed yet."""
    db.insert_late_rows()
    rows = db.execute(
        "SELECT DISTINCT claimed_transaction_id FROM meter_frames"
        " WHERE id > ? AND station = ? AND claimed_transaction_id > 0",
        (db.meta("meter_indexed_upto"), station),
    )
    return {claimed for (claimed,) in rows}


def names_its_id(db: Writing, transaction_id: TransactionId) -> bool:
    """Has the station ever used this id in MeterValues that are indexed, so that it must have received it?"""
    return (
        db.execute(
            "SELECT 1 FROM meter_index i JOIN meter_frames f ON f.id = i.frame_id"
            " WHERE i.transaction_id = ? AND f.claimed_transaction_id = i.transaction_id LIMIT 1",
            (transaction_id,),
        ).fetchone()
        is not None
    )


_FRAME_COLUMNS = (
    "SELECT f.id, f.station, f.connector, f.claimed_transaction_id, f.transaction_id, f.recorded_at, f.encoding, f.body"
)
_OF_SESSION = (
    f"{_FRAME_COLUMNS} FROM meter_index i JOIN meter_frames f ON f.id = i.frame_id"
    " WHERE i.transaction_id = ? ORDER BY i.frame_id"
)

_TO_THIN = (
    "SELECT f.evidence, f.id, f.station, f.connector, f.claimed_transaction_id,"
    " f.transaction_id, f.recorded_at, f.encoding, f.body"
    " FROM meter_frames f WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
)
# by its id, or the last that began on the connector before it was measured
_SESSIONS_OF_FRAME = """
    SELECT transaction_id FROM meter_index WHERE frame_id = :frame AND transaction_id IN (
        SELECT :claimed UNION ALL SELECT :known UNION ALL SELECT transaction_id FROM (
            SELECT transaction_id FROM transactions
            WHERE station = :station AND connector = :connector AND start_at <= :at ORDER BY start_at DESC LIMIT 2))"""


def _frame(row: tuple[object, ...]) -> MeterFrame:
    *values, encoding, body = row
    assert isinstance(encoding, int) and isinstance(body, bytes)
    return MeterFrame(*values, body=unpack(encoding, body))  # type: ignore[misc, arg-type]
