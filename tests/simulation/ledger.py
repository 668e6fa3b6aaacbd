"""What the gateway billed, read from its database after it stopped, and held against what the stations believe.

Every function returns complaints in words, so that a failing day says what is wrong and for whom.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.simulated_outlet import Session
from tests.fakes.virtual_time import EPOCH, MICROSECOND
from tests.simulation.charger import Charger

Row = dict[str, Any]
Key = tuple[str, int, int, int]  # station, connector, start in microseconds, register at the start


@dataclass(frozen=True, slots=True)
class Ledger:
    """The tables that a bill is made from, in the order they were written."""

    transactions: list[Row]
    events: list[Row]
    frames: list[Row]

    def of_kind(self, kind: str, station: str | None = None) -> list[Row]:
        """The journal's events of one kind, with their data decoded."""
        return [event for event in self.events if event["kind"] == kind and station in (None, event["station"])]


def read_ledger(directory: Path) -> Ledger:
    """The whole database of a stopped gateway that kept its data in `directory`/data."""
    with closing(sqlite3.connect(f"file:{directory}/data/gateway.db?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row

        def rows(sql: str) -> list[Row]:
            return [dict(row) for row in connection.execute(sql)]

        transactions = rows("SELECT * FROM transactions ORDER BY transaction_id")
        events = rows("SELECT * FROM events ORDER BY id")
        frames = rows("SELECT * FROM meter_frames ORDER BY id")
    for row in transactions:
        row["anomalies"] = json.loads(row["anomalies"])
    for event in events:
        event["data"] = json.loads(event["data"])
    return Ledger(transactions, events, frames)


def journal_complaints(ledger: Ledger) -> list[str]:
    """Every stream counts 1, 2, 3 ...; so does the site-wide id over all of them."""
    streams = {
        "tx": [event["sequence"] for event in ledger.events if event["stream"] == "tx"],
        "ops": [event["sequence"] for event in ledger.events if event["stream"] == "ops"],
        "meter": [frame["sequence"] for frame in ledger.frames],
        "all": sorted([event["id"] for event in ledger.events] + [frame["id"] for frame in ledger.frames]),
    }
    return [f"stream {name} is not gap-free" for name, numbers in streams.items() if numbers != _counted(numbers)]


def billing_complaints(ledger: Ledger, chargers: Iterable[Charger]) -> list[str]:
    """Every session that a station believes in is billed once and right; nothing else is billed; the rest is open."""
    complaints = []
    billed: dict[Key, list[Row]] = defaultdict(list)
    for row in ledger.transactions:
        if row["start_at"] is None:
            complaints.append(f"{row['station']}: an orphan stop, {row['anomalies']}")
        else:
            billed[row["station"], row["connector"], row["start_at"], row["meter_start_wh"]].append(row)
    ends: dict[int, list[Row]] = defaultdict(list)
    for event in ledger.of_kind("transaction.ended"):
        ends[event["data"]["transaction_id"]].append(event)
    for charger in chargers:
        for session in charger.station.sessions:
            key = (charger.station.identity, session.connector, instant_of(session.start_at), session.start_wh)
            rows = billed.pop(key, [])
            if len(rows) != 1:
                complaints.append(f"{key}: billed {len(rows)} times")
                continue
            told = ends[rows[0]["transaction_id"]]
            found = _session_complaints(rows[0], session, [event["data"] for event in told], charger.cut_at_wh(session))
            complaints += [f"{key}: {complaint}" for complaint in found]
    return complaints + [f"{key}: billed, but no station believes in it" for key in billed]


def billed_energy_wh(ledger: Ledger) -> int:
    """Everything that is billed so far, as the last word of the journal on each transaction says."""
    last = {event["data"]["transaction_id"]: event["data"] for event in ledger.of_kind("transaction.ended")}
    return sum(data["energy_wh"] for data in last.values())


def counts(ledger: Ledger) -> dict[str, int]:
    """How often each kind of event is in the journal."""
    return dict(Counter(event["kind"] for event in ledger.events))


def instant_of(moment: datetime) -> int:
    """Microseconds since 1970, cut to the milliseconds that stations tell."""
    return (moment - EPOCH) // MICROSECOND // 1000 * 1000


def _session_complaints(row: Row, session: Session, told: list[Row], cut_at_wh: int | None) -> list[str]:
    if cut_at_wh is not None:
        return _cut_complaints(row, told, cut_at_wh)
    if session.stop_at is None:
        return [] if row["stop_source"] is None and not told else [f"it runs, but is {row['stop_source']}"]
    last = told[-1] if told else {}
    facts = {
        "transaction id": (row["transaction_id"], session.transaction_id),
        "authorization": (row["authorization"], "Accepted"),
        "tag": (row["id_tag"], session.id_tag),
        "source": (row["stop_source"], "station"),
        "stop time": (row["stop_at"], instant_of(session.stop_at)),
        "stop register": (row["meter_stop_wh"], session.stop_wh),
        "reason": (row["reason"], session.reason),
        "energy told": (last.get("energy_wh"), session.energy_wh),
        "source told": (last.get("source"), "station"),
        "what was told before": ([data["corrects"] for data in told], [None, "reconstructed"][: len(told)]),
        "settled": (session.settled, True),
    }
    return [f"{name} is {found!r}, not {true!r}" for name, (found, true) in facts.items() if found != true]


def _cut_complaints(row: Row, told: list[Row], cut_at_wh: int) -> list[str]:
    """A power cut ended the session and its stop was never sent: the gateway closes it, with measured energy only."""
    if row["stop_source"] != "reconstructed" or len(told) != 1:
        return [f"its stop was never sent, but it is {row['stop_source']}, told {len(told)} times"]
    if not row["meter_start_wh"] <= row["meter_stop_wh"] <= cut_at_wh:
        return [f"the register stood at {cut_at_wh} Wh at the most, not at {row['meter_stop_wh']}"]
    return []


def _counted(numbers: list[int]) -> list[int]:
    return list(range(1, len(numbers) + 1))
