"""The store refuses for a while, or our own code fails on a message: the link and what is behind it live on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.operations import deliver_events, hear_upstream, heed_documents, obey_fleet
from gateway.store import events, outgoing_events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing
from tests.fakes.mosquitto import mosquitto
from tests.upstream.fleet_site import charge, scene
from tests.upstream.linking import until

pytestmark = pytest.mark.slow


def ping(number: int) -> dict[str, Any]:
    return {"id": f"p{number}", "type": "ping", "issued_at": "2026-01-01T00:00:00Z", "ttl_s": 3600, "actor": "t"}


async def test_a_journal_that_cannot_be_read_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver_events, "_STORE_AWAY_SECONDS", 0.05)
    tries = 0

    def ill(*_: object, **__: object) -> None:
        nonlocal tries
        tries += 1
        raise sqlite3.OperationalError("disk I/O error")

    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        await charge(at.station)
        await at.billed(1)
        with monkeypatch.context() as broken:
            broken.setattr(outgoing_events, "after", ill)
            await at.station.say("Heartbeat", {})
            at.upstream.wake.set()
            at.gateway.site.journal_signal.announce()
            await until(lambda: tries > 5, "several tries")
            await asyncio.sleep(0.3)
            assert tries < 40, "it does not spin"
            assert (at.upstream.link is not None, at.upstream.session) == (True, 1)
        await charge(at.station, first=1)
        await at.billed(2)


async def test_a_command_that_cannot_be_stored_waits_and_one_that_we_fail_on_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hear_upstream, "_STORE_AWAY_SECONDS", 0.05)
    obey = obey_fleet.obey
    faults: list[Exception] = [StoreUnavailable("full"), StoreUnavailable("full"), RuntimeError("ours")]

    async def failing(upstream: Any, message: Any) -> None:
        if faults and (b'"p1"' in message.payload) == isinstance(faults[0], StoreUnavailable):
            raise faults.pop(0)
        await obey(upstream, message)

    monkeypatch.setattr(hear_upstream, "obey", failing)
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        for number in (1, 2, 3):
            at.fleet.command(ping(number), expiry_seconds=3600)
        for number in (1, 3):
            assert (await at.fleet.result_of(f"p{number}"))["status"] == "succeeded"
        await charge(at.station)
        await at.billed(1)
        assert (faults, at.upstream.session) == ([], 1)
        assert not any(result["id"] == "p2" for result in at.fleet.said["res"])
    assert sum("cannot be stored" in text for text in caplog.messages) == 2
    assert sum("failed" in text for text in caplog.messages) == 1


async def test_an_event_that_is_nested_too_deeply_holds_nothing_up(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        deep = "[" * 20_000 + "]" * 20_000

        def unit(db: Writing) -> None:
            now = at.gateway.site.wall_clock()
            events.append(db, "station.data_transfer", station="CP1", happened_at=now, recorded_at=now, data={})
            db.insert_late_rows()
            db.execute("UPDATE events SET data = ? WHERE kind = 'station.data_transfer'", (f'{{"data": {deep}}}',))

        await at.gateway.site.database.write(unit)
        await charge(at.station)
        await at.billed(1)
        await at.fleet.until(lambda: len(at.fleet.of_type("station.data_transfer")) == 1)
        (told,) = at.fleet.of_type("station.data_transfer")
        assert told["data"] == {"left_out_bytes": 40_010}
        assert at.upstream.session == 1


async def test_a_document_that_cannot_be_stored_is_tried_again_over_the_same_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hear_upstream, "_STORE_AWAY_SECONDS", 0.05)
    keep, refusals = heed_documents._keep, 2

    async def full(*what: Any) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StoreUnavailable("disk full")
        await keep(*what)

    monkeypatch.setattr(heed_documents, "_keep", full)
    async with mosquitto(tmp_path / "broker") as broker, scene(tmp_path, broker) as at:
        at.fleet.publish("des/auth-list", {"doc": "auth-list", "version": 1, "entries": []}, retain=True)
        await at.fleet.until(lambda: bool(at.fleet.said["rep/auth-list"]))
        assert at.fleet.said["rep/auth-list"][-1]["status"] == "applied"
        assert (refusals, at.upstream.session) == (0, 1)
