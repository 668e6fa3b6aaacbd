"""What a fleet manager keeps: events by their id, how far each stream was stored, and a count of what it threw away.

Written from the description of the delivery alone: in order or not at all, what is repeated is dropped and acknowledged
again. It decides what is stored and what an acknowledgement says. It does not know how events travel.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Envelope = Mapping[str, Any]
Key = tuple[str, str, str]  # gateway, epoch, stream

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, gateway TEXT NOT NULL, id TEXT NOT NULL, epoch TEXT NOT NULL,
    stream TEXT NOT NULL, sequence INTEGER NOT NULL, station TEXT NOT NULL, station_sequence INTEGER,
    content TEXT NOT NULL, UNIQUE (gateway, id), UNIQUE (gateway, epoch, stream, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS progress (
    gateway TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL, upto INTEGER NOT NULL, gap INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch, stream)
) STRICT;
CREATE TABLE IF NOT EXISTS tallies (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One publish: the gateway's and the station's level of its topic, and one event or an array of them."""

    gateway: str
    station: str
    payload: bytes


class Ledger:
    """The table of one consumer; committed when `take` returns."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(_TABLES)

    def take(self, arrivals: Iterable[Arrival]) -> dict[str, list[dict[str, object]]]:
        """Store what is next, drop the rest, commit; the acknowledgements that are due now, by gateway."""
        touched: dict[Key, None] = {}
        with self._connection as db:
            db.execute("BEGIN IMMEDIATE")
            for arrival in arrivals:
                read = json.loads(arrival.payload)
                for envelope in read if isinstance(read, list) else [read]:
                    touched[self._take_one(arrival, envelope)] = None
        return self._acknowledgements(touched)

    def all_acknowledgements(self) -> dict[str, list[dict[str, object]]]:
        """How far everything was stored, by gateway: said again after each connection."""
        keys = self._connection.execute("SELECT gateway, epoch, stream FROM progress").fetchall()
        return self._acknowledgements(keys)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # Private

    def _take_one(self, arrival: Arrival, envelope: Envelope) -> Key:
        key = (arrival.gateway, envelope["epoch"], envelope["stream"])
        upto, sequence = self._upto(key), envelope["sequence"]
        before = envelope.get("after", sequence - 1)  # where the gateway has forgotten what lay between
        if sequence <= upto:
            self._count("duplicates")
            if self._stored(key, sequence) != _content(envelope):
                self._count("changed")  # a resend must be what was sent before, to the letter
        elif before > upto:
            self._count("thrown_away")
            self._put_progress(key, upto, gap=True)
        else:
            self._store(key, arrival.station, envelope)
            self._put_progress(key, sequence, gap=False)
        return key

    def _store(self, key: Key, station: str, envelope: Envelope) -> None:
        self._connection.execute(
            "INSERT INTO events (gateway, epoch, stream, id, sequence, station, station_sequence, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, envelope["id"], envelope["sequence"], station, envelope.get("stationseq"), _content(envelope)),
        )

    def _stored(self, key: Key, sequence: int) -> str | None:
        row = self._connection.execute(
            "SELECT content FROM events WHERE gateway = ? AND epoch = ? AND stream = ? AND sequence = ?",
            (*key, sequence),
        ).fetchone()
        return None if row is None else str(row[0])

    def _upto(self, key: Key) -> int:
        row = self._connection.execute(
            "SELECT upto FROM progress WHERE gateway = ? AND epoch = ? AND stream = ?", key
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _put_progress(self, key: Key, upto: int, *, gap: bool) -> None:
        self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?)", (*key, upto, gap))

    def _count(self, name: str) -> None:
        self._connection.execute(
            "INSERT INTO tallies VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1", (name,)
        )

    def _acknowledgements(self, keys: Iterable[Key]) -> dict[str, list[dict[str, object]]]:
        due: dict[str, list[dict[str, object]]] = {}
        for key in keys:
            row = self._connection.execute(
                "SELECT upto, gap FROM progress WHERE gateway = ? AND epoch = ? AND stream = ?", key
            ).fetchone()
            gateway, epoch, stream = key
            upto, gap = row or (0, 0)
            due.setdefault(gateway, []).append({"epoch": epoch, "stream": stream, "upto": upto, "gap": bool(gap)})
        return due


def _content(envelope: Envelope) -> str:
    return json.dumps(envelope, sort_keys=True)
