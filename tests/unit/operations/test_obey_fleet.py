"""Commands of fleet managers at work in the daemon: taken in once, carried out in order, answered honestly.

The whole gateway in virtual time with a station that answers by itself; the fleet manager hands over plain JSON.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import Surroundings
from gateway.model.identities import StationId
from gateway.model.instants import Instant, text_of
from gateway.operations.keep_backups import back_up_offline, restore
from tests.fakes.fleet_on_paper import FleetOnPaper
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.keyed_station import KeyedStation
from tests.fakes.virtual_site import START, VirtualSite
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings
from tests.unit.store.opened_database import look

QUIET = "automatic_calls = false"
SITE = '[[circuit]]\nname = "main"\nlimit_amps = 63\n[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n'
CP = {"station": "CP-1"}
OTHER_BOOT = "33333333"


class Scene:
    """A gateway, a fleet manager, and stations that have no power yet."""

    def __init__(self, stage: VirtualSite) -> None:
        self.stage, self.fleet = stage, FleetOnPaper(stage.site)

    def later(self, seconds: float) -> str:
        return text_of(Instant(round(self.stage.world.clock.micros() + seconds * 1e6)))

    def clock_lost(self) -> None:
        """The machine was started without a battery clock, and no time service has answered."""
        clock = self.stage.world.clock
        clock.synchronised, clock.boot_id, self.stage.site.clock_quality.last_synced = False, "22222222", None

    async def station(self, identity: str = "CP-1", **oddities: Any) -> KeyedStation:
        station = self.stage.station(identity, **oddities)
        await station.boot()
        return station

    async def call(self, action: str, **payload: object) -> str:
        return await self.fleet.send("ocpp.call", target=CP, args={"action": action, "payload": payload})

    async def events(self) -> list[dict[str, Any]]:
        """What the journal tells of fleet managers' commands, requests to stations aside."""
        rows = await self.stage.rows("SELECT data FROM events WHERE kind = 'command.finished' ORDER BY id")
        found = [json.loads(row["data"]) for row in rows]
        return [data for data in found if "upstream" in data]

    async def reasons(self, kind: str, **members: Any) -> tuple[str, str]:
        result = await self.fleet.ask(kind, **members)
        return result["status"], result.get("error", {}).get("code", "")


def play(directory: Path, scene: Callable[[Scene], Awaitable[None]], *, boot_id: str = "0123abcd") -> None:
    """Play one life of the gateway."""

    async def main(world: World) -> None:
        world.clock.boot_id = boot_id
        await live(world, directory, scene)

    run_virtual(main, start=START)


async def live(world: World, directory: Path, scene: Callable[[Scene], Awaitable[None]]) -> None:
    around: Surroundings = surroundings(world)
    async with running_gateway(directory, ocpp=QUIET, more=SITE, surroundings=around) as running:
        stage = VirtualSite(world, running, directory)
        try:
            await scene(Scene(stage))
        finally:
            for station in stage.stations:
                await station.close()


