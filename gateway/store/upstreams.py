"""How far each upstream has the journal, how often it was told of a birth, and what was left in its broker.

Sequences are those of the present epoch. An upstream that the configuration no longer names is forgotten (`keep_only`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.model.journal import STREAMS
from gateway.rules.retention import Claims
from gateway.store.writing import Writing, newest_numbers

# When the newest session number may be lost: so many births cannot have been since the backup.
_SESSIONS_SKIPPED = 1_000_000


class UpstreamRow(NamedTuple):
    """An upstream that was begun; `connected_at` is None before its first connection."""

    session: int
    connected_at: Instant | None


def begin(db: Writing, upstream: str) -> UpstreamRow:
    """The upstream's row, made when there is none."""
    db.execute("INSERT OR IGNORE INTO upstreams VALUES (?, 0, NULL)", (upstream,))
    row = db.execute("SELECT session, connected_at FROM upstreams WHERE upstream = ?", (upstream,)).fetchone()
    return UpstreamRow(*row)


def next_session(db: Writing, upstream: str) -> int:
    """A session number that was never used: for the will and the birth of the next connection."""
    (session,) = db.execute(
        "UPDATE upstreams SET session = session + 1 WHERE upstream = ? RETURNING session", (upstream,)
    ).fetchone()
    return int(session)


def connected(db: Writing, upstream: str, *, now: Instant) -> None:
    """Note that the upstream is connected."""
    db.execute("UPDATE upstreams SET connected_at = ? WHERE upstream = ?", (now, upstream))


def acknowledged(db: Writing, upstream: str) -> dict[str, int]:
    """Per stream, the sequence up to which the upstream has everything."""
    rows = db.execute("SELECT stream, acked FROM upstream_cursors WHERE upstream = ?", (upstream,))
    return {**dict.fromkeys(STREAMS, 0), **dict(rows.fetchall())}


def first(db: Writing, upstream: str) -> dict[str, int]:
    """Per stream, the sequence with which the present epoch began for the upstream."""
    rows = db.execute("SELECT stream, first FROM upstream_cursors WHERE upstream = ?", (upstream,))
    return {**dict.fromkeys(STREAMS, 1), **dict(rows.fetchall())}


def acknowledge(db: Writing, upstream: str, acked: Mapping[str, int]) -> None:
    """Note how far the upstream has each stream."""
    db.connection.executemany(
        """INSERT INTO upstream_cursors VALUES (?, ?, ?, 1)
           ON CONFLICT (upstream, stream) DO UPDATE SET acked = excluded.acked""",
        [(upstream, stream, sequence) for stream, sequence in acked.items()],
    )


def claims(db: Writing, *, required: Collection[str], all_names: Collection[str]) -> Claims:
    """What these upstreams still wait for; one that was never connected waits for everything."""
    acked = {name: acknowledged(db, name) for name in all_names}

    def least(names: Collection[str]) -> dict[str, int] | None:
        return {stream: min(acked[name][stream] for name in names) for stream in STREAMS} if names else None

    return Claims(least(required), least(all_names))


def keep_only(db: Writing, names: Collection[str]) -> None:
    """Forget upstreams of other names: nothing is kept for them any longer."""
    for table in ("upstreams", "upstream_cursors", "retained_topics"):
        for (upstream,) in db.execute(f"SELECT DISTINCT upstream FROM {table}").fetchall():
            if upstream not in names:
                db.execute(f"DELETE FROM {table} WHERE upstream = ?", (upstream,))


def retained(db: Writing, upstream: str) -> list[str]:
    """The topics that hold something of ours in the upstream's broker."""
    rows = db.execute("SELECT topic FROM retained_topics WHERE upstream = ? ORDER BY topic", (upstream,))
    return [topic for (topic,) in rows]


def retain(db: Writing, upstream: str, topics: Collection[str]) -> None:
    """Note topics that hold something of ours."""
    db.connection.executemany(
        "INSERT OR IGNORE INTO retained_topics VALUES (?, ?)", [(upstream, topic) for topic in topics]
    )


def nothing_retained(db: Writing, upstream: str) -> None:
    """Everything of ours was taken out of the upstream's broker."""
    db.execute("DELETE FROM retained_topics WHERE upstream = ?", (upstream,))


def begin_new_life(copy: sqlite3.Connection, *, shifts: Mapping[str, int]) -> None:
    """The journal was renumbered by `shifts`: so are the cursors; session numbers go on far ahead."""
    for stream, shift in shifts.items():
        copy.execute("UPDATE upstream_cursors SET acked = max(acked - ?, 0) WHERE stream = ?", (shift, stream))
    copy.execute("UPDATE upstream_cursors SET first = acked + 1")
    copy.execute("UPDATE upstreams SET session = session + ?", (_SESSIONS_SKIPPED,))


def keep_acknowledged(live: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """`copy` is an older state of `live`: what was acknowledged meanwhile stays so, as far as the copy has it."""
    numbers = newest_numbers(copy)
    newest = {"tx": numbers.tx, "ops": numbers.ops, "meter": numbers.meter}
    copy.execute("DELETE FROM upstream_cursors")
    copy.executemany(
        "INSERT INTO upstream_cursors VALUES (?, ?, ?, 1)",
        [
            (upstream, stream, min(acked, newest[stream]))
            for upstream, stream, acked in live.execute("SELECT upstream, stream, acked FROM upstream_cursors")
        ],
    )


def keep_sessions(live: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Session numbers never run backwards, whatever life a copy is of."""
    copy.executemany(
        """INSERT INTO upstreams VALUES (?, ?, ?) ON CONFLICT (upstream) DO UPDATE
           SET session = max(session, excluded.session), connected_at = excluded.connected_at""",
        live.execute("SELECT upstream, session, connected_at FROM upstreams").fetchall(),
    )
