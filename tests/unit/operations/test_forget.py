"""What is older than allowed goes once an hour; never what a required upstream waits for, and the rest is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Configuration, Upstream
from gateway.model.instants import SECOND, Instant
from gateway.model.tags import Verdict
from gateway.operations import keep_house
from gateway.operations.keep_house import forget
from gateway.operations.site import Site
from gateway.store import clock_states, events, meter_frames, transactions, upstreams
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, END, START, look
from tests.unit.web.conftest import NOON, configuration_in, open_site

LONG_AGO = Instant(NOON - 4000 * 86_400 * SECOND)
FLEET = Upstream(name="fleet", host="broker.example")
SPARE = Upstream(name="spare", host="broker.example", required=False)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_house, "_PAUSE_SECONDS", 0.0)


def configured(directory: Path, *upstreams: Upstream) -> Configuration:
    return replace(configuration_in(directory), upstreams=upstreams)


def a_life_ago(db: Writing) -> None:
    """Ten sessions, each with an event of tx, one of ops and a frame."""
    for number in range(10):
        session = transactions.record_start(
            db,
            START._replace(meter_start_wh=number),
            Verdict("Accepted"),
            received_at=LONG_AGO,
            remote_start_command=None,
        )
        transactions.record_stop(db, session, END, received_at=LONG_AGO)
        data = {"transaction_id": session}
        events.append(db, "transaction.ended", happened_at=LONG_AGO, recorded_at=LONG_AGO, data=data)
        events.append(db, "connector.status", happened_at=LONG_AGO, recorded_at=LONG_AGO, data={})
        clock_states.note(db, boot_id="b", quality="synced", error_ms=number, offset_us=0)
        meter_frames.append(db, CP, 1, session, None, LONG_AGO, b"{}")
    meter_frames.index(db, [], upto=10**9)


def kept(site: Site) -> dict[str, int]:
    """How many rows of each are there."""
    found = {}
    for name, what in {
        "tx": "events WHERE stream = 'tx'",
        "ops": "events WHERE kind = 'connector.status'",
        "meter": "meter_frames",
        "sessions": "transactions",
    }.items():
        ((number,),) = look(site.database.path, f"SELECT count(*) FROM {what}")
        found[name] = int(str(number))
    return found


def told(site: Site) -> list[tuple[object, ...]]:
    rows = look(site.database.path, "SELECT data FROM events WHERE kind = 'stream.dropped' ORDER BY id")
    return [tuple(json.loads(str(data)).values()) for (data,) in rows]


async def test_without_upstreams_what_is_old_goes_untold(tmp_path: Path) -> None:
    async with open_site(configured(tmp_path)) as site:
        await site.database.write(a_life_ago)
        await forget(site)
        assert kept(site) == {"tx": 1, "ops": 1, "meter": 1, "sessions": 0}
        assert told(site) == []
        assert look(site.database.path, "SELECT count(*) < 3 FROM clock_states") == [(1,)]


async def test_a_required_upstream_that_was_never_connected_keeps_what_bills(tmp_path: Path) -> None:
    async with open_site(configured(tmp_path, FLEET)) as site:
        await site.database.write(a_life_ago)
        await forget(site)
        assert kept(site) == {"tx": 10, "ops": 1, "meter": 1, "sessions": 10}
        assert sorted(told(site)) == [
            ("meter", 1, 9, 9, "age_unacknowledged"), ("ops", 1, 9, 9, "age_unacknowledged"),
        ]  # fmt: skip
        assert dict(site.health.counters._numbers)["journal_dropped_total", (
            ("reason", "age_unacknowledged"), ("stream", "ops"))] == 9  # fmt: skip
        await forget(site)
        assert told(site)[2:] == [("ops", 10, 10, 1, "age_unacknowledged")], "it is no longer the newest"
        await forget(site)
        assert len(told(site)) == 3, "told once"
        await site.database.write(lambda db: upstreams.acknowledge(db, "fleet", {"tx": 4, "ops": 10, "meter": 10}))
        await forget(site)
        assert kept(site)["tx"] == kept(site)["sessions"] == 6
        assert len(told(site)) == 3, "what it had is no drop"


async def test_an_upstream_that_left_the_configuration_holds_nothing_up(tmp_path: Path) -> None:
    async with open_site(configured(tmp_path, SPARE)) as site:
        await site.database.write(a_life_ago)
        acked = {"tx": 1, "ops": 0, "meter": 0}
        await site.database.write(lambda db: upstreams.acknowledge(db, "fleet", acked))
        await site.database.write(lambda db: upstreams.acknowledge(db, "spare", {"tx": 5, "ops": 10, "meter": 10}))
        await forget(site)
        assert kept(site) == {"tx": 1, "ops": 1, "meter": 1, "sessions": 0}
        assert told(site) == [("tx", 6, 9, 4, "age_unacknowledged")], "best effort, but told"
