"""Load limits for real: the daemon as a process, stations on real sockets, the meter on a real line, by the wall clock.

What is judged is what flows at the stations' side, ten times a second. Each story ends within the limit in a stated
time. Cars and stations are quicker than real ones, so that stories are short; nothing in the daemon is.
"""

from __future__ import annotations

import asyncio
import json
import tarfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.rules.balance import decide
from gateway.store.load_decisions import read_record
from tests.end_to_end.limited_daemon import Metered, Place, limited_daemon
from tests.end_to_end.running_gateway import RunningGateway, wait_until
from tests.fakes.parked_car import ParkedCar
from tests.fakes.real_site import MAIN, RealSite, metered_by_line, metered_by_tcp

pytestmark = pytest.mark.slow

FUSE, WORST, USUAL = 50.0, 30.0, 10.0
ANSWERED = 10.0  # meter 2 s, decision 1 s, mean of the background, station, car: so long a step may overload
Scene = Callable[[RealSite, RunningGateway], Awaitable[None]]


def play(directory: Path, scene: Scene, *, metered: Metered = metered_by_line, cars: int = 3) -> None:
    """Three quick cars below one fuse, one of them on one phase; the scene begins when they charge."""

    async def played() -> None:
        places = [
            Place(
                f"CP-{number}",
                ParkedCar(lines=1 if number == 2 else 3, seconds_down=1, seconds_up=1, seconds_to_begin=2),
                rotation=("123", "231", "312")[number % 3],
            )
            for number in range(1, cars + 1)
        ]
        async with limited_daemon(
            directory, places, circuits={MAIN: FUSE}, worst_amps=WORST, building_amps=USUAL, metered=metered
        ) as (site, gateway):
            await site.until(lambda: all(one.car.amps >= 6 for one in site.stations), "all cars charge", 60)
            assert not site.judge.since(0), site.judge.since(0)
            await scene(site, gateway)

    asyncio.run(played())


def build(site: RealSite, amps: float) -> None:
    """The building draws this on every phase."""
    site.building = amps, amps, amps


async def told_of(gateway: RunningGateway, kind: str) -> None:
    """Wait until an event of this kind can be read."""

    def is_told() -> bool:
        return f'"{kind}"' in gateway.command("events", "--json")

    await asyncio.to_thread(wait_until, is_told, f"an event {kind}")


@pytest.mark.parametrize("metered", [metered_by_line, metered_by_tcp], ids=["serial line", "Modbus TCP"])
def test_a_step_of_the_building_is_answered_in_seconds(tmp_path: Path, metered: Metered) -> None:
    async def scene(site: RealSite, gateway: RunningGateway) -> None:
        site.corrupted_share = 0.1  # on the line: every tenth look makes the next answer a wrong one
        build(site, WORST)
        assert not site.is_legal(), "the step overloads nothing, and proves nothing"
        await site.until(site.is_legal, "the cars have made room", ANSWERED)
        await site.stays(site.is_legal, "within the fuse", 5)

    play(tmp_path, scene, metered=metered)


def test_a_mute_meter_counts_as_the_worst_building(tmp_path: Path) -> None:
    async def scene(site: RealSite, gateway: RunningGateway) -> None:
        assert site.bridge is not None and max(site.drawn()) > FUSE - WORST
        site.bridge.muted = True
        await site.until(lambda: max(site.drawn()) <= FUSE - WORST, "there is room for the worst building", 45)
        began = time.monotonic()
        build(site, WORST)
        await site.stays(site.is_legal, "within the fuse, though nobody sees the building", 5)
        site.bridge.muted = False
        await site.stays(site.is_legal, "within the fuse when the meter is back", 5)
        assert not site.judge.since(began)

    play(tmp_path, scene)


