"""A station that keeps its messages until they are answered (OCPP 1.6 3.7), and a look at what became of them.

It speaks through the `websockets` client and raw JSON; it knows nothing of the gateway's code but the tables' names.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

BROKEN = (OSError, EOFError, TimeoutError, WebSocketException)
Payload = dict[str, object]
_MOST_TRIES = 50


def _time(minute: int) -> str:
    return f"2024-01-15T08:{minute:02d}:00Z"


def _reading(connector: int, number: int, value: int, minute: int) -> Payload:
    sampled = [{"value": str(value), "unit": "Wh"}]
    return {
        "connectorId": connector,
        "transactionId": number,
        "meterValue": [{"timestamp": _time(minute), "sampledValue": sampled}],
    }


def _start(connector: int, minute: int) -> Payload:
    return {"connectorId": connector, "idTag": "TAG", "meterStart": 1000, "timestamp": _time(minute)}


def _stop(number: int, meter_stop: int, minute: int) -> Payload:
    return {"transactionId": number, "meterStop": meter_stop, "timestamp": _time(minute)}


class Station:
    """`dial` answers the URL to connect to, however often the gateway dies. `fresh_ids`: a retry gets a new id."""

    def __init__(self, dial: Callable[[], Awaitable[str]], *, fresh_ids: bool) -> None:
        self.dial = dial
        self.fresh_ids = fresh_ids
        self.numbers: dict[int, set[int]] = {1: set(), 2: set()}  # the transaction ids given per connector
        self.errors: list[str] = []  # CALLERROR codes by action
        self.closed_with: list[int] = []  # codes of Close frames
        self.cut_off = 0  # lines that ended without one
        self._ids = count(1)
        self._line: object | None = None

    async def two_sessions(self) -> None:
        """Boot, then two sessions that overlap."""
        await self.tell("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        status = {"connectorId": 1, "status": "Preparing", "errorCode": "NoError", "timestamp": _time(0)}
        await self.tell("StatusNotification", status)
        await self.tell("Authorize", {"idTag": "TAG"})
        first = await self._started(1, 1)
        await self.tell("MeterValues", _reading(1, first, 1700, 2))
        second = await self._started(2, 3)
        await self.tell("StopTransaction", _stop(first, 2500, 4))
        await self.tell("StopTransaction", _stop(second, 1250, 5))
        await self.hang_up()

    async def tell(self, action: str, payload: Payload) -> Payload:
        """Tell until there is a CALLRESULT, over as many connections as it takes; its payload."""
        message_id = f"m{next(self._ids)}"
        for _ in range(_MOST_TRIES):
            try:
                if self._line is None:
                    url = await self.dial()
                    self._line = await connect(url, subprotocols=[Subprotocol("ocpp1.6")], compression=None)
                await self._line.send(json.dumps([2, message_id, action, payload]))  # type: ignore[attr-defined]
                kind, answered, *rest = json.loads(await self._line.recv())  # type: ignore[attr-defined]
            except BROKEN as error:
                if isinstance(error, ConnectionClosed) and error.rcvd is not None:
                    self.closed_with.append(error.rcvd.code)
                elif isinstance(error, ConnectionClosed):
                    self.cut_off += 1
                await self.hang_up()
            else:
                assert answered == message_id, "an answer to something else"
                if kind == 3:
                    return dict(rest[0])
                self.errors.append(f"{action} {rest[0]}")
            if self.fresh_ids:
                message_id = f"m{next(self._ids)}"
        raise AssertionError(f"{action} was never answered: {self.errors} {self.closed_with}")

    async def hang_up(self) -> None:
        """Leave the line; the next message dials again."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()  # type: ignore[attr-defined]

    async def _started(self, connector: int, minute: int) -> int:
        answer = await self.tell("StartTransaction", _start(connector, minute))
        number = int(str(answer["transactionId"]))
        self.numbers[connector].add(number)
        return number


def assert_told_once(path: Path, station: Station) -> None:
    """Both sessions are there exactly once, with the answered ids, the right energy and a journal without gaps."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT connector, transaction_id, meter_stop_wh - meter_start_wh, stop_source, anomalies FROM transactions"
            " ORDER BY connector"
        ).fetchall()
        (first,), (second,) = station.numbers[1], station.numbers[2]
        assert rows == [(1, first, 1500, "station", "[]"), (2, second, 250, "station", "[]")]
        assert first != second
        kinds = connection.execute(
            "SELECT kind, count(*) FROM events WHERE kind LIKE 'transaction.%' GROUP BY kind ORDER BY kind"
        ).fetchall()
        assert kinds == [("transaction.ended", 2), ("transaction.started", 2)]
        assert_without_gaps(connection)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def assert_without_gaps(connection: sqlite3.Connection) -> None:
    """Every stream counts 1, 2, 3 and the site-wide ids rise along."""
    for rows in (
        connection.execute("SELECT sequence FROM events WHERE stream = 'tx' ORDER BY id").fetchall(),
        connection.execute("SELECT sequence FROM events WHERE stream = 'ops' ORDER BY id").fetchall(),
        connection.execute("SELECT sequence FROM meter_frames ORDER BY id").fetchall(),
    ):
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    ids = connection.execute("SELECT id FROM events UNION ALL SELECT id FROM meter_frames ORDER BY 1").fetchall()
    assert [row[0] for row in ids] == list(range(1, len(ids) + 1))
