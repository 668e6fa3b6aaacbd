"""Rows of security events: told by stations (`station`), or seen by the gateway itself (`gateway`).

A flood does not fill the disk: of one source and station `MOST_AN_HOUR` are kept and told in the journal, the rest is
counted in one row; the newest `MOST_KEPT` stay. Critical events and others are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from gateway.model.clipping import clipped
from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.rules.secrecy import masked_text
from gateway.rules.security_events import LEFT_OUT, MOST_AN_HOUR, MOST_KEPT, begin_of_hour, is_critical
from gateway.store import events
from gateway.store.writing import Writing

Source = Literal["station", "gateway"]

SOURCES: tuple[str, ...] = get_args(Source)

_LONGEST_BYTES = 1024
_WHOSE: dict[Source, str] = {"station": "told by the station", "gateway": "seen by the gateway"}


class _Group(NamedTuple):
    """Those that are counted together."""

    station: StationId | None
    source: Source
    critical: bool


def record(
    db: Writing,
    *,
    station: StationId | None,
    source: Source,
    type: str,
    tech_info: str | None = None,
    address: str | None = None,
    happened_at: Instant,
    now: Instant,
) -> bool:
    """Keep an event and tell it in the journal; False when it was only counted, because too many came.

    `station` None: no known station (an invented name must not be counted apart). Texts are cut and masked.
    """
    type = _shown(type)
    group = _Group(station, source, is_critical(type))
    if _kept_lately(db, group, now) >= MOST_AN_HOUR:
        _count(db, group, now)
        return False
    _insert(db, group, type, None if tech_info is None else _shown(tech_info), address, happened_at, now)
    return True


def told_since(db: Writing, station: StationId, types: Sequence[str], command_id: CommandId) -> bool:
    """Has the station told one of these since it was asked for this?"""
    places = ", ".join("?" * len(types))
    found = db.execute(
        f"SELECT 1 FROM security_events WHERE station = ? AND source = 'station' AND type IN ({places})"
        " AND recorded_at >= (SELECT asked_at FROM commands WHERE command_id = ?) LIMIT 1",
        (station, *types, command_id),
    )
    return found.fetchone() is not None


def _kept_lately(db: Writing, group: _Group, now: Instant) -> int:
    """How many of the newest were kept within the hour; what a clock set back left in the future does not count."""
    (kept,) = db.execute(
        "SELECT count(*) FROM (SELECT recorded_at FROM security_events WHERE station IS ? AND source = ?"
        " AND critical = ? ORDER BY id DESC LIMIT ?) WHERE recorded_at > ? AND recorded_at <= ?",
        (*group, MOST_AN_HOUR, begin_of_hour(now), now),
    ).fetchone()
    return int(kept)


def _count(db: Writing, group: _Group, now: Instant) -> None:
    """Add one to the row that stands for what was not kept within the hour; the first one makes it and is told."""
    mine = _Group(group.station, "gateway", is_critical(LEFT_OUT))
    counted = db.execute(
        "UPDATE security_events SET times = times + 1 WHERE id = (SELECT id FROM security_events WHERE station IS ?"
        " AND source = ? AND critical = ? AND type = ? AND tech_info = ? AND recorded_at > ? AND recorded_at <= ?"
        " ORDER BY id DESC LIMIT 1)",
        (*mine, LEFT_OUT, _WHOSE[group.source], begin_of_hour(now), now),
    ).rowcount
    if not counted:
        _insert(db, mine, LEFT_OUT, _WHOSE[group.source], None, now, now)


def _insert(
    db: Writing,
    group: _Group,
    type: str,
    tech_info: str | None,
    address: str | None,
    happened_at: Instant,
    now: Instant,
) -> None:
    db.execute(
        "INSERT INTO security_events (station, source, critical, type, times, tech_info, address, happened_at,"
        " recorded_at) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)",
        (*group, type, tech_info, address, happened_at, now),
    )
    db.execute(
        "DELETE FROM security_events WHERE station IS ?1 AND source = ?2 AND critical = ?3 AND id <="
        " (SELECT id FROM security_events WHERE station IS ?1 AND source = ?2 AND critical = ?3"
        " ORDER BY id DESC LIMIT 1 OFFSET ?4)",
        (*group, MOST_KEPT),
    )
    data = {"type": type, "critical": group.critical, "tech_info": tech_info, "address": address}
    kind = f"{group.source}.security_event"
    events.append(db, kind, station=group.station, happened_at=happened_at, recorded_at=now, data=data)


def _shown(text: str) -> str:
    """A text as it may be kept: cut, then without secrets."""
    return masked_text(str(clipped(text, most_bytes=_LONGEST_BYTES)))
