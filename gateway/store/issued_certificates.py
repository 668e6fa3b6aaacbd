"""Certificates that the site's authority issued to stations, what became of them, and requests that still wait.

Few rows per station are kept, and every revoked one: a clock may be wrong about its end. How one is issued is not known
here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.store.writing import Writing

COLUMNS = (
    "certificate_id, station, state, common_name, algorithm, security_profile, signing_request, chain, serial_number,"
    " fingerprint, not_before, not_after, asked_at, settled_at, reason"
)

_KEPT_PER_STATION = 20
_HOUR = 3_600 * SECOND


class IssuedRow(NamedTuple):
    """A row of table issued_certificates."""

    certificate_id: int
    station: StationId
    state: str
    common_name: str
    algorithm: Literal["rsa", "ecdsa"]
    security_profile: int
    signing_request: str | None
    chain: str | None
    serial_number: str | None
    fingerprint: str | None
    not_before: Instant | None
    not_after: Instant | None
    asked_at: Instant
    settled_at: Instant | None
    reason: str | None


class Signed(NamedTuple):
    """What is stored of a certificate when it was issued."""

    chain: str
    serial_number: str
    fingerprint: str
    algorithm: str
    not_before: Instant
    not_after: Instant


def count_request(db: Writing, station: StationId, *, now: Instant) -> int:
    """The station asks for a certificate: for which time within an hour?"""
    row = db.execute("SELECT since, times FROM signing_requests_counted WHERE station = ?", (station,)).fetchone()
    since, times = row if row is not None and row[0] <= now < row[0] + _HOUR else (now, 0)
    db.execute("INSERT OR REPLACE INTO signing_requests_counted VALUES (?, ?, ?)", (station, since, times + 1))
    return int(times) + 1


def ask(
    db: Writing,
    station: StationId,
    *,
    signing_request: str,
    common_name: str,
    algorithm: str,
    security_profile: int,
    now: Instant,
) -> int:
    """A request waits to be signed and sent; one of this station that still waited is replaced. Its id."""
    db.execute("DELETE FROM issued_certificates WHERE station = ? AND state = 'pending'", (station,))
    _forget_old(db, station)
    cursor = db.execute(
        "INSERT INTO issued_certificates"
        " (station, state, common_name, algorithm, security_profile, signing_request, asked_at)"
        " VALUES (?, 'pending', ?, ?, ?, ?, ?)",
        (station, common_name, algorithm, security_profile, signing_request, now),
    )
    return int(cursor.lastrowid or 0)


def waiting(db: Writing) -> list[IssuedRow]:
    """Every request that still waits, oldest first."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM issued_certificates INDEXED BY issued_certificates_pending"
        " WHERE state = 'pending' ORDER BY certificate_id"
    )
    return [IssuedRow(*row) for row in rows]


def record_signed(db: Writing, certificate_id: int, signed: Signed) -> bool:
    """The certificate of a waiting request is there and on its way; False when the request waits no more."""
    return (
        db.execute(
            "UPDATE issued_certificates SET state = 'sent', chain = ?, serial_number = ?, fingerprint = ?,"
            " algorithm = ?, not_before = ?, not_after = ? WHERE certificate_id = ? AND state = 'pending'",
            (*signed, certificate_id),
        ).rowcount
        == 1
    )


def add_handed_over(
    db: Writing, station: StationId, signed: Signed, *, common_name: str, security_profile: int, now: Instant
) -> None:
    """A certificate whose key was made here, too, and given to a person."""
    _forget_old(db, station)
    db.execute(
        "INSERT INTO issued_certificates (chain, serial_number, fingerprint, algorithm, not_before, not_after,"
        " station, state, common_name, security_profile, asked_at, settled_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'handed_over', ?, ?, ?, ?)",
        (*signed, station, common_name, security_profile, now, now),
    )


