"""The newest try to give each key of a station its wanted value, and what came of it.

Whether it may be tried again is decided by `rules.desired_settings`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.desired_settings import Result, Trial
from gateway.store.writing import Writing


def of_station(db: Writing, station: str) -> Mapping[str, Trial]:
    """The newest try of each key, by its folded name."""
    rows = db.execute(
        "SELECT folded_key, desired, reported, firmware_version, result, accepted, reboots, tried_at"
        " FROM setting_trials WHERE station = ?",
        (station,),
    )
    return {row[0]: Trial(*row[1:]) for row in rows}


def begin(
    db: Writing,
    station: StationId,
    key: str,
    *,
    desired: str,
    reported: str | None,
    firmware_version: str | None,
    now: Instant,
) -> None:
    """The wanted value is about to be sent; reboots are counted on while value and firmware stay."""
    db.execute(
        "INSERT INTO setting_trials VALUES (?, ?, ?, ?, ?, 'sent', NULL, 0, ?)"
        " ON CONFLICT (station, folded_key) DO UPDATE SET"
        " reboots = iif(desired = excluded.desired AND firmware_version IS excluded.firmware_version, reboots, 0),"
        " desired = excluded.desired, reported = excluded.reported, firmware_version = excluded.firmware_version,"
        " result = 'sent', accepted = NULL, tried_at = excluded.tried_at",
        (station, key.casefold(), desired, reported, firmware_version, now),
    )


def again(db: Writing, station: StationId, key: str, *, now: Instant) -> None:
    """A part of the wanted list is about to be sent."""
    db.execute(
        "UPDATE setting_trials SET tried_at = ? WHERE station = ? AND folded_key = ?", (now, station, key.casefold())
    )


def now_holds(db: Writing, station: StationId, key: str, value: str) -> None:
    """The station took a part of the list: what it reports now is our own doing."""
    db.execute(
        "UPDATE setting_trials SET reported = ? WHERE station = ? AND folded_key = ?", (value, station, key.casefold())
    )


def settle(db: Writing, station: StationId, key: str, *, result: Result, accepted: str | None = None) -> None:
    """What came of it; `accepted`: the part of the list that was accepted, when it was not the whole."""
    db.execute(
        "UPDATE setting_trials SET result = ?, accepted = ? WHERE station = ? AND folded_key = ?",
        (result, accepted, station, key.casefold()),
    )


def has_any(db: Writing, station: StationId) -> bool:
    """True when a change of settings was ever tried there by itself."""
    return db.execute("SELECT 1 FROM setting_trials WHERE station = ? LIMIT 1", (station,)).fetchone() is not None


def count_boot(db: Writing, station: StationId, *, tried_after: Instant, most: int) -> None:
    """The station booted: right after the tries since `tried_after`; those that it survived are cleared."""
    taken = "result IN ('sent', 'Accepted')"
    db.execute(
        f"UPDATE setting_trials SET reboots = iif(tried_at >= ?1 AND {taken}, reboots + 1, 0)"
        f" WHERE station = ?2 AND reboots < ?3 AND ((tried_at >= ?1 AND {taken}) OR reboots > 0)",
        (tried_after, station, most),
    )


def forget(db: Writing, station: StationId) -> None:
    """It is another station by that name."""
    db.execute("DELETE FROM setting_trials WHERE station = ?", (station,))
