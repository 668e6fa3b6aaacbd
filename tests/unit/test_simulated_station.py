"""The simulated station against a tiny central system in raw JSON: what it says, obeys, keeps and repeats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from gateway.simulated_outlet import Meter
from gateway.simulated_station import Habits, SimulatedStation

pytestmark = pytest.mark.slow

QUICK = Habits(busy=False, speed=200.0, reboot_seconds=10.0, patience_seconds=0.5)


class Central:
    """Answers what it must, remembers everything, can be told to keep silent or to refuse an action."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        self.silent_to: set[str] = set()
        self.refuses: dict[str, int] = {}
        self.registration = ["Accepted"]
        self.tag_status = "Accepted"
        self.parents: dict[str, str] = {}
        self.sampling = "1"
        self._socket: ServerConnection | None = None
        self._replies: dict[str, asyncio.Future[list[Any]]] = {}
        self._changed = asyncio.Event()
        self._asked = 0
        self._started: dict[str, int] = {}

    async def converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.authorizations.append(socket.request.headers.get("Authorization"))
        self._socket = socket
        self._tell()
        async for text in socket:
            message = json.loads(text)
            if message[0] == 2:
                self.heard.append((message[1], message[2], message[3]))
                await self._reply(socket, *message[1:4])
            else:
                self._replies.pop(message[1]).set_result(message)
            self._tell()

    async def ask(self, action: str, payload: dict[str, Any]) -> Any:
        """The payload of the answer, or `[code]` of a CALLERROR."""
        self._asked += 1
        message_id = f"central-{self._asked}"
        reply = self._replies[message_id] = asyncio.get_running_loop().create_future()
        assert self._socket is not None
        await self._socket.send(json.dumps([2, message_id, action, payload]))
        answer = await asyncio.wait_for(reply, 5)
        return answer[2] if answer[0] == 3 else [answer[2]]

    async def cut(self) -> None:
        assert self._socket is not None
        await self._socket.close()

    def all_of(self, action: str) -> list[dict[str, Any]]:
        return [payload for _, name, payload in self.heard if name == action]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_heard(self, action: str, times: int = 1) -> list[dict[str, Any]]:
        await self.until(lambda: len(self.all_of(action)) >= times)
        return self.all_of(action)

    def _tell(self) -> None:
        self._changed.set()

    async def _reply(self, socket: ServerConnection, message_id: str, action: str, payload: dict[str, Any]) -> None:
        if action in self.silent_to:
            return
        if self.refuses.get(action, 0) > 0:
            self.refuses[action] -= 1
            await socket.send(json.dumps([4, message_id, "InternalError", "not now", {}]))
            return
        answer: dict[str, Any] = {}
        if action == "BootNotification":
            status = self.registration.pop(0) if len(self.registration) > 1 else self.registration[0]
            now = datetime.now(UTC).isoformat()
            answer = {"status": status, "currentTime": now, "interval": 300 if status == "Accepted" else 1}
        elif action == "StartTransaction":
            number = self._started.setdefault(json.dumps(payload), len(self._started) + 41)
            answer = {"transactionId": number, "idTagInfo": {"status": self.tag_status}}
        elif action in ("Authorize", "StopTransaction"):
            parent = self.parents.get(payload.get("idTag", ""))
            answer = {"idTagInfo": {"status": self.tag_status, **({"parentIdTag": parent} if parent else {})}}
        await socket.send(json.dumps([3, message_id, answer]))


