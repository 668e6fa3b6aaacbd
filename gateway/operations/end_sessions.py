"""Ending a session: the row, the event of the journal and the counters, in one unit of work.

Whether it ends is decided elsewhere. Here the registers are found that its station did not tell: nothing but what was
measured in the session is counted, and where that is unknown the energy stays unknown.
"""

from __future__ import annotations

from gateway.model.instants import Instant, text_of
from gateway.model.sessions import Session, Stop
from gateway.operations.attribute_meter_frames import attribute_newest, first_register_of, last_register_of
from gateway.operations.draw_consequences import Ended, after_end
from gateway.operations.known_stations import find_settings
from gateway.operations.site import Site
from gateway.rules.transactions import delivered_wh, reconstructed_stop
from gateway.store import events, transactions
from gateway.store.writing import Writing


def end_reconstructed(db: Writing, site: Site, session: Session, *, why: str, now: Instant) -> None:
    """Close a session whose stop never came, with what was measured; its real stop may still override it."""
    settings = find_settings(db, site.configuration, session.station)
    attribute_newest(db, site.configuration, session.station)
    register, seen_at = last_register_of(db, session, utc_offset_minutes=settings.utc_offset_minutes)
    stop = reconstructed_stop(
        session,
        last_register_wh=None if register is None else register * settings.energy_scale,
        last_sign_of_life=seen_at or session.start_at,
        why=why,
    )
    record_end(db, site, session, stop, now=now)


def record_end(db: Writing, site: Site, session: Session, stop: Stop, *, now: Instant) -> None:
    """Write the end and tell it; a start register that was not told is taken from the session's first values."""
    measured_start_wh = None
    if session.meter_start_wh is None:
        measured_start_wh = _measured_start_wh(db, site, session, stop)
        session = session._replace(meter_start_wh=measured_start_wh)
    transactions.record_stop(db, session.transaction_id, stop, received_at=now, measured_start_wh=measured_start_wh)
    energy_wh = delivered_wh(session, stop)
    _tell(db, session, stop, energy_wh, now)
    after_end(db, site, Ended(session, now))
    counters = site.health.counters
    result = "ended" if stop.source == "station" else "reconstructed"
    db.then.append(lambda: counters.increase("transactions_total", result=result))
    db.then.append(lambda: counters.increase("energy_delivered_watthours_total", max(0, energy_wh or 0)))


def _measured_start_wh(db: Writing, site: Site, session: Session, stop: Stop) -> int | None:
    """The first register measured in the session, unless it is above the one of its end."""
    settings = find_settings(db, site.configuration, session.station)
    attribute_newest(db, site.configuration, session.station)
    register = first_register_of(db, session, utc_offset_minutes=settings.utc_offset_minutes)
    if register is None or (stop.meter_stop_wh is not None and register * settings.energy_scale > stop.meter_stop_wh):
        return None
    return register * settings.energy_scale


def _tell(db: Writing, session: Session, stop: Stop, energy_wh: int | None, now: Instant) -> None:
    events.append(
        db,
        "transaction.ended",
        station=session.station,
        connector=session.connector,
        happened_at=stop.stop_at,
        recorded_at=now,
        data={
            "transaction_id": session.transaction_id,
            "id_tag": session.id_tag,
            "parent_id_tag": session.parent_id_tag,
            "authorization": session.authorization,
            "authorized_by": session.authorized_by,
            "reservation_id": session.reservation_id,
            "start_time": text_of(session.start_at),
            "meter_start_wh": session.meter_start_wh,
            "stop_time": text_of(stop.stop_at),
            "stop_time_text": stop.stop_text,
            "meter_stop_wh": stop.meter_stop_wh,
            "energy_wh": energy_wh,
            "reason": stop.reason,
            "stop_id_tag": stop.stop_id_tag,
            "source": stop.source,
            "corrects": session.stop_source,
            "anomalies": stop.anomalies,
        },
    )
