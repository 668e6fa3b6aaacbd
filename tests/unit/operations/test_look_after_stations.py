"""The loop of automatic requests: whose turn it is and when, in virtual time; what is asked is replaced by the test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.operations import look_after_stations as looking_after
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.look_after_stations import AGAIN_SECONDS, MOST_AT_ONCE, SETTLING_SECONDS, may_be_asked
from gateway.operations.manage_tags import put_tag
from gateway.operations.provision_stations import put_station, remove_station
from gateway.operations.site import Site
from gateway.simulated_link import Refused
from gateway.simulated_station import Habits, SimulatedStation
from gateway.store.events import ALWAYS_RECORDED, STREAM_OF_KIND
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

pytestmark = pytest.mark.slow  # weeks of automatic requests in virtual time

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
URL = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp"
ACCEPTING = 'unknown_stations = "accept"'


@dataclass
class Scene:
    """A gateway whose AUTOMATIC was replaced; `turns` are (seconds since the start, station)."""

    world: World
    site: Site
    turns: list[tuple[float, str]] = field(default_factory=list)
    stations: dict[str, SimulatedStation] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def switch_on(self, name: str) -> SimulatedStation:
        habits = Habits(busy=False)
        station = SimulatedStation(name, URL, seed=1, habits=habits, wall_clock=self.world.clock.true_time)
        self.stations[name] = station
        self._tasks.append(asyncio.create_task(station.run()))
        return station

    def moments_of(self, name: str) -> list[float]:
        return [moment for moment, station in self.turns if station == name]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def mute(station: SimulatedStation) -> None:
    """From now on it answers no request."""

    async def ignore(*request: object) -> None:
        pass

    station.link._obey = ignore  # type: ignore[method-assign]


def refuse(station: SimulatedStation, code: str) -> None:
    """From now on it answers every request with this error."""

    def answer(*request: object) -> None:
        raise Refused(code, "")

    station.link._answer = answer  # type: ignore[method-assign,assignment]


def play(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Scene], Awaitable[None]],
    *,
    cares: tuple[looking_after.Care, ...] = (),
    ocpp: str = ACCEPTING,
    more: str = "",
) -> Scene:
    """Act with a gateway that notes each turn, and then does what `cares` say."""
    scenes: list[Scene] = []

    async def note(site: Site, station: StationId) -> None:
        scenes[0].turns.append((scenes[0].world.clock.seconds, station))

    async def main(world: World) -> None:
        async with running_gateway(directory, ocpp=ocpp, more=more, surroundings=surroundings(world)) as running:
            scenes.append(Scene(world, running.site))
            await act(scenes[0])
            await scenes[0].close()

    monkeypatch.setattr(looking_after, "AUTOMATIC", (note, *cares))
    run_virtual(main, start=START)
    return scenes[0]


def test_a_station_is_looked_after_when_it_has_settled_and_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(scene: Scene) -> None:
        scene.switch_on("CP-1")
        await asyncio.sleep(2 * AGAIN_SECONDS + 600)

    first, second, third = play(tmp_path, monkeypatch, act).moments_of("CP-1")
    assert SETTLING_SECONDS <= first < SETTLING_SECONDS + 10
    assert AGAIN_SECONDS <= second - first < AGAIN_SECONDS + 10
    assert AGAIN_SECONDS <= third - second < AGAIN_SECONDS + 10


def test_a_boot_and_a_reconnect_are_an_arrival_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        await asyncio.sleep(600)
        await station.reboot("Hard")
        await asyncio.sleep(600)
        await station.lose_network(60)
        await asyncio.sleep(600)

    assert len(play(tmp_path, monkeypatch, act).turns) == 3


@pytest.mark.parametrize(
    ("ocpp", "more"),
    [
        (f"{ACCEPTING}\nautomatic_calls = false", ""),
        ("", '[[station]]\nid = "CP-1"\nquiet = true'),
        ('unknown_stations = "pending"', ""),
    ],
)
def test_never_asked_are_quiet_and_pending_stations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocpp: str, more: str
) -> None:
    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        await asyncio.sleep(AGAIN_SECONDS * 1.5)
        await station.reboot("Hard")
        await asyncio.sleep(600)
        assert scene.site.connected.is_connected(StationId("CP-1"))
        assert not may_be_asked(scene.site, StationId("CP-1"))

    assert play(tmp_path, monkeypatch, act, ocpp=ocpp, more=more).turns == []


def test_what_a_station_depends_on_brings_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        for name in ("CP-1", "CP-2"):
            scene.switch_on(name)
        await asyncio.sleep(600)
        await put_tag(scene.site, "NEW", {}, actor="tester")
        await asyncio.sleep(600)
        await put_station(scene.site, "CP-2", {"priority": 2}, actor="tester")
        await asyncio.sleep(600)

    scene = play(tmp_path, monkeypatch, act)
    assert (len(scene.moments_of("CP-1")), len(scene.moments_of("CP-2"))) == (2, 3)
    assert scene.moments_of("CP-1")[1] - 600 < 15


def test_many_changes_are_one_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        scene.switch_on("CP-1")
        await asyncio.sleep(600)
        for number in range(2500):
            await put_tag(scene.site, f"TAG-{number}", {}, actor="tester")  # 10 s
        await asyncio.sleep(600)

    assert len(play(tmp_path, monkeypatch, act).turns) <= 1 + 3


def test_a_storm_of_reconnects_is_no_storm_of_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here: set[StationId] = set()
    most: list[int] = []

    async def take_long(site: Site, station: StationId) -> None:
        assert station not in here
        here.add(station)
        most.append(len(here))
        await asyncio.sleep(10)
        here.discard(station)

    async def act(scene: Scene) -> None:
        for number in range(90):
            scene.switch_on(f"CP-{number}")
        await asyncio.sleep(30)
        for number in range(0, 90, 3):  # some of them boot again while it is or will be their turn
            await scene.stations[f"CP-{number}"].reboot("Hard")
        await asyncio.sleep(600)

    scene = play(tmp_path, monkeypatch, act, cares=(take_long,))
    assert max(most) == MOST_AT_ONCE
    assert {station for _, station in scene.turns} == {f"CP-{number}" for number in range(90)}


def test_a_boot_while_it_is_its_turn_brings_another_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def take_long(site: Site, station: StationId) -> None:
        await asyncio.sleep(120)

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        await asyncio.sleep(60)
        await station.reboot("Hard")
        await asyncio.sleep(600)

    first, second = play(tmp_path, monkeypatch, act, cares=(take_long,)).moments_of("CP-1")
    assert 120 <= second - first < 130


def test_a_fault_in_one_function_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    later: list[StationId] = []

    async def breaks(site: Site, station: StationId) -> None:
        raise ValueError("planted")

    async def works(site: Site, station: StationId) -> None:
        later.append(station)

    async def act(scene: Scene) -> None:
        scene.switch_on("CP-1")
        await asyncio.sleep(50)
        assert later == ["CP-1"]
        assert ("automatic_faults_total", (("care", "breaks"),), 1.0) in scene.site.health.counters.snapshot()
        assert scene.site.health.components()["automatic requests"] is None

    play(tmp_path, monkeypatch, act, cares=(breaks, works))
    assert "breaks failed for CP-1" in caplog.text
    assert "planted" in caplog.text


def test_a_station_that_does_not_answer_is_tried_again_after_growing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[StationId] = []

    async def ask(site: Site, station: StationId) -> None:
        await carry_out(site, station=station, action="ClearCache", payload={}, actor="gateway")

    async def note_later(site: Site, station: StationId) -> None:
        later.append(station)

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        mute(station)
        await asyncio.sleep(AGAIN_SECONDS)
        before = len(scene.turns)
        assert later == []
        del station.link._obey  # type: ignore[method-assign]
        await asyncio.sleep(AGAIN_SECONDS)
        assert later == ["CP-1"]
        assert len(scene.turns) == before + 1

    moments = play(tmp_path, monkeypatch, act, cares=(ask, note_later)).moments_of("CP-1")
    waits = [later - earlier for earlier, later in itertools.pairwise(moments[:-1])]
    assert waits == sorted(waits)
    assert 60 <= waits[0] - 60 < 65  # the call's own time-out comes first
    assert 6 <= len(waits) <= 12


def test_a_station_that_a_request_makes_crash_is_not_crashed_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(site: Site, station: StationId) -> None:
        await carry_out(site, station=station, action="ClearCache", payload={}, actor="gateway")

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        mute(station)
        for _ in range(2000):
            await asyncio.sleep(30)
            if scene.turns and scene.turns[-1][0] > scene.world.clock.seconds - 30:
                await station.reboot("Hard")

    assert len(play(tmp_path, monkeypatch, act, cares=(crash,)).turns) <= 12  # in 16 hours and more


def test_a_silent_station_that_reconnects_all_the_time_is_tried_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(site: Site, station: StationId) -> None:
        await carry_out(site, station=station, action="ClearCache", payload={}, actor="gateway")

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        mute(station)
        for _ in range(100):
            await asyncio.sleep(300)
            await station.lose_network(1)

    assert 5 <= len(play(tmp_path, monkeypatch, act, cares=(ask,)).turns) <= 10  # in eight hours


def test_a_person_who_changes_a_station_need_not_wait_for_its_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(site: Site, station: StationId) -> None:
        await carry_out(site, station=station, action="ClearCache", payload={}, actor="gateway")

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        mute(station)
        await asyncio.sleep(12_000)
        before = len(scene.turns)
        await put_tag(scene.site, "NEW", {}, actor="tester")
        await asyncio.sleep(30)
        assert len(scene.turns) == before
        await put_station(scene.site, "CP-1", {"priority": 3}, actor="tester")
        await asyncio.sleep(30)
        assert len(scene.turns) == before + 1

    play(tmp_path, monkeypatch, act, cares=(ask,))


def test_stations_that_are_gone_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        await put_station(scene.site, "CP-1", {}, actor="tester")
        for name in ("CP-1", "CP-2"):
            station = scene.switch_on(name)
        await asyncio.sleep(SETTLING_SECONDS - 1)
        await station.lose_network(600)
        assert await remove_station(scene.site, "CP-1", actor="tester") == "removed"
        await asyncio.sleep(100)

    assert play(tmp_path, monkeypatch, act, ocpp="", more='[[station]]\nid = "CP-2"').turns == []


def test_an_idle_site_is_not_looked_at_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[float] = []
    read = looking_after._Turns.read_journal

    async def counted(turns: looking_after._Turns) -> None:
        reads.append(asyncio.get_running_loop().time())
        await read(turns)

    async def act(scene: Scene) -> None:
        scene.switch_on("CP-1")
        await asyncio.sleep(300)
        reads.clear()
        await asyncio.sleep(7200)

    monkeypatch.setattr(looking_after._Turns, "read_journal", counted)
    play(tmp_path, monkeypatch, act)
    assert len(reads) < 7200 / 60 * 1.1  # the rounds that are made each minute write


def test_a_busy_site_is_looked_at_no_more_often_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[float] = []
    read = looking_after._Turns.read_journal

    async def counted(turns: looking_after._Turns) -> None:
        reads.append(asyncio.get_running_loop().time())
        await read(turns)

    async def act(scene: Scene) -> None:
        for number in range(3000):  # ten commits a second
            await scene.site.database.write(lambda db, number=number: db.set_meta("age_judged_at", number))  # type: ignore[misc]
            await asyncio.sleep(0.1)

    monkeypatch.setattr(looking_after._Turns, "read_journal", counted)
    play(tmp_path, monkeypatch, act)
    assert 100 < len(reads) < 320 / 2


def test_what_wakes_it_is_a_kind_of_event() -> None:
    assert set(looking_after.WAKES) <= set(STREAM_OF_KIND)
    recorded = ALWAYS_RECORDED | {kind for kind, stream in STREAM_OF_KIND.items() if stream == "tx"}
    assert set(looking_after.WAKES) <= recorded, "also when the disk is too full for the rest"


@pytest.mark.parametrize("code", ["NotImplemented", "notsupported"])
def test_a_station_that_cannot_do_what_it_is_asked_is_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """It has answered: at its next boot it is looked after as soon as any other."""

    async def ask(site: Site, station: StationId) -> None:
        await carry_out(site, station=station, action="GetLocalListVersion", payload={}, actor="gateway")

    async def act(scene: Scene) -> None:
        station = scene.switch_on("CP-1")
        refuse(station, code)
        await asyncio.sleep(SETTLING_SECONDS + 15)
        await station.lose_network(1)
        await asyncio.sleep(SETTLING_SECONDS + 15)

    assert len(play(tmp_path, monkeypatch, act, cares=(ask,)).turns) == 2
