"""Certificates for people: those that were issued, and those that stations have installed."""

from __future__ import annotations

from sqlite3 import Row

from gateway.model.instants import Instant, text_of
from gateway.store.installed_certificates import Installed, is_of, read_root
from gateway.store.readers import Readers

Document = dict[str, object]


async def issued(
    readers: Readers, *, station: str | None = None, before: int | None = None, limit: int
) -> list[Document]:
    """Issued certificates and waiting requests, newest first."""
    rows = await readers.rows(
        "SELECT * FROM issued_certificates WHERE (?1 IS NULL OR station = ?1) AND (?2 IS NULL OR certificate_id < ?2)"
        " ORDER BY certificate_id DESC LIMIT ?3",
        (station, before, limit),
    )
    return [_issued(row) for row in rows]


async def installed(readers: Readers, station: str) -> list[Document]:
    """What the station has installed, as it said, with the names of those that were sent from here."""
    rows = await readers.rows(
        "SELECT * FROM installed_certificates WHERE station = ? ORDER BY certificate_type, folded", (station,)
    )
    sent = await readers.rows("SELECT * FROM roots_sent WHERE station = ? ORDER BY sent_at DESC", (station,))
    return [_installed(row, sent) for row in rows]


def _issued(row: Row) -> Document:
    return {
        "certificate_id": row["certificate_id"],
        "station": row["station"],
        "state": row["state"],
        "common_name": row["common_name"],
        "algorithm": row["algorithm"],
        "security_profile": row["security_profile"],
        "serial_number": row["serial_number"],
        "fingerprint": row["fingerprint"],
        "not_before": _text(row["not_before"]),
        "not_after": _text(row["not_after"]),
        "asked_time": text_of(row["asked_at"]),
        "settled_time": _text(row["settled_at"]),
        "reason": row["reason"],
    }


def _installed(row: Row, sent: list[Row]) -> Document:
    names = (row["hash_algorithm"], row["issuer_name_hash"], row["issuer_key_hash"], row["serial_number"])
    roots = (
        read_root(one["fingerprint"], one["subject"], one["serial_number"], one["hashes"], one["not_after"])
        for one in sent
        if one["certificate_type"] == row["certificate_type"]
    )
    root = next((root for root in roots if is_of(Installed(*names), root)), None)
    return {
        "certificate_type": row["certificate_type"],
        "hash_algorithm": row["hash_algorithm"],
        "issuer_name_hash": row["issuer_name_hash"],
        "issuer_key_hash": row["issuer_key_hash"],
        "serial_number": row["serial_number"],
        "subject": None if root is None else root.subject,
        "not_after": None if root is None else text_of(root.not_after),
        "reported_time": text_of(row["reported_at"]),
    }


def _text(instant: int | None) -> str | None:
    return None if instant is None else text_of(Instant(instant))
