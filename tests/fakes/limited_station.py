"""A charge point that keeps charging profiles, written from the specification alone: none of the gateway's own code.

What it refuses, and what it does not answer, is set by the test. `allowed(connector)` is the limit that holds now, in
A; None: nothing limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.scripted_station import ScriptedStation, plugged_in

Conf = dict[str, Any]
SET, CLEAR = "SetChargingProfile", "ClearChargingProfile"


@dataclass
class LimitedStation:
    """`asked` are the requests of the central system with the time they came at, in order."""

    url: str
    clock: Callable[[], datetime]
    answers: Callable[[str, Conf], str | None] = lambda action, payload: "Accepted"  # None: no answer
    hears_but_is_silent: bool = False  # does what it is told, and does not say so
    settings: dict[str, str] = field(default_factory=dict)
    profiles: dict[int, tuple[int, Conf, datetime]] = field(default_factory=dict)
    sessions: dict[int, tuple[int, datetime]] = field(default_factory=dict)  # connector: (transaction, since)
    asked: list[tuple[datetime, str, Conf]] = field(default_factory=list)
    _open: AsyncExitStack | None = None
    _wire: ScriptedStation | None = None
    _answering: asyncio.Task[None] | None = None

    @property
    def wire(self) -> ScriptedStation:
        assert self._wire is not None
        return self._wire

    def sets(self, purpose: str | None = None) -> list[Conf]:
        """The profiles it was sent, of one purpose or all."""
        found = [payload["csChargingProfiles"] for _, action, payload in self.asked if action == SET]
        return [one for one in found if purpose in (None, one["chargingProfilePurpose"])]

    async def connect(self) -> None:
        await self.disconnect()
        self._open = AsyncExitStack()
        self._wire = await self._open.enter_async_context(plugged_in(self.url))
        self._answering = asyncio.create_task(self._answer_all(self._wire))

    async def disconnect(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        opened, self._open, self._wire = self._open, None, None
        if opened is not None:
            await opened.aclose()

    async def boot(self, **more: object) -> None:
        await self.connect()
        assert (await self.wire.boots(**more))["status"] == "Accepted"

    async def charge(self, connector: int = 1) -> int:
        started = await self.wire.starts(connector, at=self._time(), meter=0)
        number = int(started["transactionId"])
        self.sessions[connector] = (number, self.clock())
        return number

    async def stop(self, connector: int = 1) -> None:
        number, _ = self.sessions.pop(connector)
        self.profiles = {
            key: one for key, one in self.profiles.items() if one[1].get("transactionId", number) != number
        }
        await self.wire.stops(number, at=self._time())

    def allowed(self, connector: int = 1) -> float | None:
        """What the highest profile of each purpose says now: the session's, else the default; at most the station's."""
        by_purpose = {}
        for place, profile, _ in self.profiles.values():
            purpose, session = profile["chargingProfilePurpose"], self.sessions.get(connector)
            for_other = purpose == "TxProfile" and (session is None or profile.get("transactionId") != session[0])
            if place in (0, connector) and not for_other:
                best = by_purpose.get(purpose)
                if best is None or best["stackLevel"] <= profile["stackLevel"]:
                    by_purpose[purpose] = profile
        own = by_purpose.get("TxProfile") or by_purpose.get("TxDefaultProfile")
        found = [self._says(one, connector) for one in (own, by_purpose.get("ChargePointMaxProfile")) if one]
        return min(found, default=None)

    def _says(self, profile: Conf, connector: int) -> float:
        schedule = profile["chargingSchedule"]
        begin = self.sessions.get(connector, (0, self.clock()))[1]
        if "startSchedule" in schedule:
            begin = datetime.fromisoformat(schedule["startSchedule"])
        gone = (self.clock() - begin).total_seconds()
        periods = [one for one in schedule["chargingSchedulePeriod"] if one["startPeriod"] <= gone]
        assert periods, "a schedule that has not begun opens the station"
        limit = float(periods[-1]["limit"])
        return limit / (230 * 3) if schedule["chargingRateUnit"] == "W" else limit

    def _time(self) -> str:
        return self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def _answer_all(self, wire: ScriptedStation) -> None:
        while True:
            request = await wire.requests.get()
            action, payload = request.action, request.payload
            self.asked.append((self.clock(), action, payload))
            wire._open = request
            status = self.answers(action, payload)
            if status == "Accepted":
                self._do(action, payload)
            if status is None or (self.hears_but_is_silent and action == SET):
                continue
            if action == "GetConfiguration":
                told = [{"key": name, "readonly": True, "value": value} for name, value in self.settings.items()]
                await wire.answer({"configurationKey": told})
            else:
                await wire.answer({"status": status})

    def _do(self, action: str, payload: Conf) -> None:
        if action == SET:
            new, place = payload["csChargingProfiles"], payload["connectorId"]
            rank = (place, new["chargingProfilePurpose"], new["stackLevel"])
            for key, (old_place, old, _) in list(self.profiles.items()):
                if rank == (old_place, old["chargingProfilePurpose"], old["stackLevel"]):
                    del self.profiles[key]
            self.profiles[new["chargingProfileId"]] = (place, new, self.clock())
        elif action == CLEAR:
            self.profiles = {} if not payload else {k: v for k, v in self.profiles.items() if k != payload.get("id")}
