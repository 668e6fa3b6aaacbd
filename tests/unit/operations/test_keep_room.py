"""A disk that fills costs the oldest of what no bill rests on, then the recording of it, and raises alarms."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Configuration, Retention, Upstream
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.tags import Verdict
from gateway.operations import keep_room as module
from gateway.operations.keep_room import keep_room
from gateway.operations.keep_sizes import keep_sizes
from gateway.operations.site import Site
from gateway.operations.thin_meter_frames import MeterThinner
from gateway.store import dropped_ranges, events, meter_frames, transactions, upstreams
from gateway.store.writing import Writing
from tests.unit.store.opened_database import START, look
from tests.unit.web.conftest import NOON, configuration_in, open_site

_MB = 1_000_000
STATION = StationId("S-1")
Measure = Callable[[Path], tuple[int, int]]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("gateway.operations.keep_sizes._PAUSE_SECONDS", 0.0)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(configuration_in(tmp_path)) as opened:
        yield opened


def with_upstream(tmp_path: Path, *, required: bool = True, **retention: int) -> Configuration:
    upstream = Upstream(name="fleet", host="broker.example", required=required)
    return replace(configuration_in(tmp_path), upstreams=(upstream,), retention=Retention(**retention))


def much(db: Writing) -> None:
    """Two megabytes of meter values, some events, and what bills rest on; one of each every twenty minutes."""
    for number in range(200):
        at = Instant(NOON + number * 1200 * SECOND)
        meter_frames.append(db, STATION, 1, None, None, at, os.urandom(10_000))
        events.append(db, "authorization.decided", happened_at=at, recorded_at=at, data={})
        events.append(db, "connector.status", happened_at=at, recorded_at=at, data={})
    meter_frames.index(db, [], upto=10**9)


def kept(site: Site) -> tuple[int, int, int]:
    """(frames, events of tx, of ops)"""
    (row,) = look(
        site.database.path,
        "SELECT (SELECT count(*) FROM meter_frames), (SELECT count(*) FROM events WHERE stream = 'tx'),"
        " (SELECT count(*) FROM events WHERE stream = 'ops' AND kind = 'connector.status')",
    )
    return row  # type: ignore[return-value]


def told(site: Site, kind: str) -> list[dict[str, object]]:
    rows = look(site.database.path, "SELECT data FROM events WHERE kind = ? ORDER BY id", kind)
    return [json.loads(str(data)) for (data,) in rows]


async def filled(site: Site) -> Callable[[float], Measure]:
    """A function that gives a disk which the database, as it is now, fills so much of."""
    used, reusable = await site.database.write(module._used_and_reusable)

    def at(percent: float) -> Measure:
        there_is = round(used * 100 / percent * 20 / 19)  # a twentieth is the reserve
        return lambda directory: (there_is - used - reusable, there_is)

    return at


async def test_a_disk_with_room(site: Site) -> None:
    await site.database.write(much)
    thinner = MeterThinner(site)
    await keep_room(site, thinner, measure=lambda directory: (200 * _MB, 1000 * _MB))
    assert site.health.components()["disk"] is None
    assert "disk" not in site.health.notices()
    assert kept(site) == (200, 200, 200)
    assert told(site, "disk.pressure") == []
    await keep_room(site, thinner)
    assert "disk" in site.health.components()


async def test_a_disk_that_others_fill_is_told_before_anything_goes(site: Site) -> None:
    await site.database.write(much)
    await keep_room(site, MeterThinner(site), measure=lambda directory: (99 * _MB, 1000 * _MB))
    assert "99 MB free" in str(site.health.components()["disk"])
    assert kept(site) == (200, 200, 200)


async def test_at_70_percent_meter_values_go_until_there_is_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 10)
    await site.database.write(much)
    measure = (await filled(site))(72)
    thinner = MeterThinner(site)
    await keep_room(site, thinner, measure=measure)
    frames, billing, operations = kept(site)
    assert 100 <= frames <= 190
    assert (billing, operations) == (200, 200)
    assert site.health.components()["disk"] is None
    assert "thinned" in site.health.notices()["disk"]
    assert site.room.level == 1 and 0 < site.room.used_bytes < site.room.budget_bytes
    await keep_room(site, thinner, measure=measure)
    assert [(one["before"], one["level"]) for one in told(site, "disk.pressure")] == [
        ("none", "meter_thinned"), ("meter_thinned", "none"),
    ]  # fmt: skip
    assert "disk" not in site.health.notices()


async def test_what_can_be_thinned_is_thinned_first(site: Site) -> None:
    def often(db: Writing) -> None:
        for number in range(2000):
            meter_frames.append(db, STATION, 1, None, None, Instant(NOON + number * SECOND), os.urandom(1000))
        meter_frames.index(db, [], upto=10**9)

    await site.database.write(often)
    oldest = look(site.database.path, "SELECT min(id) FROM meter_frames")
    await keep_room(site, MeterThinner(site), measure=(await filled(site))(72))
    assert 1000 < kept(site)[0] < 1900
    assert look(site.database.path, "SELECT min(id) FROM meter_frames") == oldest, "the first stays"


async def test_while_there_is_something_to_thin_nothing_else_goes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_THIN_BITES", 1)
    await site.database.write(much)
    thinner, measure = MeterThinner(site), (await filled(site))(72)
    await keep_room(site, thinner, measure=measure)
    assert kept(site)[0] == 200, "none could be thinned so far"
    await keep_room(site, thinner, measure=measure)
    await keep_room(site, thinner, measure=measure)
    assert kept(site)[0] < 200


async def test_frames_of_sessions_that_run_and_what_others_rest_on_stay_at_any_level(site: Site) -> None:
    def running(db: Writing) -> None:
        start = START._replace(station=STATION)
        session = transactions.record_start(db, start, Verdict("Accepted"), received_at=NOON, remote_start_command=None)
        events.append(db, "gateway.security_event", happened_at=NOON, recorded_at=NOON, data={})
        meter_frames.append(db, STATION, 1, session, None, NOON, b'{"the": "session\'s"}')
        db.insert_late_rows()
        (frame,) = db.execute("SELECT max(id) FROM meter_frames").fetchone()
        meter_frames.index(db, [(session, frame)], upto=10**9)

    await site.database.write(running)
    await site.database.write(much)
    await keep_room(site, MeterThinner(site), measure=(await filled(site))(2000))
    assert kept(site) == (2, 200, 0)
    kinds = {kind for (kind,) in look(site.database.path, "SELECT kind FROM events WHERE stream = 'ops'")}
    assert "gateway.security_event" in kinds


async def test_at_85_percent_meter_values_are_recorded_for_sessions_only(site: Site) -> None:
    await site.database.write(much)
    await keep_room(site, MeterThinner(site), measure=(await filled(site))(90))
    assert "for sessions" in str(site.health.components()["disk"])
    assert kept(site)[1:] == (200, 200), "frames were enough"

    def unit(db: Writing) -> None:
        meter_frames.append(db, STATION, 2, None, None, NOON, b"{}")
        transactions.record_start(
            db, START._replace(station=STATION), Verdict("Accepted"), received_at=NOON, remote_start_command=None
        )
        meter_frames.append(db, STATION, 1, None, None, NOON, b"{}")

    before = kept(site)[0]
    await site.database.write(unit)
    assert kept(site)[0] == before + 1


async def test_at_95_percent_events_of_operation_go_and_are_recorded_no_more(site: Site) -> None:
    await site.database.write(much)
    measure = (await filled(site))(2000)
    thinner = MeterThinner(site)
    await keep_room(site, thinner, measure=measure)
    frames, billing, operations = kept(site)
    assert (frames, billing, operations) == (1, 200, 0)
    await site.database.write(much)
    assert kept(site) == (1, 400, 0), "billing goes on"
    site.room.tells_at = 0
    await keep_room(site, thinner, measure=measure)
    assert {(one["stream"], one["reason"], one["count"]) for one in told(site, "stream.dropped")} == {
        ("meter", "recording_stopped", 200), ("ops", "recording_stopped", 200),
    }  # fmt: skip


async def test_a_full_disk_ends_it_when_nothing_is_left(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await site.database.write(much)
    await keep_room(site, MeterThinner(site), measure=lambda directory: (0, 1000 * _MB))
    assert kept(site)[:2] == (1, 200)
    assert "0 bytes free" in caplog.text


async def test_weeks_without_a_required_upstream_lose_nothing_that_bills_and_explain_the_rest(tmp_path: Path) -> None:
    async with open_site(with_upstream(tmp_path)) as site:
        await site.database.write(much)
        await site.database.write(lambda db: upstreams.acknowledge(db, "fleet", {"tx": 50, "ops": 50, "meter": 50}))
        await keep_room(site, MeterThinner(site), measure=(await filled(site))(10))
        await keep_room(site, MeterThinner(site), measure=(await filled(site))(2000))
        assert kept(site)[1] == 200
        newest = {"meter": 200, "ops": 201}  # with disk.pressure
        for stream, upto in newest.items():
            table = "meter_frames" if stream == "meter" else "events WHERE stream = 'ops'"
            there = {row[0] for row in look(site.database.path, f"SELECT sequence FROM {table}")}
            ranges = await site.database.write(lambda db, stream=stream: dropped_ranges.between(db, stream, 1, 10**9))  # type: ignore[misc]
            missing = set(range(51, upto + 1)) - there
            assert missing and sum(one.count for one in ranges) == len(missing)
            assert all(any(one.from_sequence <= gap <= one.to_sequence for one in ranges) for gap in missing)
        reasons = {(one["stream"], one["reason"]) for one in told(site, "stream.dropped")}
        assert reasons >= {("meter", "disk_pressure"), ("ops", "disk_pressure")}
        assert "tx" not in {stream for stream, _ in reasons}


async def test_sizes_of_streams_are_kept(tmp_path: Path) -> None:
    def fill(db: Writing) -> None:
        for number in range(12_000):
            at = Instant(NOON + number * SECOND)
            events.append(db, "gateway.started", happened_at=at, recorded_at=at, data={"a": "x" * 1000})
        for number in range(3000):
            at = Instant(NOON + number * SECOND)
            meter_frames.append(db, STATION, 1, None, None, at, os.urandom(4000))
        meter_frames.index(db, [], upto=10**9)

    async with open_site(with_upstream(tmp_path, operations_megabytes=10, meter_megabytes=10)) as site:
        thinner = MeterThinner(site)
        await keep_sizes(site, thinner)
        await site.database.write(fill)
        assert kept(site)[0] == 3000
        await keep_sizes(site, thinner)
        (ops,) = look(site.database.path, "SELECT sum(length(data) + 120) FROM events WHERE stream = 'ops'")
        (meter,) = look(site.database.path, "SELECT sum(length(body) + 100) FROM meter_frames")
        assert 8 * _MB < int(str(ops[0])) < 10 * _MB
        assert int(str(meter[0])) < 10 * _MB
        assert [(one["stream"], one["reason"]) for one in told(site, "stream.dropped")] == [
            ("ops", "retention_size"), ("meter", "thinned"),
        ]  # fmt: skip
        before = kept(site)
        await keep_sizes(site, thinner)
        assert kept(site) == before
