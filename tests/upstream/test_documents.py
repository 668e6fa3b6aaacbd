"""Documents over a real broker: retained, sent while the gateway is away, taken away, and never applied twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.manage_tags import put_tag
from tests.fakes.fleet_recorder import Recorder, fleet_recorder
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.unit.operations.test_auth_list import auth_list, tag, tags_of
from tests.upstream.contract_check import complaints_about
from tests.upstream.fleet_site import FREE, upstream
from tests.upstream.linking import OtherSide, other_side, until

pytestmark = pytest.mark.slow

TREE = "ocpp-gateway/v1/test-site"


@dataclass
class Fleet:
    """A fleet manager that publishes documents and hears what is retained of reports."""

    manager: OtherSide
    recorder: Recorder
    port: int
    folder: Path

    async def send(self, doc: str, document: dict[str, Any] | None) -> None:
        payload = b"" if document is None else json.dumps(document).encode()
        await self.manager.publish(f"{TREE}/dn/des/{doc}", payload, retain=True)

    def reports(self, doc: str) -> list[dict[str, Any]]:
        topic = f"{TREE}/up/rep/{doc}"
        return [json.loads(one.payload) for one in self.recorder.heard if one.topic == topic]

    async def told(self, doc: str, **wanted: Any) -> dict[str, Any]:
        def is_told() -> bool:
            found = self.reports(doc)
            return bool(found) and all(found[-1].get(name) == value for name, value in wanted.items())

        await until(is_told, f"{doc}: {wanted}")
        return self.reports(doc)[-1]

    async def told_again(self, doc: str, before: int) -> None:
        await until(lambda: len(self.reports(doc)) > before, f"another report of {doc}")

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Running]:
        async with running_gateway(self.folder, ocpp=FREE, more=upstream(self.port)) as running:
            yield running


@asynccontextmanager
async def fleet_at(folder: Path) -> AsyncIterator[Fleet]:
    async with (
        mosquitto(folder / "broker", saves_at_once=True) as broker,
        other_side(broker.port) as manager,
        fleet_recorder(broker.port) as recorder,
    ):
        yield Fleet(manager, recorder, broker.port, folder)


async def test_one_that_was_sent_while_the_gateway_was_away_is_applied_and_only_once(tmp_path: Path) -> None:
    async with fleet_at(tmp_path) as fleet:
        await fleet.send("auth-list", auth_list(3, tag("A")))
        async with fleet.gateway() as running:
            await fleet.told("auth-list", version=3, status="applied")
            assert await tags_of(running.site) == {"A": "Accepted"}
            await put_tag(running.site, "A", {"status": "Blocked"}, actor="anna")
        await fleet.send("auth-list", auth_list(4, tag("A"), tag("B")))
        before = len(fleet.reports("auth-list"))
        for _ in range(2):
            async with fleet.gateway() as running:
                await fleet.told_again("auth-list", before)
                report = await fleet.told("auth-list", version=4, status="applied")
                assert [one["id_tag"] for one in report["overrides"]] == ["A"]
                assert await tags_of(running.site) == {"A": "Blocked", "B": "Accepted"}
                applied = await running.site.readers.rows("SELECT data FROM events WHERE kind = 'document.applied'")
                assert [json.loads(row[0])["version"] for row in applied] == [3, 4]
            before = len(fleet.reports("auth-list"))
        topics = [one.topic for one in fleet.recorder.heard if one.topic.startswith(f"{TREE}/up/rep/")]
        assert set(topics) == {f"{TREE}/up/rep/auth-list"}
        assert all(one.retain for one in fleet.recorder.heard if one.topic in topics)


async def test_one_that_is_taken_away_while_the_gateway_is_away_is_given_up(tmp_path: Path) -> None:
    async with fleet_at(tmp_path) as fleet:
        async with fleet.gateway():
            await fleet.send("auth-list", auth_list(1, tag("A")))
            await fleet.told("auth-list", status="applied")
        await fleet.send("auth-list", None)
        async with fleet.gateway() as running:
            await fleet.told("auth-list", status="withdrawn")
            assert await tags_of(running.site) == {"A": "Accepted"}


async def test_reports_and_events_are_as_the_contract_says(tmp_path: Path) -> None:
    async with fleet_at(tmp_path) as fleet, fleet.gateway():
        sent: dict[str, dict[str, Any]] = {
            "auth-list": auth_list(1, tag("A")),
            "load": {"doc": "load", "version": 1, "limits": []},
            "stations": {"doc": "stations", "version": 1, "entries": [{"id": "S", "priority": 1}]},
            "config-keys": {"doc": "config-keys", "version": 1, "stations": {"S": {"HeartbeatInterval": "60"}}},
            "gateway": {"doc": "gateway", "version": 1, "reboot_when_idle": False},
            "firmware": {"doc": "firmware", "version": 1, "entries": [{"version": "2", "url": "http://192.0.2.1/2"}]},
            "profiles": {"doc": "profiles", "version": 1, "entries": []},
        }
        for doc, document in sent.items():
            await fleet.send(doc, document)
        for doc in sent:
            await fleet.told(doc, status="applied", version=1)
        await fleet.send("load", {"version": 2, "limits": [{"circuit": "roof", "limit_amps": 1}]})
        await fleet.told("load", status="rejected")
        events = f"{TREE}/up/evt/ops/_site"
        await until(lambda: any(b"document.applied" in one.payload for one in fleet.recorder.heard), "an event")
        heard = [one for one in fleet.recorder.heard if "/up/rep/" in one.topic or one.topic == events]
        complaints = [
            complaint
            for one in heard
            for complaint in complaints_about(
                one.topic, one.payload, retain=one.retain, qos=one.qos, content_type=one.content_type
            )
        ]
        assert complaints == []
