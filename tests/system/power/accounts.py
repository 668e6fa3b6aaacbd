"""What was answered before a power cut against what is in the database after it.

Everything that was answered has to be there with its number and its values; what was told and not answered may be. No
session may be there twice. The tables' names are all that is known of the gateway; frames are read with its own code
(`unpack`).
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.store.meter_frames import unpack
from tests.system.power.busy_stations import Session, Station


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, a sentence each, and how much was looked at."""

    lost: tuple[str, ...]  # answered, and not there
    wrong: tuple[str, ...]  # there in a way that nobody told, or twice; a damaged database
    answered: int  # messages that had to be there

    @property
    def well(self) -> bool:
        """Nothing is wrong."""
        return not self.lost and not self.wrong


def audit(database: Path, stations: Iterable[Station], *, before_ns: int) -> Verdict:
    """Compare a database file (with its -wal beside it) with all that was answered before a moment."""
    lost: list[str] = []
    wrong: list[str] = []
    answered = 0
    with closing(sqlite3.connect(database)) as connection:
        wrong += [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        wrong += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        rows = {row[0]: row[1:] for row in connection.execute(_SESSIONS)}
        readings = _readings(connection)
    for station in stations:
        for session in station.sessions:
            missing, due = _compare(session, rows, readings, before_ns)
            lost += missing
            answered += due
    wrong += _doubled(rows, stations)
    return Verdict(tuple(lost), tuple(wrong), answered)


_SESSIONS = (
    "SELECT transaction_id, station, connector, id_tag, meter_start_wh, meter_stop_wh, stop_source FROM transactions"
)
Row = tuple[object, ...]


def _compare(session: Session, rows: dict[int, Row], readings: set[Row], before_ns: int) -> tuple[list[str], int]:
    """What of one session is missing, and how much of it had to be there."""
    if session.started_ns is None or session.transaction_id is None or session.started_ns >= before_ns:
        return [], 0
    number, missing, due = session.transaction_id, [], 1
    name = f"{session.station} {number}"
    row = rows.get(number)
    if row is None or row[:4] != (session.station, 1, session.id_tag, session.meter_start):
        missing.append(f"start of {name}: {row}")
    for value, answered_ns in session.readings.items():
        if answered_ns < before_ns:
            due += 1
            if (session.station, number, value) not in readings:
                missing.append(f"reading {value} of {name}")
    if session.stopped_ns is not None and session.stopped_ns < before_ns:
        due += 1
        if row is None or row[4:] != (session.meter_stop, "station"):
            missing.append(f"stop of {name}: {row}")
    return missing, due


def _readings(connection: sqlite3.Connection) -> set[Row]:
    found: set[Row] = set()
    query = "SELECT station, claimed_transaction_id, encoding, body FROM meter_frames"
    for station, number, encoding, body in connection.execute(query):
        for meter_value in json.loads(unpack(encoding, body)).get("meterValue", []):
            found.update((station, number, int(float(one["value"]))) for one in meter_value["sampledValue"])
    return found


def _doubled(rows: dict[int, Row], stations: Iterable[Station]) -> list[str]:
    """Sessions that nobody told, and starts that are there more than once."""
    begun = Counter((row[0], row[3]) for row in rows.values())
    told = {(session.station, session.meter_start) for station in stations for session in station.sessions}
    return [f"{start} is there {times} times" for start, times in begun.items() if times > 1] + [
        f"{start} was never told" for start in begun if start not in told
    ]
