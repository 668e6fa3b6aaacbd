"""/upstreams, leaving a fleet, and what metrics and health say of links to fleet managers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Upstream
from gateway.model.identities import StationId
from gateway.model.links import LinkLike, NoRoom, PublishRefused
from gateway.operations.manage_tokens import create_token
from gateway.operations.upstream_now import UpstreamNow
from gateway.rules.delivery import Delivery
from gateway.rules.fleet_topics import Topics
from gateway.store import events, fleet_commands, meter_frames, outgoing_events, upstreams
from gateway.store.fleet_commands import NewRow
from gateway.store.writing import Writing
from gateway.web.application import make_application
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door, configuration_in, open_site

BASE = "ocpp-gateway/v1/site-1/up"


@dataclass
class PlayedLink:
    """A link that takes one message at a time and remembers what was cleared."""

    protocol: str = "5"
    cleared: list[str] = field(default_factory=list)
    closed: bool = False
    refuses: str | None = None
    full: int = 0

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> asyncio.Future[None]:
        assert retain and payload == b""
        if self.full:
            self.full -= 1
            raise NoRoom
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if topic == self.refuses:
            outcome.set_exception(PublishRefused("not authorized"))
        else:
            self.cleared.append(topic)
            outcome.set_result(None)
        return outcome

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
async def linked(tmp_path: Path) -> AsyncIterator[tuple[Door, PlayedLink]]:
    """A door on a site with two upstreams, one of them connected."""
    fleet = Upstream("fleet", "broker.example", port=8883)
    configuration = replace(
        configuration_in(tmp_path), upstreams=(fleet, replace(fleet, name="grid", host="127.0.0.1", port=1))
    )
    async with open_site(configuration) as site:
        made = {
            role: (await create_token(site, role=role, name="t", actor="test")).text for role in ("viewer", "installer")
        }  # type: ignore[arg-type]
        link = PlayedLink()
        async with TestClient(TestServer(make_application(site))) as client:
            epoch = await site.database.write(_fill)
            now = UpstreamNow(site, fleet, Topics("ocpp-gateway", "site-1"), Delivery.of(epoch, {"ops": 1, "meter": 1}))
            now.link, now.trouble, now.connected_since, now.session = cast(LinkLike, link), None, NOON, 4
            site.fleet.upstreams["fleet"] = now
            yield Door(site, client, made), link


def _fill(db: Writing) -> str:
    """Two acknowledged and some more events."""
    for _ in range(2):
        events.append(db, "gateway.started", happened_at=NOON, recorded_at=NOON, data={})
        meter_frames.append(db, StationId("CP-1"), 1, None, None, NOON, b"{}")
    upstreams.retain(db, "fleet", [f"{BASE}/state", f"{BASE}/rep/auth-list"])
    upstreams.acknowledge(db, "grid", {"ops": 2})
    return outgoing_events.epoch_of(db)


async def test_how_far_each_upstream_has_the_journal(linked: tuple[Door, PlayedLink]) -> None:
    door, _ = linked
    now = door.site.fleet.upstreams["fleet"]
    now.hosts["billing"] = {"state": "online", "timestamp": "2027-01-15T07:00:00Z"}
    now.delivery.flows["meter"].sent(2, 100, 0.0)
    document = await door.document("GET", "/api/v1/upstreams", role="viewer")
    schema = {"$ref": "#/components/schemas/UpstreamCollection", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    fleet, grid = document["items"]
    newest = fleet["streams"]["ops"]["newest"]
    assert (fleet["connected"], fleet["protocol"], fleet["port"], fleet["session"]) == (True, "5", 8883, 4)
    assert fleet["streams"]["ops"]["backlog"] == newest - 1 > 0
    assert fleet["streams"]["meter"] == {
        "acked": 1,
        "newest": 2,
        "backlog": 1,
        "oldest_unacknowledged_time": "2027-01-15T08:00:00.000Z",
        "in_window": 1,
    }
    nothing = {"acked": 0, "newest": 0, "backlog": 0, "oldest_unacknowledged_time": None, "in_window": 0}
    assert fleet["streams"]["tx"] == nothing
    assert (grid["connected"], grid["trouble"], grid["port"], grid["streams"]["ops"]["acked"]) == (
        False,
        "not begun yet",
        1,
        2,
    )
    pages = await door.document("GET", "/api/v1/upstreams?limit=1&after=1")
    assert [one["name"] for one in pages["items"]] == ["grid"]


async def test_metrics_of_upstreams(linked: tuple[Door, PlayedLink]) -> None:
    door, _ = linked
    door.site.health.counters.increase("upstream_rewinds_total", upstream="fleet")
    lines = (await (await door.ask("GET", "/metrics", role=None)).text()).splitlines()
    assert 'ocpp_gateway_upstream_connected{upstream="fleet"} 1' in lines
    assert 'ocpp_gateway_upstream_connected{upstream="grid"} 0' in lines
    assert 'ocpp_gateway_upstream_backlog_events{upstream="fleet",stream="meter"} 1' in lines
    assert 'ocpp_gateway_upstream_acked_sequence{upstream="fleet",stream="meter"} 1' in lines
    assert 'ocpp_gateway_upstream_oldest_unacknowledged_seconds{upstream="fleet",stream="meter"} 0' in lines
    assert 'ocpp_gateway_upstream_rewinds_total{upstream="fleet"} 1' in lines
    assert not [line for line in lines if "oldest_unack" in line and 'stream="tx"' in line]


async def test_an_upstream_that_is_away_does_not_make_the_gateway_unready(linked: tuple[Door, PlayedLink]) -> None:
    door, _ = linked
    now = door.site.fleet.upstreams["fleet"]
    now.trouble = "nobody answers"
    now.report()
    assert (await door.document("GET", "/readyz", role=None))["status"] == "ready"
    told = (await door.document("GET", "/healthz", role=None, expect=503))["components"]["upstream fleet"]
    assert told == {"well": False, "reason": "nobody answers"}


async def test_leaving_a_fleet_clears_everything_and_ends_the_link(linked: tuple[Door, PlayedLink]) -> None:
    door, link = linked
    now = door.site.fleet.upstreams["fleet"]
    now.retained.add(f"{BASE}/info")
    now.say("rep/load", b"{}", retain=True)
    link.full = 1
    document = await door.document("POST", "/api/v1/upstreams/fleet/forget")
    topics = [f"{BASE}/{suffix}" for suffix in ("info", "rep/auth-list", "rep/load", "state")]
    assert document == {"name": "fleet", "topics": topics}
    assert link.cleared == topics and link.closed and now.forgotten
    assert await door.site.database.write(lambda db: upstreams.retained(db, "fleet")) == []
    now.say("state", b"{}", retain=True)
    assert not now.unsaid, "nothing is left there again"


async def test_a_fleet_that_cannot_be_left_now(linked: tuple[Door, PlayedLink]) -> None:
    door, link = linked
    away = await door.problem("POST", "/api/v1/upstreams/grid/forget", expect=409)
    assert "not connected" in away["detail"]
    link.refuses = f"{BASE}/state"
    refused = await door.problem("POST", "/api/v1/upstreams/fleet/forget", expect=409)
    assert "not authorized" in refused["detail"] and not link.closed
    now = door.site.fleet.upstreams["fleet"]
    assert not now.forgotten and not now.forgetting, "it goes on, and can be asked again"
    assert await door.site.database.write(lambda db: upstreams.retained(db, "fleet"))
    await door.problem("POST", "/api/v1/upstreams/nobody/forget", expect=404)
    assert (await door.ask("POST", "/api/v1/upstreams/fleet/forget", role="viewer")).status == 403


async def test_the_way_to_a_broker_is_tried_until_something_fails(linked: tuple[Door, PlayedLink]) -> None:
    door, link = linked
    document = await door.document("POST", "/api/v1/upstreams/grid/test")
    assert (document["name"], document["host"], document["port"], document["works"]) == ("grid", "127.0.0.1", 1, False)
    assert [(step["step"], step["works"]) for step in document["steps"]] == [
        ("clock", True), ("name", True), ("tcp", False),
    ]  # fmt: skip
    assert not link.closed, "the link that works is left alone"
    await door.problem("POST", "/api/v1/upstreams/nobody/test", expect=404)
    assert (await door.ask("POST", "/api/v1/upstreams/grid/test", role="viewer")).status == 403


async def test_what_a_fleet_manager_wanted_done(linked: tuple[Door, PlayedLink]) -> None:
    door, _ = linked

    def come(db: Writing) -> None:
        error = {"code": "no_such_station", "description": "no station is named X"}
        for upstream, name in (("fleet", "A"), ("grid", "B"), ("fleet", "C")):
            new = NewRow(upstream, name, "ping", None, "user:jane", "0", 10)
            fleet_commands.insert(db, new, status="rejected", result={"id": name, "error": error}, now=NOON)
        new = NewRow("fleet", "D", "station.reset", "CP-1", "user:jane", "0", 10)
        fleet_commands.insert(db, new, status="accepted", result={"id": "D"}, now=NOON)

    await door.site.database.write(come)
    path = "/api/v1/upstreams/fleet/commands"
    first = await door.document("GET", f"{path}?limit=2", role="viewer")
    assert [(one["command_id"], one["status"], one["error"], one["station"]) for one in first["items"]] == [
        ("D", "accepted", None, "CP-1"), ("C", "rejected", "no_such_station", None),
    ]  # fmt: skip
    assert (first["items"][0]["finished_time"], first["items"][1]["detail"]) == (None, "no station is named X")
    rest = await door.document("GET", f"{path}?after={first['next']}", role="viewer")
    assert ([one["command_id"] for one in rest["items"]], rest["next"]) == (["A"], None)
    await door.problem("GET", "/api/v1/upstreams/nobody/commands", expect=404)
