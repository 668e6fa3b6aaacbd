"""A week without a broker, or without anybody behind it, in virtual time: afterwards everything is delivered, once."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model.links import Broker, LinkLost
from gateway.operations.upstream_now import UpstreamNow
from gateway.store import outgoing_events
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.paper_broker import PaperBroker, PaperLink
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.charger import DAY, HOUR, Charger, make_charger
from tests.simulation.ledger import billing_complaints, journal_complaints, read_ledger
from tests.simulation.played_day import MORNING, OCPP, URL, cards, hand_out_cards, surroundings, until_settled
from tests.simulation.stage import BUSY, SEED

pytestmark = pytest.mark.slow

WEEK = 7 * DAY
CHARGERS = 2
GATEWAY = "test-site"
BASE = f"ocpp-gateway/v1/{GATEWAY}"
UPSTREAM = '[[upstream]]\nname = "fleet"\nhost = "broker"\ntls = false\n'


@dataclass
class Consumer:
    """Stores what follows, acknowledges it, tells gaps; it may be away while the broker keeps its session."""

    broker: PaperBroker
    upto: dict[str, int] = field(default_factory=lambda: {"tx": 0, "ops": 0, "meter": 0})
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"tx": [], "ops": [], "meter": []})
    arrived: int = 0
    link: PaperLink | None = None
    _task: asyncio.Task[None] | None = None

    async def come(self) -> None:
        """Connect; what the broker kept for us arrives."""
        who = Broker("broker", 1883, False, None, None, None, None, None, "consumer")
        self.link = await self.broker.connect(who)
        await self.link.subscribe([f"{BASE}/up/evt/#"])
        self._task = asyncio.create_task(self._hear(self.link))

    async def leave(self) -> None:
        """Be away."""
        assert self.link is not None and self._task is not None
        await self.link.close()
        await self._task

    async def _hear(self, link: PaperLink) -> None:
        try:
            async for message in link.messages():
                message.ack()
                event = json.loads(message.payload)
                self.arrived += 1
                while not link.room():  # noqa: ASYNC110, virtual time costs nothing
                    await asyncio.sleep(0.01)
                link.publish(f"{BASE}/dn/ack", json.dumps(self._store(event)).encode())
        except LinkLost:
            pass

    def _store(self, event: dict[str, Any]) -> dict[str, Any]:
        stream, sequence = event["stream"], event["sequence"]
        upto = self.upto[stream]
        follows = sequence > upto and event.get("after", sequence - 1) <= upto
        if follows:
            self.stored[stream].append(event)
            self.upto[stream] = sequence
        gap = sequence > upto and not follows
        return {"epoch": event["epoch"], "stream": stream, "upto": self.upto[stream], "gap": gap}


@dataclass
class Week:
    """What a scene plays with."""

    world: World
    running: Running
    broker: PaperBroker
    consumer: Consumer
    chargers: list[Charger]
    tries: list[float]  # when the gateway tried to connect

    @property
    def upstream(self) -> UpstreamNow:
        """What the gateway knows of it."""
        return self.running.site.fleet.upstreams["fleet"]

    async def everything_arrives(self) -> None:
        """Nobody charges any more, and all that is in the journal is acknowledged."""
        await until_settled(self.chargers)
        await asyncio.gather(*(charger.halt() for charger in self.chargers))
        async with asyncio.timeout(2 * HOUR):
            while not await self._all_acknowledged():  # noqa: ASYNC110, virtual time costs nothing
                await asyncio.sleep(5)

    async def _all_acknowledged(self) -> bool:
        newest = await self.running.site.database.write(outgoing_events.newest)
        return self.upstream.delivery.acked() == newest


def play(directory: Path, scene: Any) -> Consumer:
    """Play a week; what the consumer has in the end is everything that the journal has, once and in order."""
    played: list[Week] = []

    async def main(world: World) -> None:
        broker = PaperBroker()
        consumer = Consumer(broker)
        await consumer.come()
        around = surroundings(world)
        loop, tries = asyncio.get_running_loop(), list[float]()

        async def connect(*known: Any, **terms: Any) -> PaperLink:
            tries.append(loop.time())
            return await broker.connect(*known, **terms)

        around.connect_upstream = connect
        async with running_gateway(directory, ocpp=OCPP, more=UPSTREAM, surroundings=around) as running:
            await hand_out_cards(running, CHARGERS)
            chargers = [
                make_charger(
                    number,
                    URL,
                    world.clock.true_time,
                    seed=SEED,
                    habits=replace(BUSY, id_tags=cards(number)),
                    sample_seconds=900,
                )
                for number in range(1, CHARGERS + 1)
            ]
            for charger in chargers:
                charger.power_on()
            played.append(Week(world, running, broker, consumer, chargers, tries))
            await scene(played[0])
            await played[0].everything_arrives()
        if consumer.link is not None:
            await consumer.leave()

    random.seed(SEED)  # the gateway draws how long it waits
    run_virtual(main, start=MORNING, seed=SEED)
    week, ledger = played[0], read_ledger(directory)
    assert journal_complaints(ledger) + billing_complaints(ledger, week.chargers) == []
    sessions = sum(len(charger.station.sessions) for charger in week.chargers)
    assert sessions > 10
    for stream, events in week.consumer.stored.items():
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1)), stream
    ended = [event for event in week.consumer.stored["tx"] if "transaction.ended" in event["type"]]
    over = [row["transaction_id"] for row in ledger.transactions if row["stop_source"] is not None]
    assert sorted(event["data"]["transaction_id"] for event in ended) == over
    return week.consumer


def test_no_broker_for_a_week(directory: Path) -> None:
    async def scene(week: Week) -> None:
        await asyncio.sleep(12 * HOUR)
        assert week.upstream.link is not None and len(week.tries) == 1
        before = len(week.consumer.stored["tx"])
        week.broker.crash()
        await asyncio.sleep(WEEK)
        assert week.upstream.trouble is not None and len(week.consumer.stored["tx"]) == before
        tries = week.tries[1:]
        # after the first minute each wait is drawn from 0 to 300 s: 150 s in the mean
        assert WEEK / 300 < len(tries) < 1.15 * WEEK / 150
        waits = [later - earlier for earlier, later in itertools.pairwise(tries)]
        assert max(waits) <= 301 and max(waits[-1000:]) > 250 and min(waits[-1000:]) < 50
        week.broker.come_back()
        await week.consumer.come()
        await asyncio.sleep(301)
        assert week.upstream.link is not None

    consumer = play(directory, scene)
    assert consumer.arrived < 1.2 * sum(len(events) for events in consumer.stored.values())


def test_a_broker_with_nobody_behind_it_for_a_day(directory: Path) -> None:
    async def scene(week: Week) -> None:
        await asyncio.sleep(12 * HOUR)
        await week.consumer.leave()
        await asyncio.sleep(DAY)
        assert "acknowledges" in week.upstream.alarms["silent"]
        assert all(len(flow.unacked) <= 256 for flow in week.upstream.delivery.flows.values())
        assert len(week.tries) < 24 + 10, "another link once an hour"
        await week.consumer.come()
        await asyncio.sleep(120)
        assert "silent" not in week.upstream.alarms

    consumer = play(directory, scene)
    copies = consumer.arrived - sum(len(events) for events in consumer.stored.values())
    assert copies < 3 * 24 * 60 + 2000, "an event of each stream a minute asks, and not all of them"


def test_somebody_else_with_our_id(directory: Path) -> None:
    async def scene(week: Week) -> None:
        await asyncio.sleep(HOUR)
        who = Broker("broker", 1883, False, None, None, None, None, None, GATEWAY)
        copy = await week.broker.connect(who)
        await asyncio.sleep(200)
        assert week.upstream.link is None and "copy of this machine" in week.upstream.alarms["taken over"]
        assert len(week.tries) == 1, "it does not take it back at once"
        await asyncio.sleep(300)
        assert week.upstream.link is not None and copy.ended.done()
        await asyncio.sleep(61)
        assert "taken over" not in week.upstream.alarms
        await asyncio.sleep(2 * DAY)

    play(directory, scene)
