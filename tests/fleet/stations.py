"""Stations that charge one car after the other and keep telling until they are answered, whatever dies meanwhile.

They remember what they did. They speak through tests/faults/persistent_station.py and know nothing of the gateway.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.faults.persistent_station import Station
from tests.fleet.processes import listens


@dataclass(frozen=True, slots=True)
class Session:
    """What one car did at a station."""

    transaction: int
    connector: int
    id_tag: str
    meter_start: int
    meter_stop: int


class BusyStation:
    """One station with a connector that is seldom free. `pause_seconds` is the longest wait between two messages."""

    def __init__(self, identity: str, port: int, rolled: random.Random, *, pause_seconds: float = 0.0) -> None:
        self.identity = identity
        self.sessions: list[Session] = []
        self._meter = 1000
        self._rolled, self._pause_seconds = rolled, pause_seconds
        self._station = Station(_dialling(identity, port), fresh_ids=False)

    async def charge(self, *, cars: int | None = None, enough: asyncio.Event | None = None) -> None:
        """Charge that many cars, or cars until there were enough; the last one leaves in order."""
        await self._tell("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        while len(self.sessions) != cars and not (enough and enough.is_set()):
            await self._charge_one(f"TAG{len(self.sessions):04d}")
        await self._station.hang_up()
        assert not self._station.errors, self._station.errors

    # Private

    async def _charge_one(self, id_tag: str) -> None:
        await self._shows("Preparing")
        start = {"connectorId": 1, "idTag": id_tag, "meterStart": self._meter, "timestamp": _now()}
        answer = await self._tell("StartTransaction", start)
        number, meter_start = int(str(answer["transactionId"])), self._meter
        await self._shows("Charging")
        for _ in range(self._rolled.randint(0, 2)):
            self._meter += self._rolled.randint(1, 900)
            value = {"timestamp": _now(), "sampledValue": [{"value": str(self._meter), "unit": "Wh"}]}
            await self._tell("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
        stop = {"transactionId": number, "meterStop": self._meter, "timestamp": _now(), "reason": "Local"}
        await self._tell("StopTransaction", stop)
        await self._shows("Available")
        self.sessions.append(Session(number, 1, id_tag, meter_start, self._meter))

    async def _shows(self, status: str) -> None:
        told = {"connectorId": 1, "status": status, "errorCode": "NoError", "timestamp": _now()}
        await self._tell("StatusNotification", told)

    async def _tell(self, action: str, payload: dict[str, object]) -> dict[str, object]:
        if self._pause_seconds:
            await asyncio.sleep(self._rolled.uniform(0, self._pause_seconds))
        return await self._station.tell(action, payload)


def _dialling(identity: str, port: int) -> Callable[[], Awaitable[str]]:
    async def dial() -> str:
        while not listens(port):  # noqa: ASYNC110 - another process, it cannot call us
            await asyncio.sleep(0.1)
        return f"ws://127.0.0.1:{port}/ocpp/{identity}"

    return dial


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