def test_killed_and_started_again_nothing_is_overloaded(tmp_path: Path) -> None:
    async def scene(site: RealSite, gateway: RunningGateway) -> None:
        began = time.monotonic()
        for _ in range(2):
            await asyncio.to_thread(gateway.kill)
            await site.stays(lambda: max(site.drawn()) >= 6, "cars go on without the gateway", 1)
            await asyncio.to_thread(gateway.start)
            sent = {one.identity: len(one.set_at) for one in site.stations}
            await site.until(
                lambda sent=sent: all(len(one.set_at) > sent[one.identity] for one in site.stations),  # type: ignore[misc]
                "the daemon limits all cars again",
                60,
            )
        await site.until(lambda: sum(one.car.amps >= 6 for one in site.stations) >= 2, "cars charge again", 60)
        assert not site.judge.since(began), site.judge.since(began)

    play(tmp_path, scene)


def test_a_car_that_ignores_its_limit_is_paid_for_by_others_or_stopped(tmp_path: Path) -> None:
    async def scene(site: RealSite, gateway: RunningGateway) -> None:
        site.stations[0].car.ignores = True
        await site.until(lambda: not site.is_legal(), "the car takes all that it can", 10)
        await site.until(site.is_legal, "others have made room, or its session was stopped", 100)
        await told_of(gateway, "load.alarm_raised")  # once it has lasted a moment
        build(site, WORST)  # with 32 A on top that is more than the fuse, whoever else is paused
        rogue = site.stations[0]
        await site.until(lambda: rogue.running is None, "its session is stopped", 120)
        await site.until(site.is_legal, "within the fuse", 10)
        await told_of(gateway, "load.session_stopped")

    play(tmp_path, scene)


def explained_and_replayed(gateway: RunningGateway, directory: Path) -> None:
    """Each decision on record is found by its time, and those of a support bundle are decided the same again."""
    document = gateway.ask("GET", "/site/decisions").document
    assert isinstance(document, dict)
    for at in (document["items"][0]["time"], document["items"][-1]["time"]):
        why = json.loads(gateway.command("why", "CP-1", "--at", at, "--json"))
        assert why["recorded_at"] == at and why["text"].startswith("CP-1 connector 1")
    gateway.command("support-bundle", str(directory / "bundle.tar.gz"))
    with tarfile.open(directory / "bundle.tar.gz") as archive:
        file = archive.extractfile("ocpp-gateway-support/load_decisions.json")
        assert file is not None
        text = file.read()
    assert b"CARD" not in text, "no card is in it"
    kept = json.loads(text)["items"]
    records = [read_record(json.dumps(one["record"]).encode()) for one in kept]
    assert len(records) > 2
    assert [decide(one.picture, one.before)[1] for one in records] == [one.decision for one in records]


def test_a_limit_for_a_time_lowers_what_flows_and_why_says_so(tmp_path: Path) -> None:
    async def scene(site: RealSite, gateway: RunningGateway) -> None:
        wanted = USUAL + 20
        words = ("limits", "set", MAIN, f"{wanted:g}", "--for", "1h", "--source", "dso")
        await asyncio.to_thread(gateway.command, *words)
        await site.until(lambda: max(site.flows()[MAIN]) <= wanted, "all is below the lower limit", 10)
        (circuit,) = json.loads(await asyncio.to_thread(gateway.command, "limits", "--json"))["circuits"]
        assert circuit["effective_limit_amps"] == [wanted] * 3 and circuit["source"] == "dso"
        why = json.loads(await asyncio.to_thread(gateway.command, "why", "CP-1", "--json"))
        assert why["binding"]["circuit"] == MAIN and why["binding"]["source"] == "dso"
        await asyncio.to_thread(explained_and_replayed, gateway, tmp_path)
        await asyncio.to_thread(gateway.command, "limits", "remove", MAIN, "--source", "dso")
        assert not json.loads(await asyncio.to_thread(gateway.command, "limits", "--json"))["limits"]
        assert not site.judge.since(0)

    play(tmp_path, scene)