@asynccontextmanager
async def site(habits: Habits = QUICK, identity: str = "SIM 1") -> AsyncIterator[tuple[Central, SimulatedStation]]:
    central = Central()
    async with serve(central.converse, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = server.sockets[0].getsockname()[1]
        station = SimulatedStation(identity, f"ws://127.0.0.1:{port}/ocpp", seed=7, habits=habits)
        task = asyncio.create_task(station.run())
        try:
            yield central, station
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def booted(central: Central, station: SimulatedStation) -> None:
    await central.until_heard("StatusNotification", 1 + station.habits.connectors)
    await central.ask("ClearCache", {})  # an answer now proves that everything before it was settled


async def test_it_boots_and_tells_the_status_of_every_connector() -> None:
    async with site(Habits(busy=False, connectors=2, password=b"secret")) as (central, station):
        await booted(central, station)
        assert central.paths == ["/ocpp/SIM%201"]
        assert central.authorizations == ["Basic U0lNIDE6c2VjcmV0"]
        assert central.heard[0][1] == "BootNotification"
        told = {(one["connectorId"], one["status"]) for one in central.all_of("StatusNotification")}
        assert told == {(0, "Available"), (1, "Available"), (2, "Available")}


async def test_while_pending_it_only_boots_again() -> None:
    async with site() as (central, station):
        central.registration = ["Pending", "Accepted"]
        begun = asyncio.get_running_loop().time()
        await booted(central, station)
        assert asyncio.get_running_loop().time() - begun >= 0.99, "the interval of the answer is kept"
        assert [action for _, action, _ in central.heard[:2]] == ["BootNotification", "BootNotification"]
        assert station.registration == "Accepted"


async def test_a_visit_is_billed_as_the_meter_says() -> None:
    async with site() as (central, station):
        await booted(central, station)
        station.settings.answer_change({"key": "MeterValueSampleInterval", "value": "1"})
        session = await station.visit(1, "TAG", seconds=500)
        assert session is not None
        (stop,) = await central.until_heard("StopTransaction")
        (start,) = central.all_of("StartTransaction")
        assert start["idTag"] == "TAG" and start["meterStart"] == session.start_wh
        assert stop["transactionId"] == 41 and stop["meterStop"] == session.stop_wh and stop["reason"] == "Local"
        assert session.energy_wh is not None and session.energy_wh > 0
        samples = central.all_of("MeterValues")
        assert samples and {sample["transactionId"] for sample in samples} == {41}
        entries = samples[0]["meterValue"][0]["sampledValue"]
        currents = [entry for entry in entries if entry["measurand"] == "Current.Import"]
        assert [entry["phase"] for entry in currents] == ["L1", "L2", "L3"]
        shown = [one["status"] for one in central.all_of("StatusNotification") if one["connectorId"] == 1]
        assert shown == ["Available", "Preparing", "Charging", "Finishing", "Available"]


async def test_a_refused_tag_charges_nothing() -> None:
    async with site() as (central, station):
        central.tag_status = "Invalid"
        await booted(central, station)
        assert await station.visit(1, "BAD", seconds=100) is None
        assert station.sessions == [] and central.all_of("StartTransaction") == []


async def test_an_invalid_start_is_stopped_as_deauthorized() -> None:
    async with site() as (central, station):
        await booted(central, station)
        central.tag_status = "Blocked"
        station.remembered_tags["TAG"] = "Accepted"
        session = await station.visit(1, "TAG", ask=False)
        assert session is not None and session.reason == "DeAuthorized"


async def test_remote_start_and_remote_stop_really_start_and_stop() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("RemoteStartTransaction", {"idTag": "FLEET", "connectorId": 1}) == {
            "status": "Accepted"
        }
        assert await central.ask("RemoteStartTransaction", {"idTag": "FLEET", "connectorId": 1}) == {
            "status": "Rejected"
        }
        await central.until_heard("StartTransaction")
        assert await central.ask("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
        assert await central.ask("RemoteStopTransaction", {"transactionId": 41}) == {"status": "Accepted"}
        (stop,) = await central.until_heard("StopTransaction")
        assert stop["reason"] == "Remote"


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_reset_reboots_and_bills_the_interrupted_session(kind: str) -> None:
    async with site() as (central, station):
        await booted(central, station)
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        assert await central.ask("Reset", {"type": kind}) == {"status": "Accepted"}
        await central.until_heard("BootNotification", 2)
        (stop,) = await central.until_heard("StopTransaction")
        assert stop["reason"] == f"{kind}Reset" and stop["transactionId"] == 41
        assert len(central.paths) == 2
        await visit


async def test_bills_wait_until_the_boot_is_accepted() -> None:
    async with site() as (central, station):
        await booted(central, station)
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        central.registration = ["Pending", "Accepted"]
        central.heard.clear()
        await central.ask("Reset", {"type": "Hard"})
        await central.until_heard("StopTransaction")
        told = [action for _, action, _ in central.heard if action in ("BootNotification", "StopTransaction")]
        assert told == ["BootNotification", "BootNotification", "StopTransaction"]
        await visit


async def test_what_happens_offline_is_told_afterwards_in_order() -> None:
    async with site() as (central, station):
        await booted(central, station)
        station.remembered_tags["TAG"] = "Accepted"
        await station.lose_network(0.5)
        session = await station.visit(1, "TAG", seconds=20)
        assert session is not None and session.transaction_id is None
        await central.until_heard("StopTransaction")
        kept = [name for _, name, _ in central.heard if name in ("StartTransaction", "StopTransaction")]
        assert kept == ["StartTransaction", "StopTransaction"]
        assert central.all_of("StopTransaction")[0]["transactionId"] == 41
        assert len(central.all_of("BootNotification")) == 1, "a lost network is no reboot"
        await station.wind_down(5)
        assert session.settled


async def test_an_unanswered_start_is_repeated_under_the_same_message_id() -> None:
    async with site() as (central, station):
        await booted(central, station)
        central.silent_to = {"StartTransaction"}
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        await central.cut()
        await central.until_heard("StartTransaction", 2)
        await central.until_heard("StartTransaction", 3)  # and again for want of an answer
        central.silent_to = set()
        await central.until(lambda: station.sessions[0].transaction_id == 41 or station.end(1))
        station.end(1)
        await visit
        await central.until_heard("StopTransaction")
        starts = [(message_id, payload) for message_id, name, payload in central.heard if name == "StartTransaction"]
        assert len({message_id for message_id, _ in starts}) == 1
        assert len({json.dumps(payload) for _, payload in starts}) == 1


async def test_a_start_refused_too_often_is_given_up_and_stopped_as_minus_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.simulated_link._RETRY_SECONDS", 0.0)
    async with site() as (central, station):
        await booted(central, station)
        central.refuses = {"StartTransaction": 3}
        await station.visit(1, "TAG", seconds=10)
        (stop,) = await central.until_heard("StopTransaction")
        assert stop["transactionId"] == -1 and len(central.all_of("StartTransaction")) == 3


async def test_unlock_ends_the_session() -> None:
    async with site() as (central, station):
        await booted(central, station)
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        assert await central.ask("UnlockConnector", {"connectorId": 9}) == {"status": "NotSupported"}
        assert await central.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        assert (await central.until_heard("StopTransaction"))[0]["reason"] == "UnlockCommand"
        await visit


async def test_availability_changes_at_once_or_when_the_driver_has_gone() -> None:
    async with site() as (central, station):
        await booted(central, station)
        inoperative = {"connectorId": 1, "type": "Inoperative"}
        assert await central.ask("ChangeAvailability", {"connectorId": 4, "type": "Operative"}) == {
            "status": "Rejected"
        }
        assert await central.ask("ChangeAvailability", inoperative) == {"status": "Accepted"}
        await central.until(lambda: central.all_of("StatusNotification")[-1]["status"] == "Unavailable")
        assert await central.ask("RemoteStartTransaction", {"idTag": "A"}) == {"status": "Rejected"}
        assert await central.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == {
            "status": "Accepted"
        }
        await central.until(lambda: station.outlets[0].status == "Available")
        visit = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        assert await central.ask("ChangeAvailability", inoperative) == {"status": "Scheduled"}
        station.end(1)
        await visit
        assert station.outlets[0].status == "Unavailable"


async def test_configuration_is_told_and_changed() -> None:
    async with site() as (central, station):
        await booted(central, station)
        everything = await central.ask("GetConfiguration", {})
        assert len(everything["configurationKey"]) > 20
        secret = next(entry for entry in everything["configurationKey"] if entry["key"] == "AuthorizationKey")
        assert "value" not in secret
        some = await central.ask("GetConfiguration", {"key": ["heartbeatinterval", "Nonsense"]})
        assert some == {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Nonsense"],
        }
        for key, value, status in [
            ("MeterValueSampleInterval", "15", "Accepted"),
            ("MeterValueSampleInterval", "-1", "Rejected"),
            ("NumberOfConnectors", "7", "Rejected"),
            ("LocalPreAuthorize", "maybe", "Rejected"),
            ("Nonsense", "1", "NotSupported"),
        ]:
            assert await central.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}
        assert station.settings.whole("MeterValueSampleInterval") == 15


async def test_triggers_send_what_was_asked() -> None:
    async with site() as (central, station):
        await booted(central, station)
        for message in ("Heartbeat", "MeterValues", "BootNotification", "FirmwareStatusNotification"):
            before = len(central.all_of(message))
            assert await central.ask("TriggerMessage", {"requestedMessage": message}) == {"status": "Accepted"}
            await central.until_heard(message, before + 1)
        wanted = {"requestedMessage": "StatusNotification", "connectorId": 1}
        before = len(central.all_of("StatusNotification"))
        assert await central.ask("TriggerMessage", wanted) == {"status": "Accepted"}
        await central.until_heard("StatusNotification", before + 1)
        assert await central.ask("TriggerMessage", {**wanted, "connectorId": 5}) == {"status": "Rejected"}
        assert await central.ask("TriggerMessage", {"requestedMessage": "Poem"}) == {"status": "NotImplemented"}


async def test_other_requests_are_answered_honestly() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
        assert await central.ask("SetChargingProfile", {}) == ["FormationViolation"]
        assert await central.ask("MakeCoffee", {}) == ["NotImplemented"]
        assert await central.ask("Reset", {}) == ["FormationViolation"]


def entry(tag: str, status: str | None = "Accepted") -> dict[str, object]:
    return {"idTag": tag} if status is None else {"idTag": tag, "idTagInfo": {"status": status}}


async def test_a_list_is_kept_by_the_letter() -> None:
    async with site() as (central, station):
        await booted(central, station)

        async def sends(kind: str, version: object, *entries: object) -> object:
            payload = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
            return await central.ask("SendLocalList", payload)

        async def version() -> object:
            return await central.ask("GetLocalListVersion", {})

        accepted, failed = {"status": "Accepted"}, {"status": "Failed"}
        assert await version() == {"listVersion": 0}
        assert await sends("Full", 3, entry("A"), entry("B")) == accepted
        assert await version() == {"listVersion": 3}
        assert await sends("Differential", 3, entry("C")) == {"status": "VersionMismatch"}
        assert await sends("Differential", 4, entry("a", None), entry("b", "Blocked")) == accepted
        assert (station.local_list.says("B", {}), station.local_list.says("A", {})) == ("Blocked", None)
        assert await sends("Full", 5, entry("A", None)) == failed
        assert await sends("Differential", 5, entry("X"), entry("x")) == failed
        assert await sends("Differential", 5, *(entry(f"T{number}") for number in range(51))) == failed
        for number in range(5, 15):
            await sends("Differential", number, *(entry(f"T{number}-{place}") for place in range(50)))
        assert await version() == {"listVersion": 13}, "there is room for 500 entries"
        assert await sends("Partly", 20) == ["FormationViolation"]
        assert await sends("Full", "20") == ["FormationViolation"]
        assert await sends("Full", 20, "A") == ["FormationViolation"]
        assert await sends("Full", 20) == accepted
        assert await version() == {"listVersion": 0}
        await central.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
        assert await version() == {"listVersion": -1}
        assert await sends("Full", 21, entry("A")) == {"status": "NotSupported"}


async def test_drivers_come_by_themselves() -> None:
    habits = Habits(speed=2000.0, mean_session_seconds=300, mean_pause_seconds=60)
    async with site(habits) as (central, station):
        await central.until_heard("StopTransaction", 2)
        stops = central.all_of("StopTransaction")
        for stop, session in zip(stops, station.sessions, strict=False):
            assert stop["meterStop"] == session.stop_wh


def test_the_meter_integrates_power_over_time() -> None:
    meter = Meter(1000.0, read_at=0.0, amps=(10.0, 10.0, 10.0))
    assert meter.read(1800.0, 1.0) == 1000 + 3450
    assert meter.read(1801.0, 1800.0) == 1000 + 3450 + 3450
