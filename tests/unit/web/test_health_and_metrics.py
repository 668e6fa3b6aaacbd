"""/livez, /readyz, /healthz, /metrics."""

from __future__ import annotations

import re

import pytest

from gateway.store.writing import Writing
from tests.unit.web.conftest import Door, PlayedConnection


async def test_a_well_gateway(door: Door) -> None:
    assert (await door.document("GET", "/livez", role=None))["status"] == "alive"
    assert (await door.document("GET", "/readyz", role=None))["status"] == "ready"
    health = await door.document("GET", "/healthz", role=None)
    assert health == {
        "status": "well",
        "components": {"store": {"well": True, "reason": None}, "web": {"well": True, "reason": None}},
    }


async def test_an_unwell_part_is_named(door: Door) -> None:
    door.site.health.report("rounds", "KeyError: 'x'")
    health = await door.document("GET", "/healthz", role=None, expect=503)
    assert health["components"]["rounds"] == {"well": False, "reason": "KeyError: 'x'"}
    assert (await door.document("GET", "/readyz", role=None))["status"] == "ready"
    door.site.health.report("web", "gone")
    assert "web: gone" in (await door.document("GET", "/readyz", role=None, expect=503))["reasons"]


async def test_what_should_be_seen_to_is_told_while_all_is_well(door: Door) -> None:
    door.site.health.report("certificates ending", None, notice="one ends on 2027-01-20")
    told = (await door.document("GET", "/healthz", role=None))["components"]["certificates ending"]
    assert told == {"well": True, "reason": None, "notice": "one ends on 2027-01-20"}
    door.site.health.report("certificates ending", None)
    told = (await door.document("GET", "/healthz", role=None))["components"]["certificates ending"]
    assert told == {"well": True, "reason": None}


async def test_not_ready_while_the_store_cannot_write(door: Door) -> None:
    await door.site.database.alone(lambda live: live.execute("PRAGMA query_only = ON"))
    response = await door.ask("PUT", "/api/v1/id-tags/A", json={})
    assert response.status == 503
    assert response.content_type == "application/problem+json"
    assert "nothing was changed" in (await response.json(content_type=None))["detail"]
    assert "store" in (await door.document("GET", "/readyz", role=None, expect=503))["reasons"][0]
    assert (await door.document("GET", "/livez", role=None))["status"] == "alive"
    await door.site.database.alone(lambda live: live.execute("PRAGMA query_only = OFF"))
    await door.document("PUT", "/api/v1/id-tags/A", json={}, expect=200)  # reading says nothing of disks
    assert (await door.document("GET", "/readyz", role=None))["status"] == "ready"


SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="(\\.|[^"\\])*"(,[a-z_]+="(\\.|[^"\\])*")*\})? -?[0-9.e+-]+')


async def test_metrics_are_prometheus_text(door: Door) -> None:
    door.connected.play(PlayedConnection("FILE-1"))
    await door.document("PUT", "/api/v1/stations/A%22B%5C", json={}, expect=201)
    counters = door.site.health.counters
    counters.messages["Heartbeat", "in", "answered"] += 3
    counters.increase("transactions_total", result="started")
    counters.increase("energy_delivered_watthours_total", 1500)
    counters.increase("quirks_total", 2, quirk="null_payload")
    response = await door.ask("GET", "/metrics", role=None)
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = (await response.text()).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples), samples
    for expected in (
        'ocpp_gateway_stations{state="connected"} 1',
        'ocpp_gateway_stations{state="disconnected"} 1',
        'ocpp_gateway_station_up{station="FILE-1"} 1',
        'ocpp_gateway_station_up{station="A\\"B\\\\"} 0',
        'ocpp_gateway_ocpp_messages_total{action="Heartbeat",direction="in",result="answered"} 3',
        'ocpp_gateway_transactions_total{result="started"} 1',
        "ocpp_gateway_energy_delivered_watthours_total 1500",
        'ocpp_gateway_quirks_total{quirk="null_payload"} 2',
        'ocpp_gateway_journal_sequence{stream="ops"} 4',
        "ocpp_gateway_store_failed 0",
        'ocpp_gateway_component_up{component="store"} 1',
        "ocpp_gateway_transactions_open 0",
    ):
        assert expected in samples
    names = {line.split("{")[0].split(" ")[0] for line in samples}
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == names
    assert {line.split()[2] for line in lines if line.startswith("# HELP")} == names


async def test_a_fault_of_ours_is_told_without_its_inside(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    def break_journal(db: Writing) -> None:
        db.execute("ALTER TABLE id_tags RENAME COLUMN note TO remark")

    await door.write(break_journal)
    problem = await door.problem("GET", "/api/v1/id-tags", expect=500)
    assert "note" not in str(problem) and "Traceback" not in str(problem)
    assert "no such column" in caplog.text
    assert "ocpp_gateway_web_errors_total 1" in await (await door.ask("GET", "/metrics")).text()


async def test_head_is_for_watchdogs_only(door: Door) -> None:
    assert (await door.ask("HEAD", "/livez", role=None)).status == 200
    assert (await door.ask("HEAD", "/api/v1/events/stream")).status == 405
