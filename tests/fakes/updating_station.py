"""A charge point that loads and installs firmware, raw JSON, none of the gateway's code; the test sets its oddities.

It answers by itself and remembers every request in `asked`. `load` is how it gets bytes: the test hands in a function
`(location, start, end) -> taken`, because in virtual time there are no real servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.fakes.scripted_station import ScriptedStation, plugged_in

Conf = dict[str, Any]
Load = Callable[[str, int, int], Awaitable[bool]]
PIECES = 4


@dataclass
class Oddities:
    """What a station does otherwise than well."""

    says_nothing: bool = False  # no status at all
    floods: int = 1  # how often it says each status
    dies_while_loading: int = 0  # how often it boots in the middle of loading, without trying again
    boots_with: str | None = None  # another version than the one that it was given
    refuses_signature: bool = False
    stuck_unavailable: bool = False  # afterwards, until it is told to be operative
    stuck_for_good: bool = False
    forgets_settings: bool = False
    tells_no_boot: bool = False  # it comes back without a BootNotification
    needs_no_reboot: bool = False  # it says Installed and goes on
    never_comes_back: bool = False
    fails_to_install: bool = False
    faulted_afterwards: bool = False
    not_done: frozenset[str] = frozenset()  # actions answered NotImplemented
    refuses_all: bool = False  # SignedUpdateFirmware is answered Rejected
    never_begins: bool = False


@dataclass
class UpdatingStation:
    """Call `power_on`; the rest it does by itself until `close`."""

    url: str
    load: Load
    firmware: str = "1.0"
    next_firmware: str = "2.0"
    connectors: int = 1
    odd: Oddities = field(default_factory=Oddities)
    signed: bool = False
    keys: dict[str, str] = field(default_factory=lambda: {"HeartbeatInterval": "300", "NumberOfConnectors": "1"})
    load_seconds: float = 60.0
    install_seconds: float = 60.0
    asked: list[tuple[str, Conf]] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    wanted_out: set[int] = field(default_factory=set)
    charging: dict[int, int] = field(default_factory=dict)  # connector: transaction
    updates: int = 0
    interrupted: bool = False  # it was asked to update while it was charging
    _stuck: set[int] = field(default_factory=set)
    _stack: AsyncExitStack | None = None
    _wire: ScriptedStation | None = None
    _answering: asyncio.Task[None] | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def is_on(self) -> bool:
        """It is connected."""
        return self._wire is not None

    def requests(self, action: str) -> list[Conf]:
        """The payloads of the requests of an action so far."""
        return [payload for asked, payload in self.asked if asked == action]

    async def power_on(self, *, tells_boot: bool = True) -> None:
        """Dial until somebody answers, boot, tell the statuses."""
        while True:
            try:
                await self._dial()
                break
            except (OSError, WebSocketException, TimeoutError):
                await self.power_off()
                await asyncio.sleep(20)
        await self._come_up(tells_boot=tells_boot)

    async def power_off(self) -> None:
        """No cable any more."""
        answering, self._answering = self._answering, None
        stack, self._stack, self._wire = self._stack, None, None
        if answering is not None and answering is not asyncio.current_task():
            answering.cancel()
        if stack is not None:
            try:
                await stack.aclose()
            except (AssertionError, OSError, WebSocketException):
                pass

    async def stay_connected(self) -> None:
        """For ever: dial again when the gateway is gone; it remembers who it is."""
        while True:
            wire = self._wire
            if wire is not None:
                await wire.socket.wait_closed()
                if self._wire is wire:
                    await self.power_off()
                    await self.power_on(tells_boot=False)
            await asyncio.sleep(5)

    def keep_connected(self) -> None:
        """Begin to look after the connection."""
        self._tasks += [asyncio.create_task(self.stay_connected()), asyncio.create_task(self._beat())]

    async def close(self) -> None:
        """The test is over."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.power_off()

    async def show(self, connector: int, status: str) -> None:
        """StatusNotification."""
        self.statuses[connector] = status
        error = "OtherError" if status == "Faulted" else "NoError"
        await self.say("StatusNotification", {"connectorId": connector, "errorCode": error, "status": status})

    async def charge(self, connector: int, tag: str = "VALID") -> None:
        """A car begins to charge."""
        await self.show(connector, "Preparing")
        told = {"connectorId": connector, "idTag": tag, "meterStart": 0, "timestamp": "2027-01-15T08:00:00Z"}
        answer = await self.say("StartTransaction", told)
        self.charging[connector] = int(answer["transactionId"])
        await self.show(connector, "Charging")

    async def stop(self, connector: int) -> None:
        """The car has gone."""
        transaction = self.charging.pop(connector)
        told = {"transactionId": transaction, "meterStop": 10, "timestamp": "2027-01-15T09:00:00Z"}
        await self.say("StopTransaction", told)
        await self.show(connector, "Unavailable" if connector in self.wanted_out else "Available")

    async def say(self, action: str, payload: Mapping[str, Any]) -> Any:
        """A request; the answer, None when there is no connection."""
        if self._wire is None:
            return None
        try:
            return await self._wire.say(action, payload)
        except (ConnectionClosed, TimeoutError):
            return None

    # Private

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(240)
            await self.say("Heartbeat", {})

    async def _dial(self) -> None:
        self._stack = AsyncExitStack()
        self._wire = await self._stack.enter_async_context(plugged_in(self.url))
        self._answering = asyncio.create_task(self._answer_all(self._wire))

    async def _come_up(self, *, tells_boot: bool) -> None:
        if tells_boot:
            told = {"chargePointVendor": "Maker", "chargePointModel": "Post", "firmwareVersion": self.firmware}
            await self.say("BootNotification", told)
        for connector in range(1, self.connectors + 1):
            await self.show(connector, self._status_of(connector))

    def _status_of(self, connector: int) -> str:
        if connector in self.charging:
            return "Charging"
        if self.odd.faulted_afterwards and self.updates and self.firmware == self.next_firmware:
            return "Faulted"
        return "Unavailable" if connector in self.wanted_out | self._stuck else "Available"

    async def _answer_all(self, wire: ScriptedStation) -> None:
        while True:
            request = await wire.requests.get()
            self.asked.append((request.action, request.payload))
            wire._open = request
            if request.action in self.odd.not_done:
                await wire.refuse("NotImplemented")
                continue
            conf, then = self._conf(request.action, request.payload)
            if then is not None:
                self._tasks.append(asyncio.create_task(self._later(then)))
            await wire.answer(conf)

    async def _later(self, then: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(0.5)  # the answer goes first
        await then()

    def _conf(self, action: str, payload: Conf) -> tuple[Conf, Callable[[], Any] | None]:
        match action:
            case "UpdateFirmware":
                return {}, lambda: self._update(payload["location"], None)
            case "SignedUpdateFirmware":
                if self.odd.refuses_all:
                    return {"status": "Rejected"}, None
                location, number = payload["firmware"]["location"], payload["requestId"]
                return {"status": "Accepted"}, lambda: self._update(location, number)
            case "GetConfiguration":
                told = [{"key": name, "readonly": False, "value": value} for name, value in self.keys.items()]
                return {"configurationKey": told}, None
            case "ChangeConfiguration":
                self.keys[payload["key"]] = payload["value"]
                return {"status": "Accepted"}, None
            case "ChangeAvailability":
                return self._availability(payload["connectorId"], payload["type"])
            case "TriggerMessage":
                return {"status": "Accepted"}, lambda: self._triggered(payload)
        return {"status": "Accepted"}, None

    def _availability(self, connector: int, kind: str) -> tuple[Conf, Callable[[], Any] | None]:
        if kind == "Inoperative":
            self.wanted_out.add(connector)
        else:
            self.wanted_out.discard(connector)
            if not self.odd.stuck_for_good:
                self._stuck.discard(connector)
        if connector in self.charging:
            return {"status": "Scheduled"}, None
        return {"status": "Accepted"}, lambda: self.show(connector, self._status_of(connector))

    async def _triggered(self, payload: Conf) -> None:
        if payload["requestedMessage"] == "BootNotification":
            told = {"chargePointVendor": "Maker", "chargePointModel": "Post", "firmwareVersion": self.firmware}
            await self.say("BootNotification", told)
        elif payload["requestedMessage"] == "StatusNotification":
            connector = payload.get("connectorId") or 1
            await self.show(connector, self._status_of(connector))

    async def _tell(self, status: str, number: int | None) -> None:
        if self.odd.says_nothing:
            return
        for _ in range(self.odd.floods):
            if number is None:
                await self.say("FirmwareStatusNotification", {"status": status})
            else:
                await self.say("SignedFirmwareStatusNotification", {"status": status, "requestId": number})

    async def _update(self, location: str, number: int | None) -> None:
        self.updates += 1
        self.interrupted = self.interrupted or bool(self.charging)
        if self.odd.never_begins:
            return
        await asyncio.sleep(2)
        await self._tell("Downloading", number)
        for piece in range(PIECES):
            await asyncio.sleep(self.load_seconds / PIECES)
            if not await self.load(location, piece, PIECES):
                await self._tell("DownloadFailed", number)
                return
            if piece == 1 and self.odd.dies_while_loading:
                self.odd.dies_while_loading -= 1
                await self.power_off()
                await asyncio.sleep(40)
                await self.power_on()
                return
        await self._tell("Downloaded", number)
        if self.odd.refuses_signature:
            await self._tell("InvalidSignature", number)
            return
        await asyncio.sleep(10)
        await self._install(number)

    async def _install(self, number: int | None) -> None:
        await self._tell("Installing", number)
        await asyncio.sleep(self.install_seconds)
        if self.odd.fails_to_install:
            await self._tell("InstallationFailed", number)
            return
        if self.odd.needs_no_reboot:
            self.firmware = self.next_firmware
            await self._tell("Installed", number)
            return
        await self.power_off()
        if self.odd.never_comes_back:
            return
        await asyncio.sleep(60)
        self.firmware = self.odd.boots_with or self.next_firmware
        if self.odd.stuck_unavailable or self.odd.stuck_for_good:
            self._stuck = set(range(1, self.connectors + 1))
        if self.odd.forgets_settings:
            self.keys["HeartbeatInterval"] = "86400"
        await self.power_on(tells_boot=not self.odd.tells_no_boot)
        await self._tell("Installed", number)
