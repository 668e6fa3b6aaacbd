"""Rows of uploads: what stations uploaded, and how far each is on its way to a fleet manager. The files lie elsewhere.

A number is given before its row is there (`next_number`), so that a row is never without its file. Which uploads go
for new ones is asked of `rules.upload_room`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.rules.upload_room import Held
from gateway.store.writing import Writing

Forwarding = Literal["waiting", "done", "given_up"]


class UploadRow(NamedTuple):
    """One row of `uploads`. `missing_at`: since then its file is not, or not whole, on the disk."""

    upload_id: int
    link_id: int
    station: StationId
    kind: Literal["diagnostics", "log"]
    reason: str | None
    command_id: CommandId | None
    file_name: str
    size: int
    sha256: str
    scheme: str
    address: str
    received_at: Instant
    forwarding: Forwarding | None = None
    forward_to: str | None = None
    forward_tries: int = 0
    forward_at: Instant | None = None
    forward_error: str | None = None
    missing_at: Instant | None = None


_COLUMNS = ", ".join(UploadRow._fields)


def next_number(db: Writing) -> int:
    """A number that no upload has or had; kept however the unit's caller goes on."""
    row = db.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'uploads' RETURNING seq").fetchone()
    if row is None:
        db.execute("INSERT INTO sqlite_sequence VALUES ('uploads', 1)")
        return 1
    return int(row[0])


def add(db: Writing, row: UploadRow) -> None:
    """An upload whose file is on the disk under its number."""
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO uploads ({_COLUMNS}) VALUES ({places})", row)


def find(db: Writing, upload_id: int) -> UploadRow | None:
    """The upload of this number."""
    row = db.execute(f"SELECT {_COLUMNS} FROM uploads WHERE upload_id = ?", (upload_id,)).fetchone()
    return None if row is None else UploadRow(*row)


def held(db: Writing) -> list[Held]:
    """All of them, as the rule about their room asks."""
    rows = db.execute("SELECT upload_id, station, link_id, size, forwarding IS 'waiting' FROM uploads")
    return [Held(number, station, link, size, bool(awaited)) for number, station, link, size, awaited in rows]


def is_any_of_command(db: Writing, command_id: str) -> bool:
    """Whether something came of this command."""
    return db.execute("SELECT 1 FROM uploads WHERE command_id = ? LIMIT 1", (command_id,)).fetchone() is not None


def received_before(db: Writing, limit: Instant, *, most: int) -> list[int]:
    """The next uploads that are older than this."""
    rows = db.execute(
        "SELECT upload_id FROM (SELECT upload_id, received_at FROM uploads ORDER BY upload_id LIMIT ?2)"
        " WHERE received_at < ?1",
        (limit, most),
    )
    return [upload_id for (upload_id,) in rows]


def remove(db: Writing, upload_id: int) -> UploadRow | None:
    """Forget an upload; what it was, None when there is none."""
    row = db.execute(f"DELETE FROM uploads WHERE upload_id = ? RETURNING {_COLUMNS}", (upload_id,)).fetchone()
    return None if row is None else UploadRow(*row)


def note_missing(db: Writing, upload_id: int, now: Instant | None) -> None:
    """Its file is not on the disk any more; None: it is there again."""
    db.execute("UPDATE uploads SET missing_at = ? WHERE upload_id = ?", (now, upload_id))


def sizes(db: Writing) -> dict[int, tuple[int, bool]]:
    """(bytes, is missing) of every upload."""
    rows = db.execute("SELECT upload_id, size, missing_at IS NOT NULL FROM uploads")
    return {upload_id: (size, bool(missing)) for upload_id, size, missing in rows}


# On their way to a fleet manager


def readdress(db: Writing, upstream: str | None) -> None:
    """What waits goes to this fleet manager; None: to nobody any more."""
    if upstream is None:
        db.execute(
            "UPDATE uploads SET forwarding = NULL, forward_to = NULL, forward_at = NULL WHERE forwarding = 'waiting'"
        )
    else:
        db.execute("UPDATE uploads SET forward_to = ?1 WHERE forwarding = 'waiting' AND forward_to <> ?1", (upstream,))


def next_to_forward(db: Writing) -> UploadRow | None:
    """The waiting upload whose next try comes first."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE forwarding = 'waiting' ORDER BY forward_at, upload_id LIMIT 1"
    ).fetchone()
    return None if row is None else UploadRow(*row)


def note_try(db: Writing, upload_id: int, *, forwarding: Forwarding, at: Instant, error: str | None) -> None:
    """A try was made. `at`: the next one while it waits, else when it ended."""
    db.execute(
        "UPDATE uploads SET forwarding = ?2, forward_tries = forward_tries + 1, forward_at = ?3, forward_error = ?4"
        " WHERE upload_id = ?1",
        (upload_id, forwarding, at, error),
    )


def forward_again(db: Writing, upload_id: int, *, upstream: str, now: Instant) -> None:
    """It is to be forwarded (again), from now on."""
    db.execute(
        "UPDATE uploads SET forwarding = 'waiting', forward_to = ?2, forward_tries = 0, forward_at = ?3,"
        " forward_error = NULL WHERE upload_id = ?1",
        (upload_id, upstream, now),
    )
