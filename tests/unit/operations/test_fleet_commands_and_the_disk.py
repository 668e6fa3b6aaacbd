"""Fleet managers' commands while the disk refuses, and when we have a fault: nothing twice, everything is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.model.fleet_commands import Ended
from gateway.operations import carry_out_fleet_commands
from gateway.operations.do_fleet_commands import Errand
from gateway.store.database import Database, StoreUnavailable
from tests.unit.operations.test_obey_fleet import CP, Scene, play


@contextmanager
def disk_full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing can be stored for the length of the block."""

    async def write(database: Database, unit: object) -> object:
        raise StoreUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", write)
        yield


def test_what_cannot_be_stored_is_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(site: Scene) -> None:
        await site.station()
        args = {"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": "HushHush1"}}
        with disk_full(monkeypatch), pytest.raises(StoreUnavailable):
            await site.fleet.send("ocpp.call", target=CP, args=args)
        assert (site.fleet.acks, site.fleet.said) == (0, [])
        assert site.stage.site.fleet_commands.secret == {}, "it comes again, or it does not"

    play(tmp_path, scene)


def test_what_waits_is_begun_when_the_disk_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(site: Scene) -> None:
        sent = await site.fleet.send("station.reset", target=CP, if_offline="queue", interval=900)
        station = await site.station()
        with disk_full(monkeypatch):
            await asyncio.sleep(60)
        assert station.asked == [] and site.fleet.statuses(sent) == ["accepted"]
        assert (await site.fleet.end_of(sent))["status"] == "succeeded"
        assert len(station.requests("Reset")) == 1

    play(tmp_path, scene)


def test_an_end_that_cannot_be_stored_is_honest_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(site: Scene) -> None:
        station = await site.station(never_answered=frozenset({"Reset"}))
        sent = await site.fleet.send("station.reset", target=CP)
        await asyncio.sleep(5)
        with disk_full(monkeypatch):
            await asyncio.sleep(90)
        result = await site.fleet.end_of(sent)
        assert (result["status"], result["error"]["code"]) == ("failed", "store_unavailable")
        await asyncio.sleep(60)
        assert len(station.requests("Reset")) == 1
        assert [event["status"] for event in await site.events()] == ["failed"]

    play(tmp_path, scene)


def test_a_fault_of_ours_ends_one_command_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(errand: Errand) -> Ended:
        raise KeyError("of ours")

    handlers: Mapping[str, Any] = {**carry_out_fleet_commands.HANDLERS, "site.limit.clear": fault}
    monkeypatch.setattr(carry_out_fleet_commands, "HANDLERS", handlers)

    async def scene(site: Scene) -> None:
        failed = await site.fleet.ask("site.limit.clear", args={"circuit": "main"})
        assert (failed["status"], failed["error"]["code"]) == ("failed", "internal_error")
        assert (await site.fleet.ask("ping"))["status"] == "succeeded"

    play(tmp_path, scene)
