"""A charge point with configuration keys that answers by itself, raw JSON, none of the gateway's own code.

It remembers every request of the central system in `asked`. What is odd about it is set by the test: keys that it
refuses, measurands that it does not know, requests that it does not do or never answers, values after which it boots.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.scripted_station import ScriptedStation, plugged_in

MEASURANDS = "MeterValuesSampledData"
Conf = dict[str, Any]


def key(value: object = "", *, readonly: bool = False) -> Conf:
    """A configuration key as the station tells it; a value of None is not told."""
    return {"readonly": readonly} | ({} if value is None else {"value": value})


def usual_keys() -> dict[str, Conf]:
    """A small station's keys."""
    return {
        "GetConfigurationMaxKeys": key("20", readonly=True),
        "HeartbeatInterval": key("300"),
        "MeterValueSampleInterval": key("30"),
        MEASURANDS: key("Energy.Active.Import.Register"),
        "NumberOfConnectors": key("1", readonly=True),
        "SupportedFeatureProfiles": key("Core,RemoteTrigger", readonly=True),
    }


@dataclass
class KeyedStation:
    """Call `connect`, then `boot`; `asked` are the requests of the central system, in order."""

    url: str
    keys: dict[str, Conf] = field(default_factory=usual_keys)
    firmware: str = "1.0"
    tells_all_at_once: bool = True
    unknown_measurands: frozenset[str] = frozenset()
    reboot_required: frozenset[str] = frozenset()  # keys that take effect after a boot
    read_only_in_truth: frozenset[str] = frozenset()
    never_answered: frozenset[str] = frozenset()
    not_done: frozenset[str] = frozenset()  # actions answered NotImplemented
    boots_after: Callable[[str, str], bool] = lambda key, value: False  # (key, value) -> does it boot now?
    triggers: str = "Accepted"
    resets: str = "Accepted"
    availability: str = "Accepted"
    asked: list[tuple[str, Conf]] = field(default_factory=list)
    boots: int = 0
    _open: AsyncExitStack | None = None
    _station: ScriptedStation | None = None
    _answering: asyncio.Task[None] | None = None
    _later: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def wire(self) -> ScriptedStation:
        """The open connection."""
        assert self._station is not None
        return self._station

    def requests(self, action: str | None = None) -> list[Conf]:
        """The payloads of the requests so far, of one action or of all."""
        return [payload for asked, payload in self.asked if action in (None, asked)]

    def changes(self) -> list[tuple[str, str]]:
        """(key, value) of each ChangeConfiguration so far."""
        return [(payload["key"], payload["value"]) for payload in self.requests("ChangeConfiguration")]

    async def connect(self) -> None:
        """Dial; an older connection is dropped."""
        await self.disconnect()
        self._open = AsyncExitStack()
        self._station = await self._open.enter_async_context(plugged_in(self.url))
        self._answering = asyncio.create_task(self._answer_all(self._station))

    async def disconnect(self) -> None:
        """Hang up."""
        if self._answering is not None:
            self._answering.cancel()
        opened, self._open, self._station = self._open, None, None
        if opened is not None:
            await opened.aclose()

    async def boot(self, *, tells_status: bool = True) -> None:
        """Power on: dial, BootNotification, StatusNotification."""
        await self.connect()
        self.boots += 1
        answer = await self.wire.boots(firmwareVersion=self.firmware)
        assert answer["status"] == "Accepted"
        if tells_status:
            await self.show("Available")

    async def show(self, status: str, connector: int = 1) -> None:
        """StatusNotification of now, without a time of its own."""
        told = {"connectorId": connector, "errorCode": "NoError", "status": status}
        assert await self.wire.say("StatusNotification", told) == {}

    async def close(self) -> None:
        """The test is over."""
        for task in self._later:
            task.cancel()
        await self.disconnect()

    async def _answer_all(self, station: ScriptedStation) -> None:
        while True:
            request = await station.requests.get()
            self.asked.append((request.action, request.payload))
            station._open = request
            if request.action in self.never_answered:
                continue
            if request.action in self.not_done:
                await station.refuse("NotImplemented")
                continue
            conf, then = self._conf(request.action, request.payload)
            if conf is None:
                await station.refuse("InternalError", "too much")
            else:
                await station.answer(conf)
            if then is not None:
                self._later.append(asyncio.create_task(then()))

    def _conf(self, action: str, payload: Mapping[str, Any]) -> tuple[Conf | None, Callable[[], Any] | None]:
        match action:
            case "GetConfiguration":
                return self._told(payload.get("key") or []), None
            case "ChangeConfiguration":
                return self._changed(payload["key"], payload["value"])
            case "TriggerMessage":
                accepted = self.triggers == "Accepted"
                return {"status": self.triggers}, (lambda: self._triggered(payload)) if accepted else None
            case "Reset":
                return {"status": self.resets}, self._reboot if self.resets == "Accepted" else None
            case "ChangeAvailability":
                return {"status": self.availability}, None
        return {"status": "Accepted"}, None

    def _told(self, names: list[str]) -> Conf | None:
        if not names and not self.tells_all_at_once:
            return None
        if len(names) > int(str(self.keys.get("GetConfigurationMaxKeys", {}).get("value", 1000))):
            return None
        found, unknown = [], []
        for name in names or list(self.keys):
            known = self._find(name)
            if known is None:
                unknown.append(name)
            else:
                found.append({"key": known, **self.keys[known]})
        return {"configurationKey": found} | ({"unknownKey": unknown} if unknown else {})

    def _changed(self, name: str, value: str) -> tuple[Conf, Callable[[], Any] | None]:
        known = self._find(name)
        if known is None:
            return {"status": "NotSupported"}, None
        setting = self.keys[known]
        unsupported = known == MEASURANDS and self.unknown_measurands & set(value.split(","))
        if setting["readonly"] or unsupported or known in self.read_only_in_truth:
            return {"status": "Rejected"}, None
        setting["value"] = value
        then = self._reboot if self.boots_after(known, value) else None
        return {"status": "RebootRequired" if known in self.reboot_required else "Accepted"}, then

    def _find(self, name: str) -> str | None:
        return next((known for known in self.keys if known.casefold() == name.casefold()), None)

    async def _triggered(self, payload: Mapping[str, Any]) -> None:
        if payload["requestedMessage"] == "StatusNotification":
            await self.show("Available")
        elif payload["requestedMessage"] == "BootNotification":
            await self.wire.boots(firmwareVersion=self.firmware)

    async def _reboot(self) -> None:
        await asyncio.sleep(2)
        await self.disconnect()
        await asyncio.sleep(40)
        await self.boot()
