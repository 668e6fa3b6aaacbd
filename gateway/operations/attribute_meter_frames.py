"""Which session do stored meter frames belong to, and what did its register say? The writer is never held for long.

Frames are stored raw and in a hurry; each is looked at once, in the background, in units bounded by frames and bytes.
An answer that must know looks only at the newest frames of its station. The rule is `rules.transactions.which_session`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from gateway.configuration import Configuration
from gateway.model.identities import ConnectorId, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.model.sessions import Session
from gateway.operations.known_stations import find_settings
from gateway.operations.read_meter_bodies import first_moment, first_register, last_moment, last_register
from gateway.operations.site import Site
from gateway.operations.tell_meter_values import tell_last_values, tell_values
from gateway.rules.transactions import which_session
from gateway.store import meter_frames, transactions
from gateway.store.writing import Writing

# Bounds of one unit. A legal frame has up to some megabytes, so frames alone are no measure.
_FRAMES_AT_ONCE = 100
_BYTES_AT_ONCE = 1_000_000
_SESSIONS_AT_ONCE = 50
# Bounds of looking for a register in one session: a week of a value each ten seconds, if none of them is a register.
_FRAMES_LOOKED_AT = 60_000
_BYTES_LOOKED_AT = 16_000_000


@dataclass(slots=True)
class _Unit:
    """What one unit of work has looked up so far."""

    configuration: Configuration
    claims: dict[int, Session | None] = field(default_factory=dict)
    offsets: dict[StationId, int] = field(default_factory=dict)
    bytes_read: int = 0

    def utc_offset_minutes(self, db: Writing, station: StationId) -> int:
        """What the station's times without a zone mean."""
        if station not in self.offsets:
            self.offsets[station] = find_settings(db, self.configuration, station).utc_offset_minutes
        return self.offsets[station]


async def attribute_all(site: Site) -> None:
    """Index every frame stored so far, in units short enough not to hold anybody up, and tell what billing needs."""
    for some in (attribute_some, settle_some):
        done = 1
        while done:
            done = await site.database.write(partial(some, configuration=site.configuration, now=site.wall_clock()))


def attribute_some(db: Writing, configuration: Configuration, *, now: Instant) -> int:
    """Index the oldest frames that are not indexed yet; returns how many: a bounded number, 0 when there are none."""
    unit = _Unit(configuration)
    frames = meter_frames.unindexed(db, _FRAMES_AT_ONCE)
    done, found = _sessions_of(db, frames, unit)
    offset_of = partial(unit.utc_offset_minutes, db)
    told = tell_values(db, found, offset_of=offset_of, most_bytes=_BYTES_AT_ONCE, now=now)
    if told < len(found):
        done, found = frames.index(found[told][1]), found[:told]
    if done:
        meter_frames.index(db, _ids(found), upto=frames[done - 1].frame_id)
    return done


def settle_some(db: Writing, configuration: Configuration, *, now: Instant) -> int:
    """When everything is indexed: tell the last values of sessions that have ended; returns how many sessions."""
    unit = _Unit(configuration)
    return tell_last_values(
        db, offset_of=partial(unit.utc_offset_minutes, db), most=_SESSIONS_AT_ONCE, most_bytes=_BYTES_AT_ONCE, now=now
    )


def attribute_newest(db: Writing, configuration: Configuration, station: StationId) -> None:
    """Index the newest frames of one station now; what is more than a unit's worth is left to the background."""
    frames = meter_frames.unindexed_of_station(db, station, _FRAMES_AT_ONCE)
    _, found = _sessions_of(db, frames, _Unit(configuration))
    meter_frames.index_ahead(db, _ids(found))


