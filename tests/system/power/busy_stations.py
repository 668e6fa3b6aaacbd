"""Stations that start, meter and stop sessions without a pause, and remember what they were answered, and when.

As OCPP 1.6 wants it, a message that was not answered is told again after the next connection, for as long as it
takes: over power cuts too. They speak the `websockets` client and raw JSON, and know nothing of the gateway's code.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

BROKEN = (OSError, EOFError, TimeoutError, WebSocketException)
Payload = dict[str, object]
_FIRST_DAY = datetime(2025, 3, 1, tzinfo=UTC)
_DIAL_AGAIN_SECONDS = 0.25
_PATIENCE_SECONDS = 20.0
_MOST_READINGS = 4


@dataclass(slots=True)
class Session:
    """One session as its station sees it. `_ns`: when the answer came (monotonic), None while it did not."""

    station: str
    id_tag: str
    meter_start: int
    start_time: str
    transaction_id: int | None = None
    started_ns: int | None = None
    readings: dict[int, int] = field(default_factory=dict)  # energy in Wh: when it was answered
    meter_stop: int | None = None
    stopped_ns: int | None = None


class Station:
    """Run `live` in a task; `sessions` is what it knows."""

    def __init__(self, identity: str, seed: int) -> None:
        self.identity = identity
        self.sessions: list[Session] = []
        self.refused: list[str] = []  # CALLERRORs, refusals and connections that were closed in an orderly way
        self.answers = 0
        self._dice = random.Random(f"{seed} {identity}")
        self._ids = count(1)
        self._meter = 0
        self._clock = _FIRST_DAY
        self._wanted: tuple[str, str, Payload] | None = None  # message id, action, payload: told until it is answered

    async def live(self, port: int) -> None:
        """Until cancelled: dial until there is an answer, then work."""
        url = f"ws://127.0.0.1:{port}/ocpp/{self.identity}"
        while True:
            with suppress(*BROKEN):
                async with connect(
                    url, subprotocols=[Subprotocol("ocpp1.6")], compression=None, ping_interval=None, close_timeout=0.1
                ) as line:
                    await self._tell(line, f"b{next(self._ids)}", "BootNotification", _BOOT)
                    await self._work(line)
            await asyncio.sleep(_DIAL_AGAIN_SECONDS)

    async def _work(self, line: ClientConnection) -> None:
        while True:
            if not self.sessions or self.sessions[-1].stopped_ns is not None:
                self.sessions.append(self._next_session())
            await self._further(line, self.sessions[-1])

    async def _further(self, line: ClientConnection, session: Session) -> None:
        """One message of the session, and what its answer changes."""
        action = self._wanted[1] if self._wanted is not None else self._next_action(session)
        if action == "StartTransaction":
            answer = await self._insist(line, action, lambda: _start(session))
            session.transaction_id, session.started_ns = int(str(answer["transactionId"])), time.monotonic_ns()
        elif action == "MeterValues":
            await self._insist(line, action, lambda: _reading(session, self._measured(), self._tick()))
            session.readings[self._meter] = time.monotonic_ns()
        else:
            await self._insist(line, action, lambda: _stop(session, self._measured(), self._tick()))
            session.meter_stop, session.stopped_ns = self._meter, time.monotonic_ns()

    def _next_action(self, session: Session) -> str:
        if session.transaction_id is None:
            return "StartTransaction"
        return "MeterValues" if len(session.readings) < self._dice.randint(1, _MOST_READINGS) else "StopTransaction"

    def _measured(self) -> int:
        self._meter += self._dice.randint(1, 500)
        return self._meter

    async def _insist(self, line: ClientConnection, action: str, payload: Callable[[], Payload]) -> Payload:
        """Tell what is wanted, the very same words again if a power cut came between."""
        if self._wanted is None:
            self._wanted = (f"m{next(self._ids)}", action, payload())
        answer = await self._tell(line, *self._wanted)
        self._wanted = None
        return answer

    async def _tell(self, line: ClientConnection, message_id: str, action: str, payload: Payload) -> Payload:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await line.send(json.dumps([2, message_id, action, payload]))
            while True:
                kind, answered, *rest = json.loads(await line.recv())
                if kind == 2:
                    await line.send(json.dumps([4, answered, "NotImplemented", "", {}]))
                elif answered == message_id:
                    break
        if kind == 4:
            self.refused.append(f"{action}: {rest}")
            raise ConnectionError("told again later")
        self.answers += 1
        return dict(rest[0])

    def _next_session(self) -> Session:
        self._meter += 1  # no two sessions of a station begin at the same register
        return Session(self.identity, f"TAG{self._dice.randint(1, 9)}", self._meter, self._tick())

    def _tick(self) -> str:
        self._clock += timedelta(seconds=1)
        return self._clock.strftime("%Y-%m-%dT%H:%M:%SZ")


_BOOT: Payload = {"chargePointVendor": "V", "chargePointModel": "M"}


def _start(session: Session) -> Payload:
    return {
        "connectorId": 1,
        "idTag": session.id_tag,
        "meterStart": session.meter_start,
        "timestamp": session.start_time,
    }


def _reading(session: Session, value: int, now: str) -> Payload:
    sampled = [{"value": str(value), "unit": "Wh"}]
    readings = [{"timestamp": now, "sampledValue": sampled}]
    return {"connectorId": 1, "transactionId": session.transaction_id, "meterValue": readings}


def _stop(session: Session, meter_stop: int, now: str) -> Payload:
    return {"transactionId": session.transaction_id, "meterStop": meter_stop, "timestamp": now, "reason": "Local"}