def test_a_request_is_accepted_begun_answered_and_told(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station()
        sent = await site.fleet.send(
            "ocpp.call", target=CP, args={"action": "ClearCache"}, actor="user:jane@fleet", surprise=1
        )
        result = await site.fleet.end_of(sent)
        assert site.fleet.statuses(sent) == ["accepted", "running", "succeeded"]
        assert result["response"] == {"status": "Accepted"}
        assert result["type"] == "ocpp.call" and result["received_at"] <= result["started_at"] <= result["finished_at"]
        assert station.requests("ClearCache") == [{}]
        (event,) = await site.events()
        assert event["command_id"] == event["fleet_command_id"] == sent
        assert (event["status"], event["upstream"], event["actor"]) == (
            "succeeded",
            "fleet",
            "fleet:fleet user:jane@fleet",
        )
        (row,) = await site.stage.rows("SELECT command_id, actor FROM commands")
        assert row == {"command_id": result["gateway_command_id"], "actor": "fleet:fleet user:jane@fleet"}
        (both,) = await site.stage.rows(
            "SELECT count(*) AS n FROM events WHERE data ->> 'fleet_command_id' = '" + sent + "'"
        )
        assert both["n"] == 2, "the request to the station is told as everybody's, and names the command"

    play(tmp_path, scene)


def test_sent_again_it_is_told_again_and_done_once(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station(never_answered=frozenset({"ClearCache"}))
        again = json.dumps({"id": "X", "type": "ocpp.call", "target": CP, "args": {"action": "ClearCache"}}).encode()
        await site.fleet.send_bytes(again)
        await site.fleet.send_bytes(again, interval=5)
        await asyncio.sleep(5)
        await site.fleet.send_bytes(again)
        assert site.fleet.statuses("X") == ["accepted", "accepted", "running", "running"]
        first = await site.fleet.end_of("X")
        assert (first["status"], first["error"]["code"]) == ("failed", "unanswered")
        await site.fleet.send_bytes(again)
        assert site.fleet.said[-1] == first
        other = {"id": "X", "type": "ocpp.call", "target": CP, "args": {"action": "Reset"}}
        await site.fleet.send_bytes(json.dumps(other).encode())
        assert site.fleet.said[-1]["error"]["code"] == "id_reused"
        await site.fleet.send_bytes(again)
        assert site.fleet.said[-1] == first, "it stands as it is"
        second = FleetOnPaper(site.stage.site, "second")
        await second.send_bytes(again)
        assert second.statuses("X") == ["accepted"], "ids are each upstream's own"
        await second.end_of("X")
        assert len(station.requests("ClearCache")) == 2
        assert [event["upstream"] for event in await site.events()] == ["fleet", "second"]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"type": "station.reset", "target": {"station": "CP-9"}}, "rejected", "unknown_station"),
        ({"type": "ocpp.call", "target": CP, "args": {"action": "Explode"}}, "rejected", "unknown_action"),
        ({"type": "ocpp.call", "target": CP}, "rejected", "bad_request"),
        ({"type": "station.explode", "target": CP}, "rejected", "unknown_type"),
        ({"type": "site.limit.set", "args": {"circuit": "row-z", "limit_amps": 9}}, "rejected", "unknown_circuit"),
        ({"type": "site.limit.clear", "args": {"circuit": "row-z"}}, "rejected", "unknown_circuit"),
        ({"type": 7}, "rejected", "bad_request"),
        ({"type": "ping", "expires_at": "2020-01-01T00:00:00Z"}, "expired", "expired"),
        ({"type": "ping", "interval": 0}, "expired", "expired"),
        ({"type": "ping", "issued_at": "2020-01-01T00:00:00Z", "ttl_s": 30}, "expired", "expired"),
        ({"type": "ping", "retain": True}, "rejected", "retained"),
        ({"type": "station.reset", "target": CP}, "rejected", "station_offline"),
        ({"type": "station.reset", "target": CP, "if_offline": "queue"}, "rejected", "expiry_needed"),
        (
            {
                "type": "ocpp.call", "target": CP, "if_offline": "queue", "interval": 60,
                "args": {"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": "HushHush1"}},
            },
            "rejected",
            "not_queueable",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_answered_at_once(
    tmp_path: Path, members: dict[str, Any], status: str, code: str
) -> None:
    async def scene(site: Scene) -> None:
        kind = members.pop("type")
        sent = await site.fleet.send(kind, **members)
        (result,) = site.fleet.told_of(sent)
        assert (result["status"], result["error"]["code"]) == (status, code)
        assert result["error"]["description"]
        (event,) = await site.events()
        assert (event["command_id"], event["status"]) == (sent, status)

    play(tmp_path, scene)
    stored = (tmp_path / "data" / "gateway.db").read_bytes()
    assert b"HushHush1" not in stored


