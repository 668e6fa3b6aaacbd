"""The reference fleet manager (examples/fleet_manager) as a process of its own, against a gateway over a real broker.

What both say is held against the AsyncAPI document.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.keep_backups import back_up, restore
from tests.fakes.fleet_recorder import Recorder, fleet_recorder
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.mosquitto import Mosquitto, mosquitto
from tests.fakes.scripted_station import NOW, plugged_in
from tests.upstream.contract_check import complaints_about
from tests.upstream.fleet_site import BOOT, FREE, charge, upstream

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20.0
GATEWAY = "test-site"
STRANGERS_DO_NOT_CHARGE = 'unknown_stations = "accept"\nautomatic_calls = false\n'


@dataclass
class ReferenceManager:
    """`watch` runs between `start` and `kill` or `stop`; its database stays."""

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Path:
        return self.directory / "fleet.db"

    def start(self) -> None:
        self.process = self._spawned("watch", "--host", "127.0.0.1", "--port", str(self.port), *self.options)

    def kill(self) -> None:
        """SIGKILL, at any moment."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM; it must end in order."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(10) == 0, (self.directory / "log").read_text()

    async def asked(self, *arguments: str) -> tuple[int, str]:
        """Another command of the program: exit code and what it printed."""
        process = self._spawned(*arguments, stdout=subprocess.PIPE)
        out, _ = await asyncio.to_thread(process.communicate, None, PATIENCE_SECONDS)
        return process.returncode, out.decode()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What its database says; nothing while there is none."""
        if not self.database.exists():
            return []
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return []
        finally:
            connection.close()

    def events(self, name: str = "%") -> list[dict[str, Any]]:
        """The stored events of a type, in the order in which they were stored."""
        sql = f"SELECT event FROM events WHERE type LIKE 'ocpp-gateway.{name}.v1' ORDER BY rowid"
        return [json.loads(text) for (text,) in self.rows(sql)]

    def lose_database(self) -> None:
        """Its disk is gone."""
        for file in self.directory.glob("fleet.db*"):
            file.unlink()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that its database says."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():  # noqa: ASYNC110  another process has no way to call us
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = [self.rows(f"SELECT * FROM {table}") for table in ("streams", "incidents", "commands")]
            raise AssertionError(f"{told}\n{(self.directory / 'log').read_text()[-3000:]}") from None

    def _spawned(self, *arguments: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "examples.fleet_manager", "--database", str(self.database), *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
            )


@dataclass
class Stage:
    """A gateway and the manager on one broker."""

    gateway: Running
    manager: ReferenceManager
    broker: Mosquitto
    recorder: Recorder

    def newest(self) -> dict[str, int]:
        """How many events of each stream the gateway's journal has."""
        connection = sqlite3.connect(self.gateway.site.database.path)
        try:
            found = dict(connection.execute("SELECT stream, max(sequence) FROM events GROUP BY stream"))
            (frames,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM meter_frames").fetchone()
        finally:
            connection.close()
        return {**found, "meter": frames}

    def has_everything(self) -> bool:
        """Does the manager have the whole journal, by its own word?"""
        upto = dict(self.manager.rows("SELECT stream, upto FROM streams"))
        return all(upto.get(stream) == newest for stream, newest in self.newest().items())


@asynccontextmanager
async def stage(directory: Path, *options: str, ocpp: str = FREE) -> AsyncIterator[Stage]:
    """Both, and whatever they say is held against the contract at the end."""
    async with mosquitto(directory / "broker", saves_at_once=True) as broker, fleet_recorder(broker.port) as recorder:
        manager = ReferenceManager(directory, broker.port, options)
        manager.start()
        try:
            async with running_gateway(directory, ocpp=ocpp, more=upstream(broker.port)) as gateway:
                yield Stage(gateway, manager, broker, recorder)
        finally:
            assert manager.process is not None
            if manager.process.poll() is None:
                manager.stop()
        complaints = [
            complaint
            for one in recorder.heard
            for complaint in complaints_about(
                one.topic, one.payload, qos=one.qos, retain=one.retain, content_type=one.content_type
            )
        ]
        assert complaints == []


def sequences(events: list[dict[str, Any]], stream: str) -> list[int]:
    return [event["sequence"] for event in events if event["stream"] == stream]


def expect_each_once(now: Stage) -> None:
    """Every event of the journal is stored, once, in order."""
    events, newest = now.manager.events(), now.newest()
    for stream in ("tx", "ops", "meter"):
        assert sequences(events, stream) == list(range(1, newest.get(stream, 0) + 1))


async def test_a_charging_session_is_stored_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as now, plugged_in(now.gateway.station_url("CP%2A1")) as station:
        await station.say("BootNotification", BOOT)
        transaction = await station.charges()
        await station.measures(1, [{"value": "1500"}], transactionId=transaction)
        await station.ends(transaction)
        await now.manager.until(now.has_everything)
        expect_each_once(now)
        (ended,) = now.manager.events("transaction.ended")
        assert (ended["data"]["energy_wh"], ended["subject"]) == (4000, "station/CP%2A1/connector/1")
        (sample,) = now.manager.events("station.sample")
        assert sample["data"]["payload"]["meterValue"][0]["sampledValue"] == [{"value": "1500"}]
        assert now.manager.rows("SELECT what FROM incidents") == []


@pytest.mark.parametrize("options", [(), ("--batch", "--mqtt", "3.1.1")])
async def test_a_manager_that_is_killed_again_and_again_has_each_event_once(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    async with stage(tmp_path, *options) as now, plugged_in(now.gateway.station_url("CP1")) as station:
        await station.say("BootNotification", BOOT)
        for life in range(4):
            await charge(station, sessions=60, first=60 * life)
            await now.manager.until(lambda life=life: len(now.manager.events("transaction.ended")) > 60 * life)
            now.manager.kill()
            await charge(station, sessions=5, first=1000 + 5 * life)
            now.manager.start()
        await now.manager.until(now.has_everything)
        expect_each_once(now)
        assert len(now.manager.events("transaction.ended")) == 4 * 65


async def test_a_manager_that_lost_its_database_gets_the_whole_journal_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as now, plugged_in(now.gateway.station_url("CP1")) as station:
        await station.say("BootNotification", BOOT)
        await charge(station, sessions=10)
        await now.manager.until(now.has_everything)
        now.manager.kill()
        now.manager.lose_database()
        now.manager.start()
        await now.manager.until(now.has_everything)
        expect_each_once(now)


async def test_an_event_is_the_same_however_often_it_is_sent(tmp_path: Path) -> None:
    async with stage(tmp_path) as now, plugged_in(now.gateway.station_url("CP1")) as station:
        await station.say("BootNotification", BOOT)
        transaction = await station.charges()
        await station.measures(1, [{"value": "1500"}])  # does not say of which session
        await station.measures(1, [{"value": "1600"}], transactionId=transaction)
        await station.measures(1, [{"value": "1700"}], transactionId=0)
        await now.manager.until(now.has_everything)
        before = now.manager.events()
        now.manager.kill()
        await station.ends(transaction)
        await attribute_all(now.gateway.site)
        now.manager.lose_database()
        now.manager.start()
        await now.manager.until(now.has_everything)
        again = {event["id"]: event for event in now.manager.events()}
        assert [again[event["id"]] for event in before] == before
        samples = [event["data"]["transaction_id"] for event in before if event["stream"] == "meter"]
        assert samples == [None, transaction, None], "as the station told it, whatever is found out later"


async def test_a_remote_start_by_command(tmp_path: Path) -> None:
    async with stage(tmp_path) as now, plugged_in(now.gateway.station_url("CP1")) as station:
        await station.say("BootNotification", BOOT)
        await now.manager.until(now.has_everything)
        arguments = ("command", GATEWAY, "station.remote_start", '{"id_tag": "FLEET-7"}', "--station", "CP1")
        asked = asyncio.create_task(now.manager.asked(*arguments, "--connector", "1", "--seconds", "15"))
        assert await station.expect("RemoteStartTransaction") == {"connectorId": 1, "idTag": "FLEET-7"}
        await station.answer({"status": "Accepted"})
        code, out = await asked
        result = json.loads(out)
        assert (code, result["status"], result["response"]) == (0, "succeeded", {"status": "Accepted"})
        started = await station.starts(1, "FLEET-7", at=NOW)
        assert started["idTagInfo"]["status"] == "Accepted"
        await now.manager.until(now.has_everything)
        (event,) = now.manager.events("transaction.started")
        assert event["data"]["remote_start_command"] == result["gateway_command_id"]


async def test_a_command_that_no_station_can_answer(tmp_path: Path) -> None:
    async with stage(tmp_path) as now:
        await now.manager.until(now.has_everything)
        code, out = await now.manager.asked("command", GATEWAY, "station.reset", "--station", "nobody")
        assert (code, json.loads(out)["status"], json.loads(out)["error"]["code"]) == (1, "rejected", "unknown_station")


async def test_a_restored_backup_begins_an_epoch_and_doubles_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as now:
        async with plugged_in(now.gateway.station_url("CP1")) as station:
            await station.say("BootNotification", BOOT)
            await charge(station, sessions=5)
            await now.manager.until(now.has_everything)
            async with back_up(now.gateway.site) as copy:
                shutil.copy(copy, tmp_path / "backup")
            await charge(station, sessions=3, first=5)
            await now.manager.until(now.has_everything)
        await restore(now.gateway.site, tmp_path / "backup", actor="test")
        async with plugged_in(now.gateway.station_url("CP1")) as station:
            await station.say("BootNotification", BOOT)
            await charge(station, sessions=4, first=20)
            await now.manager.until(now.has_everything)
        ended = [event["data"]["id_tag"] for event in now.manager.events("transaction.ended")]
        assert ended == [f"tag-{number}" for number in (*range(8), *range(20, 24))]
        assert {what for (what,) in now.manager.rows("SELECT what FROM incidents")} == {"new_epoch"}


async def test_taking_leave_clears_what_the_gateway_retained(tmp_path: Path) -> None:
    async with stage(tmp_path) as now:
        await now.manager.until(now.has_everything)
        code, _ = await now.manager.asked("leave", GATEWAY)
        assert code == 0

        def cleared() -> bool:
            return {one.topic.rpartition("/")[2] for one in now.recorder.heard if not one.payload} == {"state", "info"}

        await now.manager.until(cleared)


async def test_the_access_list_of_the_page_allows_what_is_needed(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "fleet.md").read_text()
    (acl,) = re.findall(r"^Mosquitto .*?^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o600)
    login = ("--username", "fleet", "--password-file", str(password))
    users = {GATEWAY: "secret", "fleet": "secret"}
    async with mosquitto(tmp_path / "broker", users=users, acl=acl) as broker:
        manager = ReferenceManager(tmp_path, broker.port, login)
        manager.start()
        more = upstream(broker.port, more=f'username = "{GATEWAY}"\npassword_file = "{password}"')
        async with running_gateway(tmp_path, ocpp=FREE, more=more) as gateway:
            await manager.until(lambda: len(manager.events("gateway.started")) == 1)
            code, _ = await manager.asked("command", GATEWAY, "ping")
            assert code == 0
            hosts = gateway.site.fleet.upstreams["fleet"].hosts
            await manager.until(lambda: hosts.get("fleet-manager", {}).get("state") == "online")
            assert (await manager.asked("leave", GATEWAY))[0] == 0
            await manager.until(lambda: manager.rows("SELECT * FROM gateways") == [])
        manager.stop()


async def test_who_may_charge_by_a_document(tmp_path: Path) -> None:
    tags = tmp_path / "tags.json"
    tags.write_text(json.dumps({"entries": [{"id_tag": "FLEET-7", "status": "Accepted"}, {"id_tag": "GONE"}]}))
    async with stage(tmp_path, ocpp=STRANGERS_DO_NOT_CHARGE) as now:
        async with plugged_in(now.gateway.station_url("CP1")) as station:
            await station.say("BootNotification", BOOT)
            assert (await station.authorizes("FLEET-7"))["status"] == "Invalid"
            assert await now.manager.asked("document", GATEWAY, "auth-list", str(tags)) == (0, "auth-list version 1\n")
            await now.manager.until(lambda: reported(now, "auth-list") == ("applied", 1))
            assert (await station.authorizes("FLEET-7"))["status"] == "Accepted"
            tags.write_text(json.dumps({"entries": [{"id_tag": "FLEET-7", "status": "Blocked"}]}))
            assert await now.manager.asked("document", GATEWAY, "auth-list", str(tags)) == (0, "auth-list version 2\n")
            await now.manager.until(lambda: reported(now, "auth-list") == ("applied", 2))
            assert (await station.authorizes("FLEET-7"))["status"] == "Blocked"
            assert (await station.authorizes("GONE"))["status"] == "Invalid"
        await now.manager.until(now.has_everything)
        assert [event["data"]["version"] for event in now.manager.events("document.applied")] == [1, 2]


def reported(now: Stage, doc: str) -> tuple[str, int] | None:
    """Status and version of the newest report."""
    for (report,) in now.manager.rows(f"SELECT report FROM documents WHERE doc = '{doc}' AND report IS NOT NULL"):
        told = json.loads(report)
        return told["status"], told["version"]
    return None
