"""Thinning meter frames, the oldest first, a bite at a time: how each is read; the rule is `rules.thinning`."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.model.instants import Instant
from gateway.operations.known_stations import find_settings
from gateway.operations.read_meter_bodies import first_moment, first_register
from gateway.operations.site import Site
from gateway.operations.tell_drops import claims_of
from gateway.rules.thinning import Frame, Thinning
from gateway.store import journal_expiry, meter_frames, station_numbers
from gateway.store.journal_expiry import NOTHING, Bite, Deleting
from gateway.store.meter_frames import Thinnable
from gateway.store.writing import Writing

# Bounds of one unit; each frame is unpacked and read.
_FRAMES_AT_ONCE = 100
_BYTES_AT_ONCE = 1_000_000


@dataclass(slots=True)
class MeterThinner:
    """Goes on where it was; after a restart of the gateway a frame more of each series stays."""

    site: Site
    thinning: Thinning = field(default_factory=Thinning)

    async def bite(self) -> Bite:
        """Thin the next frames; `more`: there were any."""
        site, before, now = self.site, self.thinning, self.site.wall_clock()
        bite, self.thinning = await site.database.write(lambda db: _thin(db, site, before.copy(), now))
        return bite


def _thin(db: Writing, site: Site, thinning: Thinning, now: Instant) -> tuple[Bite, Thinning]:
    found = meter_frames.to_thin(db, most=_FRAMES_AT_ONCE, most_bytes=_BYTES_AT_ONCE)
    if not found:
        return NOTHING, thinning
    station_numbers.note(db)
    why = Deleting("thinned", claims_of(db, site.configuration), len(found), now)
    going = [gone for one in found if (gone := thinning.going(_read(db, site, one))) is not None]
    db.set_meta("meter_thinned_upto", found[-1].frame.frame_id)
    return _delete(db, going, why)._replace(more=True), thinning


def _delete(db: Writing, going: list[Frame], why: Deleting) -> Bite:
    of_sessions = [(frame.series, frame.frame_id) for frame in going if isinstance(frame.series, int)]
    db.connection.executemany("DELETE FROM meter_index WHERE transaction_id = ? AND frame_id = ?", of_sessions)
    return journal_expiry.delete_these_frames(db, [frame.frame_id for frame in going], why)


def _read(db: Writing, site: Site, one: Thinnable) -> Frame:
    frame = one.frame
    offset = find_settings(db, site.configuration, frame.station).utc_offset_minutes
    measured_at = first_moment(frame.body, utc_offset_minutes=offset) or frame.recorded_at
    session = meter_frames.session_in_index(db, frame, measured_at)
    return Frame(
        frame_id=frame.frame_id,
        series=(frame.station, frame.connector) if session is None else session,
        measured_at=measured_at,
        tells_register=first_register(frame.body, utc_offset_minutes=offset) is not None,
        is_evidence=one.is_evidence,
    )