def test_what_has_no_id_is_acknowledged_and_counted(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        for payload in (
            b"",
            b"{",
            b"[]",
            b"\xff",
            b'{"type":"ping"}',
            b'{"id":5}',
            b'{"id":"\\ud800"}',
            b'{"id":1e999}',
        ):
            await site.fleet.send_bytes(payload)
        assert site.fleet.said == []
        counted = {
            labels: value for name, labels, value in site.stage.site.health.counters.snapshot() if "fleet" in name
        }
        assert counted == {(("status", "unreadable"),): 8}

    play(tmp_path, scene)


def test_while_the_clock_cannot_be_believed_only_the_message_s_own_expiry_counts(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        site.clock_lost()
        assert await site.reasons("ping", expires_at=site.later(3600)) == ("rejected", "clock_unsynced")
        assert await site.reasons("ping", issued_at=site.later(0), ttl_s=60) == ("rejected", "clock_unsynced")
        assert await site.reasons("ping", expires_at="2020-01-01T00:00:00Z", interval=30) == ("succeeded", "")
        assert await site.reasons("ping") == ("succeeded", "")
        ping = await site.fleet.ask("ping")
        assert ping["response"]["clock"] == "unsynced"

    play(tmp_path, scene)


def test_what_may_wait_for_its_station_is_done_when_it_is_there(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        sent = await site.fleet.send("station.reset", target=CP, if_offline="queue", expires_at=site.later(7200))
        late = await site.fleet.send(
            "ocpp.call", target=CP, args={"action": "ClearCache"}, if_offline="queue", interval=60
        )
        other = await site.station("CP-2")
        assert (await site.fleet.ask("station.reset", target={"station": "CP-2"}))["status"] == "succeeded"
        await asyncio.sleep(3600)
        assert site.fleet.statuses(sent) == ["accepted"]
        assert site.fleet.statuses(late) == ["accepted", "expired"]
        station = await site.station()
        assert (await site.fleet.end_of(sent))["status"] == "succeeded"
        assert [action for action, _ in station.asked] == ["Reset"]
        assert [action for action, _ in other.asked] == ["Reset"]

    play(tmp_path, scene)


def test_what_waits_survives_a_restart_and_what_had_begun_does_not(tmp_path: Path) -> None:
    ids: dict[str, str] = {}
    asked: list[str] = []

    async def before(site: Scene) -> None:
        station = await site.station(never_answered=frozenset({"ClearCache"}))
        ids["begun"] = await site.call("ClearCache")
        ids["behind"] = await site.call("GetLocalListVersion")
        change = {"key": "AuthorizationKey", "value": "HushHush1"}
        ids["secret"] = await site.call("ChangeConfiguration", **change)
        two = {"station": "CP-2"}
        ids["last"] = await site.call("ClearChargingProfile")
        ids["waits"] = await site.fleet.send(
            "station.reset", target=two, if_offline="queue", expires_at=site.later(900)
        )
        ids["too late"] = await site.fleet.send("station.reset", target=two, if_offline="queue", interval=20)
        await asyncio.sleep(5)
        assert site.fleet.statuses(ids["begun"]) == ["accepted", "running"]
        assert site.fleet.statuses(ids["behind"]) == ["accepted"]
        shutil.copytree(tmp_path / "one" / "data", tmp_path / "two" / "data")  # the power goes now
        (row,) = await site.stage.rows("SELECT body FROM fleet_commands WHERE status = 'running'")
        assert row["body"] is None, "what has begun is not kept"
        asked.extend(action for action, _ in station.asked)

    async def after(site: Scene) -> None:
        await asyncio.sleep(30)
        first = await site.station()
        second = await site.station("CP-2")
        assert (await site.fleet.end_of(ids["waits"]))["status"] == "succeeded"
        assert (await site.fleet.end_of(ids["behind"]))["status"] == "succeeded"
        await asyncio.sleep(60)
        told = {event["command_id"]: event for event in await site.events()}
        assert told[ids["begun"]]["error"]["code"] == "interrupted"
        assert told[ids["secret"]]["error"]["code"] == "interrupted"
        assert told[ids["too late"]]["status"] == "expired"
        again = {"id": ids["begun"], "type": "ocpp.call", "target": CP, "args": {"action": "ClearCache", "payload": {}}}
        await site.fleet.send_bytes(json.dumps(again).encode())
        assert site.fleet.said[-1]["error"]["code"] == "interrupted"
        assert [action for action, _ in first.asked] == ["GetLocalListVersion", "ClearChargingProfile"]
        assert [action for action, _ in second.asked] == ["Reset"]

    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    play(tmp_path / "one", before)
    assert asked == ["ClearCache"]
    play(tmp_path / "two", after, boot_id=OTHER_BOOT)


def test_each_station_in_order_and_several_at_once(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        silent = await site.station(never_answered=frozenset({"ClearCache"}))
        other = await site.station("CP-2")
        slow = await site.call("ClearCache")
        behind = [await site.call(action) for action in ("GetLocalListVersion", "ClearChargingProfile")]
        elsewhere = await site.fleet.ask("ocpp.call", target={"station": "CP-2"}, args={"action": "ClearCache"})
        assert elsewhere["status"] == "succeeded" and site.fleet.statuses(slow) == ["accepted", "running"]
        assert (await site.fleet.ask("ping"))["status"] == "succeeded"
        assert (await site.fleet.end_of(slow))["status"] == "failed"
        for command in behind:
            await site.fleet.end_of(command)
        assert [action for action, _ in silent.asked] == ["ClearCache", "GetLocalListVersion", "ClearChargingProfile"]
        assert len(other.asked) == 1

    play(tmp_path, scene)


def test_a_newer_one_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        def change(kind: str, connector: int) -> dict[str, Any]:
            payload = {"connectorId": connector, "type": kind}
            args = {"action": "ChangeAvailability", "payload": payload}
            return {"target": CP, "args": args, "if_offline": "queue", "interval": 600}

        first = await site.fleet.send("ocpp.call", **change("Inoperative", 1))
        elsewhere = await site.fleet.send("ocpp.call", **change("Inoperative", 2))
        last = await site.fleet.send("ocpp.call", **change("Operative", 1))
        assert site.fleet.statuses(first) == ["accepted", "superseded"]
        assert last in site.fleet.told_of(first)[-1]["error"]["description"]
        station = await site.station()
        await site.fleet.end_of(last)
        assert (await site.fleet.end_of(elsewhere))["status"] == "succeeded"
        assert [(one["connectorId"], one["type"]) for one in station.requests("ChangeAvailability")] == [
            (2, "Inoperative"),
            (1, "Operative"),
        ]

    play(tmp_path, scene)


def test_limits_go_down_and_never_above_the_installer_s(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        async def limit(amps: float, **more: object) -> dict[str, Any]:
            return await site.fleet.ask("site.limit.set", args={"circuit": "main", "limit_amps": amps, **more})

        assert (await limit(20))["response"] == {
            "circuit": "main", "source": "fleet", "limit_amps": [20, 20, 20], "until": None,
        }  # fmt: skip
        await asyncio.sleep(8)
        tick = site.stage.site.load.tick
        assert tick is not None and tick.decision.circuits[0].effective_limit_amps == (20, 20, 20)
        refused = await limit(80)
        assert (refused["status"], refused["error"]["code"]) == ("rejected", "limit_refused")
        assert "installer" in refused["error"]["description"]
        assert (await limit(30, source="api"))["error"]["code"] == "bad_request"
        assert (await limit(40, until=site.later(-5)))["status"] == "rejected"
        cleared = await site.fleet.ask("site.limit.clear", args={"circuit": "main"})
        assert (cleared["status"], cleared["response"]["removed"]) == ("succeeded", True)
        assert (await site.fleet.ask("site.limit.clear", args={"circuit": "main"}))["response"]["removed"] is False
        rows = await site.stage.rows("SELECT kind, data ->> 'actor' AS actor FROM events WHERE kind LIKE 'load.limit%'")
        assert rows == [
            {"kind": "load.limit_set", "actor": "fleet:fleet"},
            {"kind": "load.limit_removed", "actor": "fleet:fleet"},
        ]

    play(tmp_path, scene)


def test_friendly_names_are_requests_of_ocpp(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station(resets="Rejected")
        one = {**CP, "connector": 1}
        started = await site.fleet.ask("station.remote_start", target=one, args={"id_tag": "TAG"})
        assert started["status"] == "succeeded"
        assert station.requests("RemoteStartTransaction") == [{"connectorId": 1, "idTag": "TAG"}]
        nothing = await site.fleet.ask("station.remote_stop", target=one)
        assert (nothing["status"], nothing["error"]["code"]) == ("rejected", "no_transaction")
        told = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": site.later(0)}
        transaction = (await station.wire.say("StartTransaction", told))["transactionId"]
        assert (await site.fleet.ask("station.remote_stop", target=one))["status"] == "succeeded"
        assert station.requests("RemoteStopTransaction") == [{"transactionId": transaction}]
        refused = await site.fleet.ask("station.reset", target=CP, args={"type": "hard"})
        assert (refused["status"], refused["error"]["code"]) == ("failed", "station_refused")
        assert refused["response"] == {"status": "Rejected"}
        assert station.requests("Reset") == [{"type": "Hard"}]
        unlocked = await site.fleet.ask("station.unlock", target=one)
        assert (unlocked["status"], unlocked["response"]) == ("failed", {"status": "Accepted"}), "Unlocked is wanted"

    play(tmp_path, scene)


def test_a_secret_reaches_the_station_and_nothing_else(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station()
        station.keys["AuthorizationKey"] = {"readonly": False}
        sent = await site.call("ChangeConfiguration", key="AuthorizationKey", value="HushHush1")
        assert (await site.fleet.end_of(sent))["status"] == "succeeded"
        assert station.changes() == [("AuthorizationKey", "HushHush1")]
        assert "HushHush1" not in json.dumps(site.fleet.said)
        assert site.stage.site.fleet_commands.secret == {}

    play(tmp_path, scene)
    for file in (tmp_path / "data").glob("gateway.db*"):
        assert b"HushHush1" not in file.read_bytes()
    assert look(tmp_path / "data" / "gateway.db", "SELECT body FROM fleet_commands") == [(None,)]


def test_a_restored_backup_does_nothing_again(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        running, copy = site.stage.site, tmp_path / "copy.db"
        station = await site.station()
        back_up_offline(running.configuration, copy)
        done = {"id": "DONE", "type": "station.reset", "target": CP, "args": {"type": "Hard"}}
        await site.fleet.send_bytes(json.dumps(done).encode())
        first = await site.fleet.end_of("DONE")
        two = {"station": "CP-2"}
        waits = await site.fleet.send("station.reset", target=two, if_offline="queue", expires_at=site.later(900))
        await restore(running, copy, actor="test")
        assert (await site.fleet.end_of(waits))["error"]["code"] == "interrupted"
        await site.fleet.send_bytes(json.dumps(done).encode())
        assert site.fleet.said[-1] == first
        other = await site.station("CP-2")
        await asyncio.sleep(60)
        assert len(station.requests("Reset")) == 1
        assert other.requests("Reset") == []

    play(tmp_path, scene)


def test_what_may_wait_goes_on_waiting_when_the_station_leaves_at_the_last_moment(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        sent = await site.fleet.send("station.reset", target=CP, if_offline="queue", expires_at=site.later(900))
        alone = await site.fleet.send("ping")
        await site.fleet.end_of(alone)
        station = await site.station()
        while "running" not in site.fleet.statuses(sent):
            site.fleet.heard.clear()
            await site.fleet.heard.wait()
        connection = site.stage.site.connected.get(StationId("CP-1"))
        assert connection is not None
        connection.drop()
        await asyncio.sleep(60)
        assert site.fleet.statuses(sent) == ["accepted", "running"], "it waits for its station again"
        assert station.requests("Reset") == []
        await station.boot()
        assert (await site.fleet.end_of(sent))["status"] == "succeeded"
        assert station.requests("Reset") == [{"type": "Soft"}]
        late = await site.fleet.send("station.reset", target=CP, if_offline="queue", interval=5)
        assert (await site.fleet.end_of(late))["status"] == "succeeded", "it is there: nothing is waited for"

    play(tmp_path, scene)


def test_after_a_restart_a_station_that_does_not_come_back_is_told_of(tmp_path: Path) -> None:
    async def before(site: Scene) -> None:
        await site.station(never_answered=frozenset({"ClearCache"}))
        await site.call("ClearCache")
        await site.call("GetLocalListVersion")
        await asyncio.sleep(1)
        shutil.copytree(tmp_path / "one" / "data", tmp_path / "two" / "data")

    async def after(site: Scene) -> None:
        await asyncio.sleep(60)
        assert [event["error"]["code"] for event in await site.events()] == ["interrupted"]
        await asyncio.sleep(60)
        assert [event["error"]["code"] for event in await site.events()] == ["interrupted", "not_connected"]

    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    play(tmp_path / "one", before)
    play(tmp_path / "two", after, boot_id=OTHER_BOOT)


def test_after_a_restart_a_wait_is_judged_only_by_a_clock_that_is_right(tmp_path: Path) -> None:
    async def before(site: Scene) -> None:
        await site.fleet.send("station.reset", target=CP, if_offline="queue", expires_at=site.later(900))
        await site.fleet.send(
            "station.reset", target={"station": "CP-2"}, if_offline="queue", expires_at=site.later(900)
        )
        shutil.copytree(tmp_path / "one" / "data", tmp_path / "two" / "data")

    async def after(site: Scene) -> None:
        synced = site.stage.world.clock.synchronised
        site.clock_lost()
        station = await site.station()
        await asyncio.sleep(60)
        assert await site.events() == [] and station.asked == [], "perhaps the clock will be set soon"
        site.stage.world.clock.synchronised = synced
        await asyncio.sleep(5)
        assert [event["status"] for event in await site.events()] == ["succeeded"]
        site.clock_lost()
        await asyncio.sleep(120)
        assert [event.get("error", {}).get("code") for event in await site.events()] == [None, "clock_unsynced"]

    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    play(tmp_path / "one", before)
    play(tmp_path / "two", after, boot_id=OTHER_BOOT)


def test_while_the_machine_runs_on_a_restart_needs_no_right_clock(tmp_path: Path) -> None:
    async def before(site: Scene) -> None:
        site.clock_lost()
        for interval in (100, 200):
            await site.fleet.send("station.reset", target=CP, if_offline="queue", interval=interval)

    async def after(site: Scene) -> None:
        site.clock_lost()
        station = await site.station()
        await asyncio.sleep(10)
        assert [event["status"] for event in await site.events()] == ["expired", "succeeded"]
        assert len(station.requests("Reset")) == 1

    async def main(world: World) -> None:
        await live(world, tmp_path, before)
        await asyncio.sleep(120)
        world.clock.step(-86_400)
        await live(world, tmp_path, after)

    run_virtual(main, start=START)


def test_of_a_backup_of_another_machine_nothing_is_begun(tmp_path: Path) -> None:
    there, here, copy = tmp_path / "there", tmp_path / "here", tmp_path / "copy.db"
    there.mkdir(), here.mkdir()

    async def on_that(site: Scene) -> None:
        await site.fleet.send("station.reset", target=CP, if_offline="queue", expires_at=site.later(900))
        back_up_offline(site.stage.site.configuration, copy)

    async def on_this(site: Scene) -> None:
        await site.fleet.ask("ping")
        await restore(site.stage.site, copy, actor="test")
        station = await site.station()
        await asyncio.sleep(10)
        (event,) = await site.events()
        assert event["error"]["code"] == "interrupted"
        assert station.asked == []

    play(there, on_that)
    play(here, on_this)


def test_what_may_have_been_done_is_not_done_again(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station(never_answered=frozenset({"Reset"}))
        sent = await site.fleet.send("station.reset", target=CP, if_offline="queue", interval=900)
        result = await site.fleet.end_of(sent)
        assert (result["status"], result["error"]["code"]) == ("failed", "unanswered")
        lost = await site.fleet.send("station.reset", target=CP, if_offline="queue", interval=900)
        await asyncio.sleep(1)
        await station.disconnect()
        assert (await site.fleet.end_of(lost))["error"]["code"] == "unanswered", "it left without an answer"
        await station.boot()
        await asyncio.sleep(60)
        assert len(station.requests("Reset")) == 2

    play(tmp_path, scene)


def test_each_answer_gives_back_the_correlation_of_its_command(tmp_path: Path) -> None:
    async def scene(site: Scene) -> None:
        def change(command_id: str) -> bytes:
            args = {"action": "ChangeAvailability", "payload": {"connectorId": 1, "type": "Operative"}}
            more = {"target": CP, "args": args, "if_offline": "queue"}
            return json.dumps({"id": command_id, "type": "ocpp.call", **more}).encode()

        await site.fleet.send_bytes(change("A"), interval=60, correlation=b"\x00a")
        await site.fleet.send_bytes(change("A"), interval=60, correlation=b"again")
        await site.fleet.send_bytes(change("B"), interval=60, correlation=b"b")
        await site.station()
        await site.fleet.end_of("B")
        told = [(one["id"], one["status"]) for one in site.fleet.said]
        assert list(zip(told, site.fleet.correlations, strict=True)) == [
            (("A", "accepted"), b"\x00a"),
            (("A", "accepted"), b"again"),
            (("A", "superseded"), b"\x00a"),
            (("B", "accepted"), b"b"),
            (("B", "running"), b"b"),
            (("B", "succeeded"), b"b"),
        ]
        await site.fleet.send_bytes(b'{"id":"C","type":"ping"}', correlation=b"x" * 257)
        assert site.fleet.correlations[-1] is None, "too long to be kept"

    play(tmp_path, scene)
