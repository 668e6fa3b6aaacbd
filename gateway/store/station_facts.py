"""What stations tell of themselves and when they were here: boots, connections, knocks, quirks, quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.rules.registration import Admission
from gateway.rules.secrecy import masked_bytes
from gateway.store.writing import Writing

_LARGEST_QUARANTINED_BYTES = 65_536
_MOST_QUARANTINED = 1000
_HOUR = 3_600 * SECOND


class Nameplate(NamedTuple):
    """The contents of a BootNotification."""

    vendor: str
    model: str
    serial_number: str | None
    box_serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial: str | None


def admission_of(db: Writing, station: StationId) -> Admission | None:
    """The station's admission, None when it has no row."""
    row = db.execute("SELECT admission FROM stations WHERE station = ?", (station,)).fetchone()
    return None if row is None else row[0]


def admit(db: Writing, station: StationId, *, origin: str, admission: Admission, now: Instant) -> None:
    """Make the station's row, or give the existing one this admission; a removed one comes back with it."""
    db.execute(
        "INSERT INTO stations (station, origin, admission, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (station) DO UPDATE SET admission = excluded.admission, origin = excluded.origin",
        (station, origin, admission, now),
    )


def count_knocked_in(db: Writing) -> int:
    """How many stations were let in without being provisioned, this batch's own not counted (a storm counts once)."""
    if "knocked_in" not in db.counted:
        (count,) = db.execute(
            "SELECT count(*) FROM stations WHERE origin = 'knock' AND admission <> 'removed'"
        ).fetchone()
        db.counted["knocked_in"] = count
    return db.counted["knocked_in"]


def record_boot(db: Writing, station: StationId, plate: Nameplate, *, now: Instant) -> None:
    """The station has introduced itself."""
    db.execute(
        "UPDATE stations SET vendor = ?, model = ?, serial_number = ?, box_serial_number = ?, firmware_version = ?,"
        " iccid = ?, imsi = ?, meter_type = ?, meter_serial = ?, booted_at = ? WHERE station = ?",
        (
            plate.vendor,
            plate.model,
            plate.serial_number,
            plate.box_serial_number,
            plate.firmware_version,
            plate.iccid,
            plate.imsi,
            plate.meter_type,
            plate.meter_serial,
            now,
            station,
        ),
    )


def record_connection(db: Writing, station: StationId, *, now: Instant) -> None:
    """A new connection of the station was accepted."""
    db.execute("UPDATE stations SET connected_at = ? WHERE station = ?", (now, station))


def record_clock_offset(db: Writing, station: StationId, offset_ms: int) -> None:
    """The newest estimate of the station's clock minus ours."""
    db.execute("UPDATE stations SET clock_offset_ms = ? WHERE station = ?", (offset_ms, station))


def record_knock(db: Writing, identity: str, address: str, *, now: Instant, most: int) -> bool:
    """Somebody unknown tried to connect; True the first time. The oldest knocks beyond `most` are forgotten."""
    known = db.execute("SELECT 1 FROM knocks WHERE station = ?", (identity,)).fetchone() is not None
    db.execute(
        "INSERT INTO knocks VALUES (?, ?, 1, ?, ?) ON CONFLICT (station) DO UPDATE"
        " SET address = excluded.address, times = times + 1, last_seen = excluded.last_seen",
        (identity, address, now, now),
    )
    if not known:
        db.execute(
            "DELETE FROM knocks WHERE station IN"
            " (SELECT station FROM knocks ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
            (most,),
        )
    return not known


def may_tell_of_knock(db: Writing, *, now: Instant, most_an_hour: int) -> bool:
    """True, and counted, when the journal has not told `most_an_hour` knocks in this hour: anybody can knock."""
    hour = now // _HOUR
    (of_hour,) = db.execute("SELECT value FROM meta WHERE name = 'knocks_hour'").fetchone() or (hour,)
    (told,) = db.execute("SELECT value FROM meta WHERE name = 'knocks_told'").fetchone() or (0,)
    told = told if of_hour == hour else 0
    if told < most_an_hour:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('knocks_hour', ?), ('knocks_told', ?)", (hour, told + 1))
    return bool(told < most_an_hour)


def forget_knock(db: Writing, identity: str) -> None:
    """The identity is known now."""
    db.execute("DELETE FROM knocks WHERE station = ?", (identity,))


def add_quirks(db: Writing, counted: Mapping[tuple[StationId, str], int], *, now: Instant) -> None:
    """Add what was counted since the last time."""
    db.connection.executemany(
        "INSERT INTO quirks VALUES (?, ?, ?, ?) ON CONFLICT (station, quirk) DO UPDATE"
        " SET times = times + excluded.times, last_seen = excluded.last_seen",
        [(station, quirk, times, now) for (station, quirk), times in counted.items()],
    )


def quarantine(db: Writing, station: StationId, action: str, reason: str, body: bytes, *, now: Instant) -> None:
    """Keep the raw text (64 kB of it, secrets masked) of a message that could not be used: the newest 1000 of each."""
    db.execute(
        "INSERT INTO quarantine (station, action, reason, recorded_at, body) VALUES (?, ?, ?, ?, ?)",
        (station, action, reason, now, masked_bytes(body[:_LARGEST_QUARANTINED_BYTES])),
    )
    db.execute(
        "DELETE FROM quarantine WHERE station = ?1 AND id <="
        " (SELECT id FROM quarantine WHERE station = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (station, _MOST_QUARANTINED),
    )