def find_sent(db: Writing, station: StationId, chain: str) -> IssuedRow | None:
    """The certificate that is on its way to the station in this chain, or None."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM issued_certificates WHERE station = ? AND state = 'sent'"
        " AND substr(chain, 1, length(?2)) = ?2",
        (station, chain),
    ).fetchone()
    return None if row is None else IssuedRow(*row)


def settle(db: Writing, certificate_id: int, state: str, *, reason: str | None, now: Instant) -> None:
    """What became of a certificate, or of a request; what was revoked meanwhile stays revoked."""
    db.execute(
        "UPDATE issued_certificates SET state = ?, reason = ?, settled_at = ?, signing_request = NULL"
        " WHERE certificate_id = ? AND state <> 'revoked'",
        (state, reason, now, certificate_id),
    )


def wait_again(db: Writing, certificate_id: int) -> bool:
    """It never left: it waits for the station. False when the station has asked anew meanwhile."""
    newer = db.execute(
        "SELECT 1 FROM issued_certificates AS mine JOIN issued_certificates AS other USING (station)"
        " WHERE mine.certificate_id = ? AND other.state = 'pending'",
        (certificate_id,),
    ).fetchone()
    if newer is not None:
        return False
    db.execute(
        "UPDATE issued_certificates SET state = 'pending' WHERE certificate_id = ? AND state = 'sent'",
        (certificate_id,),
    )
    return True


def end_interrupted(db: Writing, *, now: Instant) -> int:
    """Those that were on their way when the gateway died: nobody knows whether they arrived. Returns how many."""
    return db.execute(
        "UPDATE issued_certificates SET state = 'unknown', settled_at = ?, signing_request = NULL,"
        " reason = 'the gateway stopped meanwhile' WHERE state = 'sent'",
        (now,),
    ).rowcount


def revoke(db: Writing, serial_or_fingerprint: str, *, reason: str, now: Instant) -> list[IssuedRow]:
    """The certificate counts no more; the rows as they are now, none when it is not known."""
    place = plain_hex(serial_or_fingerprint)
    db.execute(
        "UPDATE issued_certificates SET state = 'revoked', reason = ?, settled_at = ?, signing_request = NULL"
        " WHERE (serial_number = ?3 OR fingerprint = ?3) AND state <> 'revoked'",
        (reason, now, place),
    )
    rows = db.execute(
        f"SELECT {COLUMNS} FROM issued_certificates WHERE serial_number = ?1 OR fingerprint = ?1", (place,)
    )
    return [IssuedRow(*row) for row in rows]


def is_revoked(db: Writing, serial_or_fingerprint: str) -> bool:
    """Was a certificate with this serial number, or this SHA-256 fingerprint, revoked? Any way to write it will do."""
    place = plain_hex(serial_or_fingerprint)
    row = db.execute(
        "SELECT 1 FROM issued_certificates WHERE (serial_number = ?1 OR fingerprint = ?1) AND state = 'revoked'",
        (place,),
    ).fetchone()
    return row is not None


def station_of(db: Writing, fingerprint: str) -> StationId | None:
    """The station to which the certificate with this SHA-256 fingerprint was issued, or None."""
    row = db.execute(
        "SELECT station FROM issued_certificates WHERE fingerprint = ?", (plain_hex(fingerprint),)
    ).fetchone()
    return None if row is None else StationId(row[0])


def end_of_newest(db: Writing, station: StationId) -> Instant | None:
    """When the certificate ends that the station took last by its own request; None when it has none."""
    row = db.execute(
        "SELECT not_after FROM issued_certificates WHERE station = ? AND state = 'accepted'"
        " ORDER BY certificate_id DESC LIMIT 1",
        (station,),
    ).fetchone()
    return None if row is None else row[0]


def in_use(db: Writing) -> list[IssuedRow]:
    """Of each station the certificate that it took last, or was given last."""
    rows = db.execute(
        f"""SELECT {COLUMNS} FROM issued_certificates WHERE certificate_id IN (
                SELECT max(certificate_id) FROM issued_certificates
                WHERE state IN ('accepted', 'handed_over') GROUP BY station)
            ORDER BY station"""
    )
    return [IssuedRow(*row) for row in rows]


def may_have_one(db: Writing, station: StationId) -> bool:
    """Whether the station may hold a certificate that was issued to it: it took it, or it was made by hand."""
    row = db.execute(
        "SELECT 1 FROM issued_certificates WHERE station = ?"
        " AND state IN ('sent', 'accepted', 'unknown', 'handed_over')",
        (station,),
    ).fetchone()
    return row is not None


def plain_hex(text: str) -> str:
    """A serial number or fingerprint as it is stored: lower-case, without separators and leading zeros of a serial."""
    letters = "".join(letter for letter in text.lower().removeprefix("0x") if letter.isalnum())
    return letters if len(letters) == 64 else letters.lstrip("0")


def _forget_old(db: Writing, station: StationId) -> None:
    db.execute(
        """DELETE FROM issued_certificates WHERE station = ?1 AND state NOT IN ('revoked', 'sent', 'pending')
           AND certificate_id NOT IN (
               SELECT certificate_id FROM issued_certificates WHERE station = ?1
               ORDER BY certificate_id DESC LIMIT ?2)
           AND certificate_id NOT IN (
               SELECT max(certificate_id) FROM issued_certificates
               WHERE station = ?1 AND state IN ('accepted', 'handed_over') GROUP BY state)""",
        (station, _KEPT_PER_STATION),
    )
