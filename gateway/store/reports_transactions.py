"""Transactions for people: pages, one with its meter values, and an endless-safe walk for exports.

The documents are those of the HTTP API. A stop whose start nobody knows has neither start_time nor meter_start_wh.
Nothing is corrected here: the texts that the station wrote come out as they came in. A register at the start that was
not told is the first one measured in the session, or null; then the energy is null too.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from sqlite3 import Row

from gateway.model.identities import fold_tag
from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]

# As in the index transactions_by_period: sessions begun before a clock was set belong where they were received.
PERIOD = (
    f"CASE WHEN coalesce(start_at, stop_at) < {CLOCK_NEVER_SET_BEFORE}"
    " THEN coalesce(start_received_at, stop_received_at) ELSE coalesce(start_at, stop_at) END"
)
# When a session began; where the station's clock was set meanwhile, the gateway's time is the only one to count from.
BEGIN = (
    f"CASE WHEN start_at < {CLOCK_NEVER_SET_BEFORE} AND coalesce(stop_at >= {CLOCK_NEVER_SET_BEFORE}, true)"
    " THEN coalesce(start_received_at, start_at) ELSE start_at END"
)
COLUMNS = (
    f"{BEGIN} AS begin_at,"
    "transaction_id, station, connector, id_tag, parent_id_tag, reservation_id, start_at,"
    " coalesce(meter_start_wh, measured_start_wh) AS meter_start_wh, stop_at, meter_stop_wh, reason, stop_id_tag,"
    " stop_source, anomalies"
)
MEMBERS = (
    "transaction_id", "station", "connector", "id_tag", "parent_id_tag", "reservation_id", "start_time",
    "meter_start_wh", "stop_time", "meter_stop_wh", "energy_wh", "reason", "stop_id_tag", "open", "anomalies",
)  # fmt: skip
_ROWS_PER_STEP = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """Which transactions are asked for; None: any. `begin` and `end` bound the start (of orphan stops: the stop).

    `note`: of cards whose note in the list of today has all these words, in any case; without a word: any.
    """

    station: str | None = None
    connector: int | None = None
    id_tag: str | None = None
    open: bool | None = None
    begin: Instant | None = None
    end: Instant | None = None
    note: str | None = None


async def page(readers: Readers, filters: Filters, *, before: int | None, limit: int) -> list[Document]:
    """Newest first, transaction ids below `before`."""
    where, parameters = conditions(filters)
    if before is not None:
        where, parameters = [*where, "transaction_id < ?"], [*parameters, before]
    rows = await readers.rows(_select(where, "DESC"), [*parameters, limit])
    return [document_of(row) for row in rows]


async def walk(readers: Readers, filters: Filters) -> AsyncIterator[list[Document]]:
    """Oldest first, some hundred at a time; no connection is held between two steps."""
    where, parameters = conditions(filters)
    newest = 0
    while True:
        rows = await readers.rows(_select([*where, "transaction_id > ?"], "ASC"), [*parameters, newest, _ROWS_PER_STEP])
        if rows:
            yield [document_of(row) for row in rows]
            newest = rows[-1]["transaction_id"]
        if len(rows) < _ROWS_PER_STEP:
            return


async def find(readers: Readers, transaction_id: int) -> Document | None:
    """One transaction without its meter values, or None."""
    row = await readers.row(f"SELECT {COLUMNS} FROM transactions WHERE transaction_id = ?", (transaction_id,))
    return None if row is None else document_of(row)


async def running(readers: Readers, stations: Sequence[str]) -> dict[str, list[Document]]:
    """Open transactions by station."""
    rows = await readers.rows(
        f"""SELECT {COLUMNS} FROM transactions
            WHERE stop_source IS NULL AND station IN (SELECT value FROM json_each(?)) ORDER BY transaction_id""",
        (json.dumps(list(stations)),),
    )
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(row["station"], []).append(document_of(row))
    return found


def document_of(row: Row) -> Document:
    """A row with COLUMNS as the API shows it."""
    start, stop = row["start_at"], row["stop_at"]
    begin_wh, end_wh = row["meter_start_wh"], row["meter_stop_wh"]
    document: Document = {name: row[name] for name in MEMBERS[:6]}
    if start is not None:
        document["start_time"] = text_of(start)
        document["meter_start_wh"] = begin_wh
        if row["begin_at"] != start:
            document["start_received_time"] = text_of(row["begin_at"])
    document["stop_time"] = None if stop is None else text_of(stop)
    document["meter_stop_wh"] = end_wh
    document["energy_wh"] = None if begin_wh is None or end_wh is None else end_wh - begin_wh
    document["reason"] = row["reason"]
    document["stop_id_tag"] = row["stop_id_tag"]
    document["open"] = row["stop_source"] is None
    document["anomalies"] = json.loads(row["anomalies"])
    return document


def _select(where: Sequence[str], order: str) -> str:
    condition = " AND ".join(where) or "true"
    return f"SELECT {COLUMNS} FROM transactions WHERE {condition} ORDER BY transaction_id {order} LIMIT ?"


def conditions(filters: Filters) -> tuple[list[str], list[object]]:
    """What a WHERE asks of `transactions`, and its parameters."""
    asked: list[tuple[str, object]] = []
    if filters.station is not None:
        asked.append(("station = ?", filters.station))
    if filters.connector is not None:
        asked.append(("connector = ?", filters.connector))
    if filters.id_tag is not None:
        asked.append(("folded_tag = ?", fold_tag(filters.id_tag)))
    if filters.begin is not None:
        asked.append((f"{PERIOD} >= ?", filters.begin))
    if filters.end is not None:
        asked.append((f"{PERIOD} < ?", filters.end))
    if filters.note is not None and filters.note.split():
        asked.append(("folded_tag IN (SELECT folded_tag FROM id_tags WHERE says_all(note, ?))", filters.note))
    where, parameters = [condition for condition, _ in asked], [value for _, value in asked]
    if filters.open is not None:
        where.append("stop_source IS NULL" if filters.open else "stop_source IS NOT NULL")
    return where, parameters
