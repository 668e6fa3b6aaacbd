"""The journal for fleet managers: the next events of one stream, with all that their envelopes tell.

It decides nothing about what is sent and when. What takes `db` runs inside a unit of work, and reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.model.journal import JournalEvent, kind_of_frame
from gateway.store import clock_states
from gateway.store.meter_frames import unpack
from gateway.store.readers import Readers
from gateway.store.writing import Numbers, Writing, newest_numbers

_MOST_BYTES = 1_000_000


class _Life(NamedTuple):
    """A life before a restore: what was known in it has ids of its epoch."""

    epoch: str
    upto_event_id: int
    tx: int
    ops: int
    meter: int


def epoch_of(db: Writing) -> str:
    """The name of the present epoch."""
    (epoch,) = db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    return str(epoch)


def newest(db: Writing) -> dict[str, int]:
    """The newest sequence of each stream; 0 where there is none."""
    db.insert_late_rows()
    numbers: Numbers = newest_numbers(db.connection)
    return {"tx": numbers.tx, "ops": numbers.ops, "meter": numbers.meter}


def oldest(db: Writing) -> dict[str, int]:
    """The oldest sequence of each stream that the journal holds; where it holds none, the next that will be given."""
    following = newest(db)
    found: dict[str, int] = {}
    for stream, number in following.items():
        first = oldest_after(db, stream, 0)
        found[stream] = number + 1 if first is None else first[0]
    return found


def after(db: Writing, stream: str, sequence: int, *, most: int) -> list[JournalEvent]:
    """The next events of a stream behind `sequence`: at most `most`, fewer when they are large."""
    db.insert_late_rows()
    rows = _frames(db, sequence, most) if stream == "meter" else _events(db, stream, sequence, most)
    states = clock_states.of_events(db, [event_id for event_id, _ in rows])
    lives = db.execute(
        "SELECT epoch, upto_event_id, tx_shift, ops_shift, meter_shift FROM epochs_before ORDER BY number DESC"
    ).fetchall()
    before = [_Life(*life) for life in lives]
    return [
        event._replace(clock=clock, previous_id=_previous_id(event, event_id, before))
        for (event_id, event), clock in zip(rows, states, strict=True)
    ]


def _previous_id(event: JournalEvent, event_id: int, before: Sequence[_Life]) -> str | None:
    """Its id in the life that recorded it: who was away for the lives between knows it by that. Newest life first."""
    sequence, found = event.sequence, None
    for life in before:
        if event_id > life.upto_event_id:
            break
        shift: int = getattr(life, event.stream)
        sequence += shift
        found = f"{life.epoch}:{event.stream}:{sequence}"
    return found


def oldest_after(db: Writing, stream: str, sequence: int) -> tuple[int, Instant] | None:
    """The first event of a stream behind `sequence`: its sequence, and when it was recorded. None: there is none."""
    db.insert_late_rows()
    if stream == "meter":
        first = _first_frame_after(db, sequence)
        row = db.execute("SELECT sequence, recorded_at FROM meter_frames WHERE id >= ? ORDER BY id LIMIT 1", (first,))
    else:
        row = db.execute(
            "SELECT sequence, recorded_at FROM events WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT 1",
            (stream, sequence),
        )
    found = row.fetchone()
    return None if found is None else (int(found[0]), Instant(found[1]))


async def sequence_since(readers: Readers, stream: str, instant: Instant) -> int | None:
    """The sequence of the first event of a stream that was recorded at `instant` or later; None: there is none.

    It may look through the whole stream, as a clock may have been set back: beside the writer, not in a unit of work.
    """
    if stream == "meter":
        sql = "SELECT sequence FROM meter_frames WHERE recorded_at >= ? ORDER BY id LIMIT 1"
        row = await readers.row(sql, (instant,))
    else:
        sql = "SELECT sequence FROM events WHERE stream = ? AND recorded_at >= ? ORDER BY sequence LIMIT 1"
        row = await readers.row(sql, (stream, instant))
    return None if row is None else int(row[0])


def _events(db: Writing, stream: str, sequence: int, most: int) -> list[tuple[int, JournalEvent]]:
    found: list[tuple[int, JournalEvent]] = []
    size_bytes = 0
    for event_id, data, *columns in db.execute(
        "SELECT id, CAST(data AS BLOB), stream, sequence, station_sequence, kind, station, connector, happened_at,"
        " recorded_at FROM events WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        (stream, sequence, most),
    ):
        found.append((event_id, JournalEvent._make([*columns, data, None, None, None])))
        size_bytes += len(data)
        if size_bytes >= _MOST_BYTES:
            break
    return found


def _frames(db: Writing, sequence: int, most: int) -> list[tuple[int, JournalEvent]]:
    found: list[tuple[int, JournalEvent]] = []
    size_bytes = 0
    for row in db.execute(
        # which session it belongs to may be found out later, and an event must not change: what the station claimed
        """SELECT id, sequence, station_sequence, station, connector, recorded_at,
                  iif(claimed_transaction_id > 0, claimed_transaction_id, NULL), encoding, body
           FROM meter_frames WHERE id >= ? ORDER BY id LIMIT ?""",
        (_first_frame_after(db, sequence), most),
    ):
        event_id, number, station_number, station, connector, recorded_at, transaction_id, encoding, body = row
        data = unpack(encoding, body)
        at = Instant(recorded_at)
        event = JournalEvent(
            "meter",
            number,
            station_number,
            kind_of_frame(station),
            station or None,
            connector,
            at,
            at,
            data,
            transaction_id,
        )
        found.append((event_id, event))
        size_bytes += len(data)
        if size_bytes >= _MOST_BYTES:
            break
    return found


def _first_frame_after(db: Writing, sequence: int) -> int:
    """The lowest id from which on all frames have higher sequences: found by halving, as both rise together."""
    low, high = 0, db.execute("SELECT coalesce(max(id), 0) + 1 FROM meter_frames").fetchone()[0]
    while low < high:
        middle = (low + high) // 2
        row = db.execute(
            "SELECT id, sequence FROM meter_frames WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[1] > sequence:
            high = middle
        else:
            low = row[0] + 1
    return int(low)
