"""The settings of stations as they reported them. Names compare without case (CiString50), secrets come masked.

Also which keys a station does not know, and how its settings were last read as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.desired_settings import Reported
from gateway.store.writing import Writing

How = Literal["whole", "by_name", "failed"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How and when a station's settings were last read, and by which firmware they were told."""

    firmware_version: str | None
    how: How
    read_at: Instant


def record(
    db: Writing, station: StationId, key: str, *, value: str | None, readonly: bool | None, now: Instant
) -> None:
    """The station reported this key. `readonly` None leaves what was known."""
    db.execute(
        "INSERT INTO configuration_keys (station, folded_key, key, value, readonly, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (station, folded_key) DO UPDATE SET key = excluded.key,"
        " value = excluded.value, readonly = coalesce(excluded.readonly, readonly), updated_at = excluded.updated_at",
        (station, key.casefold(), key, value, readonly, now),
    )
    db.execute("DELETE FROM unknown_keys WHERE station = ? AND folded_key = ?", (station, key.casefold()))


def record_unknown(db: Writing, station: StationId, key: str, *, now: Instant) -> None:
    """The station said that it does not know this key."""
    db.execute("DELETE FROM configuration_keys WHERE station = ? AND folded_key = ?", (station, key.casefold()))
    db.execute("INSERT OR REPLACE INTO unknown_keys VALUES (?, ?, ?, ?)", (station, key.casefold(), key, now))


def record_change(
    db: Writing, station: StationId, key: str, *, value: str, reboot_required: bool, now: Instant
) -> None:
    """The station accepted a new value; it may take effect only after a reboot."""
    db.execute(
        "INSERT INTO configuration_keys (station, folded_key, key, value, reboot_required, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (station, folded_key) DO UPDATE SET value = excluded.value,"
        " reboot_required = excluded.reboot_required, updated_at = excluded.updated_at",
        (station, key.casefold(), key, value, reboot_required, now),
    )


def value_of(db: Writing, station: StationId, key: str) -> str | None:
    """The value of a setting as last reported; None: it was never told, or has none."""
    row = db.execute(
        "SELECT value FROM configuration_keys WHERE station = ? AND folded_key = ?", (station, key.casefold())
    ).fetchone()
    return None if row is None else row[0]


def values_of_all(db: Writing, key: str) -> dict[StationId, str]:
    """What each station that told this key reported."""
    sql = "SELECT station, value FROM configuration_keys WHERE folded_key = ? AND value IS NOT NULL"
    return {StationId(station): value for station, value in db.execute(sql, (key.casefold(),))}


def all_in_effect(db: Writing, station: StationId) -> None:
    """The station has rebooted: every accepted value is in effect."""
    db.execute("UPDATE configuration_keys SET reboot_required = 0 WHERE station = ? AND reboot_required", (station,))


def reported(db: Writing, station: str) -> Mapping[str, Reported]:
    """Every key that the station told, by its folded name."""
    rows = db.execute(
        "SELECT folded_key, key, value, readonly, reboot_required, updated_at FROM configuration_keys"
        " WHERE station = ?",
        (station,),
    )
    return {
        folded: Reported(key, value, None if readonly is None else bool(readonly), bool(reboot), told_at)
        for folded, key, value, readonly, reboot, told_at in rows
    }


def unknown(db: Writing, station: str) -> frozenset[str]:
    """The keys, folded, that the station said it does not know."""
    return frozenset(key for (key,) in db.execute("SELECT folded_key FROM unknown_keys WHERE station = ?", (station,)))


def record_reading(db: Writing, station: StationId, *, how: How, firmware_version: str | None, now: Instant) -> None:
    """The station's settings were read, or could not be."""
    db.execute("INSERT OR REPLACE INTO settings_read VALUES (?, ?, ?, ?)", (station, firmware_version, how, now))


def newest_reading(db: Writing, station: StationId) -> Reading | None:
    """How the settings were last read; None: never."""
    row = db.execute(
        "SELECT firmware_version, how, read_at FROM settings_read WHERE station = ?", (station,)
    ).fetchone()
    return None if row is None else Reading(*row)


def doubt_everything(db: Writing, now: Instant) -> None:
    """A backup was restored: stations were told other values since. All are read again."""
    db.execute("DELETE FROM settings_read")


def read_again(db: Writing, station: StationId) -> None:
    """It is another device by that name: its own values are to be read."""
    db.execute("DELETE FROM settings_read WHERE station = ?", (station,))


def forget(db: Writing, station: StationId, *, values_too: bool) -> None:
    """Other firmware: what it does not know is no longer known; `values_too`: it is another station by that name."""
    db.execute("DELETE FROM unknown_keys WHERE station = ?", (station,))
    if values_too:
        for table in ("configuration_keys", "settings_read"):
            db.execute(f"DELETE FROM {table} WHERE station = ?", (station,))


def needs_reboot(db: Writing, station: str) -> bool:
    """True when a value that the station accepted takes effect only after its next boot."""
    sql = "SELECT 1 FROM configuration_keys WHERE station = ? AND reboot_required LIMIT 1"
    return db.execute(sql, (station,)).fetchone() is not None
