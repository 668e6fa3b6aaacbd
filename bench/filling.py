"""Years of rows, put straight into the gateway's database file: twenty stations, four sessions of three hours a day.

Knows the tables of `gateway/store/schema`; the gateway must not be running. Half of the rows are meter frames, the rest
their index, the journal's events and the transactions, spread over the last year.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

STATIONS = 20
FRAMES_PER_TRANSACTION = 180
EVENTS_PER_TRANSACTION = 6
_YEAR_US = 360 * 86_400 * 1_000_000
# as long as a compressed frame of ten samples is
_BODY_BYTES = 160


def fill(path: Path, rows: int) -> None:
    """Insert about `rows` rows; every counter that the gateway keeps is left as if it had written them itself."""
    transactions = rows // (1 + EVENTS_PER_TRANSACTION + 2 * FRAMES_PER_TRANSACTION)
    frames = transactions * FRAMES_PER_TRANSACTION
    events = transactions * EVENTS_PER_TRANSACTION
    now_us = int(time.time() * 1e6)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    connection.execute("BEGIN")
    connection.execute("DELETE FROM events")  # of the start that made the file: the ids begin at 1
    connection.execute(_TRANSACTIONS, (transactions, now_us - _YEAR_US, _YEAR_US // max(1, transactions), STATIONS))
    connection.execute(
        _EVENTS,
        (events, now_us - _YEAR_US, _YEAR_US // max(1, events), STATIONS, json.dumps({"status": "Charging"})),
    )
    connection.execute(
        _FRAMES,
        (frames, now_us - _YEAR_US, _YEAR_US // max(1, frames), STATIONS, events, FRAMES_PER_TRANSACTION, _BODY_BYTES),
    )
    connection.execute(_INDEX, (frames, events, FRAMES_PER_TRANSACTION))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'last_transaction_id'", (transactions,))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'meter_indexed_upto'", (events + frames,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


_COUNT = "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1) "
_TRANSACTIONS = (
    "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, authorization, start_at, "
    "start_text, meter_start_wh, start_received_at, stop_at, stop_text, meter_stop_wh, reason, stop_received_at, "
    "stop_source) "
    + _COUNT
    + "SELECT n, printf('SITE-%05d', n % ?4), 1, 'TAG', 'tag', 'Accepted', ?2 + n * ?3, '', n * 1000, ?2 + n * ?3, "
    "?2 + n * ?3 + 10800000000, '', n * 1000 + 33000, 'Local', ?2 + n * ?3 + 10800000000, 'station' FROM counted"
)
_EVENTS = (
    "INSERT INTO events (id, stream, sequence, kind, station, connector, happened_at, recorded_at, data) "
    + _COUNT
    + "SELECT n, 'ops', n, 'connector_status', printf('SITE-%05d', n % ?4), 1, ?2 + n * ?3, ?2 + n * ?3, ?5 "
    "FROM counted"
)
_FRAMES = (
    "INSERT INTO meter_frames (id, sequence, station, connector, claimed_transaction_id, recorded_at, encoding, body) "
    + _COUNT
    + "SELECT ?5 + n, n, printf('SITE-%05d', (1 + n / ?6) % ?4), 1, 1 + n / ?6, ?2 + n * ?3, 1, randomblob(?7) "
    "FROM counted"
)
_INDEX = "INSERT INTO meter_index (transaction_id, frame_id) " + _COUNT + "SELECT 1 + n / ?3, ?2 + n FROM counted"
