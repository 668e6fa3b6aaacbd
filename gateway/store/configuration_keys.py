"""The settings of stations as they reported them. Names compare without case (CiString50), secrets come masked."""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing


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


def all_in_effect(db: Writing, station: StationId) -> None:
    """The station has rebooted: every accepted value is in effect."""
    db.execute("UPDATE configuration_keys SET reboot_required = 0 WHERE station = ? AND reboot_required", (station,))
