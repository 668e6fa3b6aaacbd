"""What must hold when all is over: the consumer has what the gateway's database holds, once, in order, unchanged.

It compares two SQLite files and what stations remember. It knows the gateway's tables by name, nothing of its code.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fleet.stations import BusyStation

STREAMS = ("tx", "ops")


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the consumer stored it."""

    stream: str
    sequence: int
    station: str
    station_sequence: int
    envelope: dict[str, Any]


def newest(database: Path) -> dict[str, int]:
    """The newest sequence of each stream in the gateway's database."""
    with _opened(database) as db:
        rows = db.execute("SELECT stream, max(sequence) FROM events WHERE stream IN ('tx', 'ops') GROUP BY stream")
        return dict(rows.fetchall())


def stored_upto(ledger: Path) -> dict[str, int]:
    """How far the consumer has each stream."""
    with _opened(ledger) as db:
        rows = db.execute("SELECT stream, max(upto) FROM progress WHERE stream IN ('tx', 'ops') GROUP BY stream")
        return dict(rows.fetchall())


def tallies(ledger: Path) -> dict[str, int]:
    """What the consumer counted: `duplicates`, `thrown_away` (out of order), `changed`."""
    with _opened(ledger) as db:
        return {"duplicates": 0, "thrown_away": 0, "changed": 0} | dict(db.execute("SELECT name, count FROM tallies"))


def told(ledger: Path) -> list[Told]:
    """All events of the streams tx and ops, in the order in which they were stored."""
    with _opened(ledger) as db:
        rows = db.execute(
            "SELECT stream, sequence, station, station_sequence, content FROM events"
            " WHERE stream IN ('tx', 'ops') ORDER BY position"
        ).fetchall()
    return [Told(*most, json.loads(content)) for *most, content in rows]


def assert_told_exactly_once(database: Path, ledger: Path) -> None:
    """Everything that the gateway holds was stored once, in order per station, and nothing else was."""
    with _opened(database) as db:
        held = {
            (stream, sequence): (kind, station_sequence, json.loads(data))
            for stream, sequence, kind, station_sequence, data in db.execute(
                "SELECT stream, sequence, kind, station_sequence, data FROM events WHERE stream IN ('tx', 'ops')"
            )
        }
    ends = {stream: max(number for one, number in held if one == stream) for stream, _ in held}
    # the gateway goes on: what it told since its database was read is not judged
    stored = [event for event in told(ledger) if event.sequence <= ends.get(event.stream, 0)]
    assert sorted((event.stream, event.sequence) for event in stored) == sorted(held)
    assert len({event.envelope["id"] for event in stored}) == len(stored)
    for event in stored:
        kind, station_sequence, data = held[event.stream, event.sequence]
        assert event.envelope["type"] == f"ocpp-gateway.{kind}.v1"
        assert event.station_sequence == station_sequence
        if "authorization" in data:  # told in its long form
            data["authorization"] = {"decision": data["authorization"], "by": data.pop("authorized_by") or "unknown"}
        assert {name: event.envelope["data"].get(name) for name in data} == data
    _assert_in_order(stored)
    assert tallies(ledger)["changed"] == 0, "something was told again with other content"


def assert_sessions(ledger: Path, stations: Iterable[BusyStation]) -> None:
    """Each session of each station was told as one start and one end, with its figures."""
    expected, started, ended = [], [], []
    for station in stations:
        for session in station.sessions:
            expected.append((station.identity, session.transaction, session.meter_start, session.meter_stop))
    for event in told(ledger):
        data = event.envelope["data"]
        if event.envelope["type"] == "ocpp-gateway.transaction.started.v1":
            started.append((data["station"], data["transaction_id"], data["meter_start_wh"]))
        elif event.envelope["type"] == "ocpp-gateway.transaction.ended.v1":
            meters = data["meter_start_wh"], data["meter_stop_wh"]
            ended.append((data["station"], data["transaction_id"], *meters))
            assert data["energy_wh"] == data["meter_stop_wh"] - data["meter_start_wh"]
    assert sorted(ended) == sorted(expected)
    assert sorted(started) == sorted(row[:3] for row in expected)


def _assert_in_order(stored: list[Told]) -> None:
    sequences: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in stored:
        sequences[event.stream, event.station].append(event.station_sequence)
    for (stream, station), numbers in sequences.items():
        assert numbers == list(range(1, len(numbers) + 1)), f"{stream} of {station}: {numbers}"


def _opened(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30))
