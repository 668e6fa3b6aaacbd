"""More than a week without the fleet manager's broker, and days on which everything fails: in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.fleet_consumer import FleetConsumer
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.paper_broker import PaperBroker
from tests.fakes.paper_consumer import paper_consumer
from tests.fakes.scripted_station import plugged_in
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, START
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings
from tests.upstream.fleet_site import BOOT, FREE, charge

UPSTREAM = '[[upstream]]\nname = "fleet"\nhost = "broker.example"\nstart_jitter_seconds = 300\n'


@asynccontextmanager
async def gateway(world: World, directory: Path, broker: PaperBroker) -> AsyncIterator[Running]:
    """The gateway, linked to the broker in memory."""
    around = surroundings(world)
    around.connect_upstream = broker.connect
    async with running_gateway(directory, ocpp=FREE, more=UPSTREAM, surroundings=around) as running:
        yield running


async def sessions(running: Running, count: int, *, first: int) -> None:
    """So many sessions of a station that comes and goes."""
    async with plugged_in(running.station_url("CP-1")) as station:
        await station.say("BootNotification", BOOT)
        await charge(station, sessions=count, first=first)


def ended(fleet: FleetConsumer) -> list[int]:
    """The register at the beginning of each session that the fleet manager has, in the order in which it came."""
    return [event["data"]["meter_start_wh"] // 1000 for event in fleet.of_type("transaction.ended")]


def has_no_gap(fleet: FleetConsumer, stream: str) -> bool:
    """Whether the stream was stored from the first to the last, once and in order, in each epoch."""
    events = fleet.stream(stream)
    return all(event["sequence"] > before["sequence"] for before, event in itertools.pairwise(events))


@pytest.mark.slow
def test_more_than_a_week_without_a_broker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    days = 8
    random.seed(0)  # of the waits between tries

    async def main(world: World) -> None:
        broker = PaperBroker()
        async with paper_consumer(broker) as fleet:
            async with gateway(world, tmp_path, broker) as running:
                await sessions(running, 1, first=0)
                await asyncio.sleep(MINUTE)
                assert ended(fleet) == [0]
                broker.crash(forget=True)
                for day in range(4):
                    await sessions(running, 3, first=1 + 3 * day)
                    await asyncio.sleep(DAY)
            async with gateway(world, tmp_path, broker) as running:  # restarted in the middle
                for day in range(4, days):
                    await sessions(running, 3, first=1 + 3 * day)
                    await asyncio.sleep(DAY)
                tries = len(broker.tries["test-site"])
                assert DAY * days / 300 < tries < DAY * days / 60
                broker.come_back()
                await asyncio.sleep(10 * MINUTE)
                assert ended(fleet) == list(range(1 + 3 * days))
                assert has_no_gap(fleet, "tx") and [e["sequence"] for e in fleet.stream("tx")] == list(range(1, 51))
                assert fleet.said["state"][-1]["state"] == "online"
                await asyncio.sleep(HOUR)
        assert fleet.duplicates == 0
        assert sum("is away" in text for text in caplog.messages) < 10

    run_virtual(main, start=START)


@pytest.mark.parametrize("turns", range(8))
def test_a_link_that_breaks_while_the_gateway_stops_holds_nothing_up(tmp_path: Path, turns: int) -> None:
    async def main(world: World) -> None:
        broker = PaperBroker()
        async with gateway(world, tmp_path, broker) as running:
            await asyncio.sleep(MINUTE)
            assert running.site.fleet.upstreams["fleet"].link is not None
            broker.crash()
            for _ in range(turns):  # of the loop: in one of them the link fails while it is being stopped
                await asyncio.sleep(0)
            before = world.clock.seconds
        assert world.clock.seconds - before < 0.5

    run_virtual(main, start=START)


class Faults:
    """What goes wrong on one day, one after the other, as the seed has it; in the end everything works again."""

    def __init__(self, seed: int, broker: PaperBroker, fleet: FleetConsumer) -> None:
        self.dice = random.Random(seed)
        self._broker = broker
        self._fleet = fleet

    async def for_a_while(self) -> None:
        """One fault, and some minutes until the next."""
        await self.dice.choice(
            [self._broker_crashes, self._cables_are_pulled, self._fleet_is_deaf, self._fleet_loses_what_it_had]
        )()
        await asyncio.sleep(self.dice.uniform(0, 10 * MINUTE))

    async def _broker_crashes(self) -> None:
        self._broker.crash(forget=self.dice.random() < 0.5)
        await asyncio.sleep(self.dice.choice([1.0, MINUTE, 30 * MINUTE]))
        self._broker.come_back()

    async def _cables_are_pulled(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            for name in sorted(self._broker.links):
                if self.dice.random() < 0.7:
                    self._broker.cut(name)
            await asyncio.sleep(self.dice.uniform(0, 1))  # in the middle of what is delivered

    async def _fleet_is_deaf(self) -> None:
        self._fleet.acknowledging = False
        await asyncio.sleep(self.dice.uniform(1, 8 * MINUTE))
        self._fleet.acknowledging = True

    async def _fleet_loses_what_it_had(self) -> None:
        # an older copy of its database is put back
        lost = self.dice.randint(1, 20)
        for (epoch, stream), upto in list(self._fleet.upto.items()):
            self._fleet.upto[epoch, stream] = kept = max(0, upto - lost)
            for identity, event in list(self._fleet.events.items()):
                if (event["epoch"], event["stream"]) == (epoch, stream) and event["sequence"] > kept:
                    del self._fleet.events[identity]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_a_day_on_which_everything_fails(tmp_path: Path, seed: int) -> None:
    random.seed(seed)  # of the waits between tries; the faults have dice of their own

    async def main(world: World) -> None:
        broker = PaperBroker(receive_max=5)
        told = 0
        async with paper_consumer(broker) as fleet:
            faults = Faults(seed, broker, fleet)
            for _ in range(3):
                async with gateway(world, tmp_path, broker) as running:
                    for _ in range(8):
                        failing = asyncio.create_task(faults.for_a_while())
                        for _ in range(3):
                            count = faults.dice.randint(1, 12)
                            await sessions(running, count, first=told)
                            told += count
                            await asyncio.sleep(faults.dice.uniform(0, 2 * MINUTE))
                        await failing
            async with gateway(world, tmp_path, broker) as running:
                await asyncio.sleep(10 * MINUTE)
                await sessions(running, 1, first=told)  # a gap is seen when something follows
                await asyncio.sleep(10 * MINUTE)
            assert ended(fleet) == list(range(told + 1))
            assert has_no_gap(fleet, "tx") and has_no_gap(fleet, "ops")
            assert [event["sequence"] for event in fleet.stream("tx")] == list(range(1, 2 * told + 3))

    run_virtual(main, start=START, seed=seed)
