"""Stations as the gateway remembers them: admission, run-time settings, password hash, what they said of themselves.

A station of the configuration file may have no row yet; a row of origin `file` whose station has left the file counts
as unknown. Both are decided by operations, which know the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing

Origin = Literal["file", "api", "knock"]
Admission = Literal["accepted", "pending", "removed"]

# what goes with a station; `numbers_given` stays, because the device may come back
OF_STATIONS = (
    "charging_profile_clearings", "charging_profiles", "composite_schedules", "configuration_keys", "connectors",
    "fallback_profiles", "fleet_updates", "installed_certificates", "job_notifications", "knocks", "limiting",
    "limits_sent", "quirks", "roots_sent", "security_changes", "setting_trials", "settings_read",
    "signing_requests_counted", "unknown_keys", "unsupported_requests",
)  # fmt: skip

COLUMNS = (
    "station, origin, admission, settings, password_hash, vendor, model, serial_number, box_serial_number,"
    " firmware_version, iccid, imsi, meter_type, meter_serial, booted_at, connected_at, created_at, clock_offset_ms"
)


@dataclass(frozen=True, slots=True)
class StationRow:
    """One row of `stations`; `settings` are the run-time values, as JSON text."""

    station: StationId
    origin: Origin
    admission: Admission
    settings: str
    password_hash: str | None
    vendor: str | None
    model: str | None
    serial_number: str | None
    box_serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial: str | None
    booted_at: Instant | None
    connected_at: Instant | None
    created_at: Instant
    clock_offset_ms: int | None

    def run_time_values(self) -> dict[str, object]:
        """What was set while running, by the names of `[[station]]`."""
        values: dict[str, object] = json.loads(self.settings)
        return values


def find(db: Writing, station: str) -> StationRow | None:
    """The station's row, or None."""
    row = db.execute(f"SELECT {COLUMNS} FROM stations WHERE station = ?", (station,)).fetchone()
    return None if row is None else StationRow(*row)


def every(db: Writing) -> dict[StationId, StationRow]:
    """The row of each station that has one, whatever its admission."""
    rows = (StationRow(*row) for row in db.execute(f"SELECT {COLUMNS} FROM stations ORDER BY station"))
    return {row.station: row for row in rows}


def how_many(db: Writing, *, in_files: Iterable[str]) -> int:
    """Stations that are known: those of the configuration, which have a row only once they came, and all others."""
    rows = db.execute("SELECT station FROM stations WHERE origin <> 'file' AND admission <> 'removed'")
    return len({*(station for (station,) in rows), *in_files})


def find_by_alias(db: Writing, alias: str) -> StationRow | None:
    """The station whose run-time settings name `alias` as another of its identities, or None."""
    row = db.execute(
        f"""SELECT {COLUMNS} FROM stations
            WHERE json_extract(settings, '$.aliases') IS NOT NULL
              AND EXISTS (SELECT 1 FROM json_each(settings, '$.aliases') WHERE value = ?) ORDER BY station LIMIT 1""",
        (alias,),
    ).fetchone()
    return None if row is None else StationRow(*row)


class KnownNames(NamedTuple):
    """What an accepted station is called: its run-time aliases, and the serial numbers it told."""

    station: StationId
    aliases: frozenset[str]
    serial_numbers: frozenset[str]


def known_names(db: Writing) -> list[KnownNames]:
    """The names of every accepted station that has a row."""
    rows = db.execute(
        "SELECT station, settings, serial_number, box_serial_number FROM stations WHERE admission = 'accepted'"
    )
    return [
        KnownNames(
            StationId(station),
            frozenset(json.loads(settings).get("aliases") or ()),
            frozenset(number for number in numbers if number),
        )
        for station, settings, *numbers in rows
    ]


def provision(
    db: Writing,
    station: str,
    *,
    origin: Origin,
    settings: Mapping[str, object],
    password_hash: str | None,
    now: Instant,
    admission: Admission = "accepted",
) -> None:
    """Make the station known with these run-time settings, or change them; a knock of that name is answered with it."""
    db.execute(
        """INSERT INTO stations (station, origin, admission, settings, password_hash, created_at)
           VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (station) DO UPDATE SET origin = excluded.origin, admission = excluded.admission,
               settings = excluded.settings, password_hash = excluded.password_hash""",
        (station, origin, admission, _text(settings), password_hash, now),
    )
    if admission == "accepted":
        db.execute("DELETE FROM knocks WHERE station = ?", (station,))


def set_run_time_values(db: Writing, station: str, changes: Mapping[str, object]) -> None:
    """Change some run-time settings of a known station; null takes one away (back to the file's value)."""
    row = find(db, station)
    if row is not None:
        values = {name: value for name, value in {**row.run_time_values(), **changes}.items() if value is not None}
        db.execute("UPDATE stations SET settings = ? WHERE station = ?", (_text(values), station))


def set_password_hash(db: Writing, station: str, password_hash: str | None) -> None:
    """From now on this password counts for the station."""
    db.execute("UPDATE stations SET password_hash = ? WHERE station = ?", (password_hash, station))


def remove(db: Writing, station: str) -> bool:
    """Forget the station and what it said of itself; its transactions and the journal stay. False when unknown."""
    gone = db.execute("DELETE FROM stations WHERE station = ?", (station,)).rowcount > 0
    db.execute("DELETE FROM issued_certificates WHERE station = ? AND state = 'pending'", (station,))
    db.execute("DELETE FROM station_jobs WHERE station = ? AND finished_at IS NULL", (station,))
    for table in OF_STATIONS:
        db.execute(f"DELETE FROM {table} WHERE station = ?", (station,))
    return gone


def _text(settings: Mapping[str, object]) -> str:
    return json.dumps(settings, ensure_ascii=False, sort_keys=True)