def last_register_of(db: Writing, session: Session, *, utc_offset_minutes: int) -> tuple[int | None, Instant | None]:
    """The newest total energy register (as told, without the station's scale) in a session, and its newest time."""
    newest: Instant | None = None
    bytes_read = 0
    for number, frame in enumerate(meter_frames.each_of_session(db, session.transaction_id, newest_first=True)):
        if newest is None:
            newest = last_moment(frame.body, utc_offset_minutes=utc_offset_minutes) or frame.recorded_at
        if number >= _FRAMES_LOOKED_AT or bytes_read >= _BYTES_LOOKED_AT:
            break
        bytes_read += len(frame.body)
        reading = last_register(frame.body, utc_offset_minutes=utc_offset_minutes)
        if reading is not None:
            return reading.register, newest
    return None, newest


def first_register_of(db: Writing, session: Session, *, utc_offset_minutes: int) -> int | None:
    """The oldest total energy register (as told, without the station's scale) in a session."""
    oldest = _first_reading(db, session, newest_first=False, most=_FRAMES_LOOKED_AT, offset=utc_offset_minutes)
    # the data of the whole session may have come with its stop, after everything else
    ending = _first_reading(db, session, newest_first=True, most=1, offset=utc_offset_minutes)
    told = [reading for reading in (oldest, ending) if reading is not None]
    return min(told)[1] if told else None


def _first_reading(
    db: Writing, session: Session, *, newest_first: bool, most: int, offset: int
) -> tuple[Instant, int] | None:
    """When (at the latest) and what the register was."""
    bytes_read = 0
    for number, frame in enumerate(meter_frames.each_of_session(db, session.transaction_id, newest_first=newest_first)):
        if number >= most or bytes_read >= _BYTES_LOOKED_AT:
            return None
        bytes_read += len(frame.body)
        reading = first_register(frame.body, utc_offset_minutes=offset)
        if reading is not None:
            return reading.at or frame.recorded_at, reading.register
    return None


def _ids(found: list[tuple[TransactionId, meter_frames.Unindexed]]) -> list[tuple[TransactionId, int]]:
    return [(transaction_id, frame.frame_id) for transaction_id, frame in found]


def _sessions_of(
    db: Writing, frames: list[meter_frames.Unindexed], unit: _Unit
) -> tuple[int, list[tuple[TransactionId, meter_frames.Unindexed]]]:
    """How many of the frames were looked at before the unit was long enough, and the sessions found."""
    found: list[tuple[TransactionId, meter_frames.Unindexed]] = []
    for done, frame in enumerate(frames):
        if unit.bytes_read >= _BYTES_AT_ONCE:
            return done, found
        transaction_id = frame.transaction_id
        if transaction_id is None:
            session = _session_of(db, frame, unit)
            transaction_id = session.transaction_id if session is not None else None
        if transaction_id is not None:
            found.append((transaction_id, frame))
    return len(frames), found


def _session_of(db: Writing, frame: meter_frames.Unindexed, unit: _Unit) -> Session | None:
    claimed = _claimed(db, frame.claimed_transaction_id, frame.station, unit.claims)
    if claimed is not None:
        return claimed
    if not frame.connector:
        return None  # unknown, or the main meter of the station
    connector = ConnectorId(frame.connector)
    on_connector = transactions.newest_on_connector(db, frame.station, connector)
    if not on_connector:
        return None
    at = _measured_at(db, frame, unit)
    return which_session(claimed=None, on_connector=on_connector, connector=connector, at=at)


def _claimed(
    db: Writing, claimed_id: int | None, station: StationId, claims: dict[int, Session | None]
) -> Session | None:
    if claimed_id is None or claimed_id <= 0:
        return None
    if claimed_id not in claims:
        claims[claimed_id] = transactions.find(db, claimed_id)
    session = claims[claimed_id]
    return session if session is not None and session.station == station else None


def _measured_at(db: Writing, frame: meter_frames.Unindexed, unit: _Unit) -> Instant:
    body = meter_frames.body_of(db, frame.frame_id)
    unit.bytes_read += len(body)
    return first_moment(body, utc_offset_minutes=unit.utc_offset_minutes(db, frame.station)) or frame.recorded_at
