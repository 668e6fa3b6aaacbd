"""What stations say they have installed, by hash, and the roots that were sent to them, by name.

The station's own letters are kept: it wants them back when one is deleted. They compare without regard to case.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.store.issued_certificates import plain_hex
from gateway.store.writing import Writing

_MOST_OF_ONE_TYPE = 200
_LONGEST_TEXT = 300


class Installed(NamedTuple):
    """A certificate as its station names it."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class Root(NamedTuple):
    """A root that was sent; `hashes`: the issuerNameHash by hashAlgorithm."""

    fingerprint: str
    subject: str
    serial_number: str
    hashes: Mapping[str, str]
    not_after: Instant


def replace(
    db: Writing, station: StationId, certificate_type: str, reported: Iterable[Installed], *, now: Instant
) -> None:
    """The station has told all certificates of this type."""
    db.execute(
        "DELETE FROM installed_certificates WHERE station = ? AND certificate_type = ?", (station, certificate_type)
    )
    for one in list(reported)[:_MOST_OF_ONE_TYPE]:
        kept = tuple(text[:_LONGEST_TEXT] for text in one)
        db.execute(
            "INSERT OR REPLACE INTO installed_certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (station, certificate_type, folded(one), *kept, now),
        )


def remove(db: Writing, station: StationId, gone: Installed) -> int:
    """The station has it no more, whatever its type; returns how many rows went."""
    return db.execute(
        "DELETE FROM installed_certificates WHERE station = ? AND folded = ?", (station, folded(gone))
    ).rowcount


def forget(db: Writing, station: StationId) -> None:
    """It is another device by that name."""
    for table in ("installed_certificates", "roots_sent"):
        db.execute(f"DELETE FROM {table} WHERE station = ?", (station,))


def is_last_of_type(db: Writing, station: StationId, certificate_type: str, one: Installed) -> bool:
    """True when the station is known to have no certificate of this type but this one."""
    rows = db.execute(
        "SELECT folded FROM installed_certificates WHERE station = ? AND certificate_type = ?",
        (station, certificate_type),
    ).fetchall()
    return [row[0] for row in rows] == [folded(one)]


def record_root(
    db: Writing, station: StationId, certificate_type: str, root: Root, *, status: str, now: Instant
) -> None:
    """A root was sent, and this is what the station said."""
    db.execute(
        "INSERT OR REPLACE INTO roots_sent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            station,
            certificate_type[:_LONGEST_TEXT],
            root.fingerprint,
            root.subject[:_LONGEST_TEXT],
            root.serial_number,
            json.dumps(dict(root.hashes)),
            root.not_after,
            status,
            now,
        ),
    )
    db.execute(
        "DELETE FROM roots_sent WHERE station = ?1 AND fingerprint NOT IN"
        " (SELECT fingerprint FROM roots_sent WHERE station = ?1 ORDER BY sent_at DESC LIMIT 50)",
        (station,),
    )


def roots(db: Writing) -> list[tuple[StationId, str, Root]]:
    """(station, type, root) of those that stations took from here and, as far as they told since then, still have."""
    told: dict[tuple[str, str], list[tuple[Installed, int]]] = {}
    for station, kind, *names, reported_at in db.execute(
        "SELECT station, certificate_type, hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number,"
        " reported_at FROM installed_certificates"
    ):
        told.setdefault((station, kind), []).append((Installed(*names), reported_at))
    found = []
    for station, kind, sent_at, *of_root in db.execute(
        "SELECT station, certificate_type, sent_at, fingerprint, subject, serial_number, hashes, not_after"
        " FROM roots_sent WHERE status = 'Accepted' ORDER BY station, sent_at"
    ):
        root = read_root(*of_root)
        later = [one for one, reported_at in told.get((station, kind), []) if reported_at >= sent_at]
        if not later or any(is_of(one, root) for one in later):
            found.append((StationId(station), kind, root))
    return found


def read_root(fingerprint: str, subject: str, serial_number: str, hashes: str, not_after: int) -> Root:
    """A root from its columns."""
    return Root(fingerprint, subject, serial_number, json.loads(hashes), Instant(not_after))


def is_of(one: Installed, root: Root) -> bool:
    """True when the station's hashes name this root; a station counts them with an algorithm of its own choice."""
    name_hash = root.hashes.get(one.hash_algorithm.strip().upper())
    told = (one.issuer_name_hash.strip().lower(), plain_hex(one.serial_number))
    return told == (name_hash, plain_hex(root.serial_number))


def folded(one: Installed) -> str:
    """For comparison: hexadecimal without regard to case, serial numbers without leading zeros."""
    algorithm, name, key, serial = (part.strip().casefold()[:_LONGEST_TEXT] for part in one)
    return f"{algorithm} {name} {key} {serial.lstrip('0') or '0'}"
