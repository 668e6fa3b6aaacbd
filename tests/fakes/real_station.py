"""A charging station with one connector on a real WebSocket: OCPP 1.6 in raw JSON, and a car that follows its limits.

Written from the specification; it shares no code with the gateway. Faults (slow answers, no network, a car that ignores
its limit) are switches. Nobody above it knows what it draws but through `amps_by_phase`.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.fakes.held_profiles import HeldProfiles, Running
from tests.fakes.parked_car import ParkedCar

Document = dict[str, Any]

_TICK_SECONDS = 0.1
_DIAL_AGAIN_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
_VOLTS = 230.0


@dataclass
class RealStation:
    """Run `live()` in a task."""

    identity: str
    url: str
    car: ParkedCar
    rotation: str = "123"
    slow_seconds: float = 0.0  # between a request and what follows from it
    no_network: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    profiles: HeldProfiles = field(default_factory=HeldProfiles)
    running: Running | None = None
    set_at: list[float] = field(default_factory=list)  # by the monotonic clock, when a limit was accepted
    plugged_in: bool = True
    register_wh: float = 0.0
    _wire: ClientConnection | None = None
    _awaited: dict[str, asyncio.Future[Document]] = field(default_factory=dict)
    _interval: float = 10.0

    def __post_init__(self) -> None:
        self.settings = {
            "NumberOfConnectors": "1",
            "ChargeProfileMaxStackLevel": "8",
            "ChargingScheduleAllowedChargingRateUnit": "Current",
            "ChargingScheduleMaxPeriods": "24",
            "MaxChargingProfilesInstalled": "10",
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
            "MeterValueSampleInterval": "10",
            "MeterValuesSampledData": "Current.Import,Energy.Active.Import.Register",
            "HeartbeatInterval": "60",
            **self.settings,
        }

    @property
    def amps_by_phase(self) -> tuple[float, float, float]:
        """What flows now, by supply phase."""
        drawn = [0.0, 0.0, 0.0]
        for phase in self.rotation[: self.car.lines]:
            drawn[int(phase) - 1] += self.car.amps
        return drawn[0], drawn[1], drawn[2]

    def limit(self) -> float | None:
        """What it lets the car draw now; None: all that it can."""
        if self.running is None:
            return 0.0
        return self.profiles.amps(1, self.running, now=time.time(), lines=len(self.rotation))

    async def live(self) -> None:
        """Until cancelled: stay connected, charge while plugged in."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._charge())
            group.create_task(self._watch_network())
            while True:
                if not self.no_network:
                    with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                        await self._one_connection()
                await asyncio.sleep(_DIAL_AGAIN_SECONDS)

    async def _charge(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            self.car.step(self.limit(), now)
            if self.running is None:  # whatever the car wants, nothing is switched on
                self.car.amps = 0.0
            self.register_wh += sum(self.amps_by_phase) * _VOLTS * (now - before) / 3600
            before = now

    async def _watch_network(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if self.no_network and self._wire is not None:
                self._wire.transport.abort()

    async def _one_connection(self) -> None:
        address = f"{self.url}/{self.identity}"
        async with connect(address, subprotocols=["ocpp1.6"], compression=None, ping_interval=None) as wire:  # type: ignore[list-item]
            self._wire = wire
            try:
                async with asyncio.TaskGroup() as group:
                    telling = group.create_task(self._tell())
                    async for text in wire:
                        self._heard(group, json.loads(text))
                    telling.cancel()
            except* (ConnectionClosed, TimeoutError):
                pass
            finally:
                self._wire = None

    async def _tell(self) -> None:
        boot = await self.call("BootNotification", {"chargePointVendor": "Kerb", "chargePointModel": "Post 1"})
        while boot["status"] != "Accepted":
            await asyncio.sleep(1)
            boot = await self.call("BootNotification", {"chargePointVendor": "Kerb", "chargePointModel": "Post 1"})
        await self._tell_status()
        if self.running is None and self.plugged_in:
            await self._start()
        while True:
            if self.running is not None:
                await self._tell_currents(self.running)
                await self._tell_status()
            else:
                await self.call("Heartbeat", {})
            await asyncio.sleep(self._interval)

    async def _start(self) -> None:
        began = time.time()
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": round(self.register_wh), "timestamp": _text(began)}
        answer = await self.call("StartTransaction", start)
        if answer["idTagInfo"]["status"] == "Accepted":
            self.running = Running(answer["transactionId"], began)

    async def _stop(self, running: Running) -> None:
        self.running, self.plugged_in = None, False
        self.profiles.session_ended(1)
        stop = {"transactionId": running.transaction_id, "meterStop": round(self.register_wh)}
        await self.call("StopTransaction", {**stop, "timestamp": _text(time.time()), "reason": "Remote"})
        await self._tell_status()

    async def _tell_status(self) -> None:
        status = "Available"
        if self.running is not None:
            held = (self.limit() or 99.0) < self.car.least_amps
            status = "Charging" if self.car.amps else "SuspendedEVSE" if held else "SuspendedEV"
        told = {"connectorId": 1, "status": status, "errorCode": "NoError", "timestamp": _text(time.time())}
        await self.call("StatusNotification", told)

    async def _tell_currents(self, running: Running) -> None:
        lines = len(self.rotation)
        sampled = [
            {
                "value": f"{self.car.amps if line < self.car.lines else 0.0:.1f}",
                "measurand": "Current.Import",
                "phase": f"L{line + 1}",
                "unit": "A",
                "context": "Sample.Periodic",
            }
            for line in range(lines)
        ]
        register = {"value": f"{self.register_wh:.0f}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [{"timestamp": _text(time.time()), "sampledValue": [*sampled, register]}]
        payload = {"connectorId": 1, "transactionId": running.transaction_id, "meterValue": values}
        await self.call("MeterValues", payload)

    async def call(self, action: str, payload: Mapping[str, object]) -> Document:
        """A request of this station; its answer, within half a minute."""
        wire, number = self._wire, str(uuid.uuid4())
        if wire is None:
            raise TimeoutError
        answer: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        self._awaited[number] = answer
        try:
            await wire.send(json.dumps([2, number, action, payload]))
            return await asyncio.wait_for(answer, _PATIENCE_SECONDS)
        finally:
            self._awaited.pop(number, None)

    def _heard(self, group: asyncio.TaskGroup, frame: list[Any]) -> None:
        match frame:
            case [2, str(number), str(action), dict(payload)]:
                group.create_task(self._answer(group, number, action, payload))
            case [3, str(number), dict(payload)] if number in self._awaited:
                self._settle(number, payload)
            case [4, str(number), *_] if number in self._awaited:
                self._settle(number, None)  # as if it had not answered: the connection is made anew

    def _settle(self, number: str, payload: Document | None) -> None:
        waiting = self._awaited[number]
        if waiting.done():
            return
        if payload is None:
            waiting.set_exception(TimeoutError())
        else:
            waiting.set_result(payload)

    async def _answer(self, group: asyncio.TaskGroup, number: str, action: str, payload: Document) -> None:
        await asyncio.sleep(self.slow_seconds)
        answer = self._done(group, action, payload)
        frame = [4, number, "NotImplemented", "", {}] if answer is None else [3, number, answer]
        if self._wire is not None:
            await self._wire.send(json.dumps(frame))

    def _done(self, group: asyncio.TaskGroup, action: str, payload: Document) -> Document | None:
        match action:
            case "SetChargingProfile":
                done = self.profiles.set(payload["connectorId"], payload["csChargingProfiles"], self.running)
                if done:
                    self.set_at.append(time.monotonic())
                return {"status": "Accepted" if done else "Rejected"}
            case "ClearChargingProfile":
                return {"status": "Accepted" if self.profiles.clear(payload) else "Unknown"}
            case "GetConfiguration":
                return self._configuration(payload.get("key") or list(self.settings))
            case "ChangeConfiguration":
                self.settings[payload["key"]] = payload["value"]
                if payload["key"] == "MeterValueSampleInterval":
                    self._interval = max(1.0, float(payload["value"]))
                return {"status": "Accepted"}
            case "RemoteStopTransaction":
                running = self.running
                if running is None or running.transaction_id != payload["transactionId"]:
                    return {"status": "Rejected"}
                group.create_task(self._stop(running))
                return {"status": "Accepted"}
            case "TriggerMessage":
                group.create_task(self._triggered(payload["requestedMessage"]))
                return {"status": "Accepted"}
        return None

    def _configuration(self, names: list[str]) -> Document:
        known = [name for name in names if name in self.settings]
        told = [{"key": name, "readonly": False, "value": self.settings[name]} for name in known]
        return {"configurationKey": told, "unknownKey": [name for name in names if name not in self.settings]}

    async def _triggered(self, message: str) -> None:
        with suppress(TimeoutError, ConnectionClosed):
            if message == "StatusNotification":
                await self._tell_status()
            elif message == "MeterValues" and self.running is not None:
                await self._tell_currents(self.running)


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
