"""Who may transfer when; how fast; how slow guessing becomes. In real time, because all of it is short."""

from __future__ import annotations

import asyncio

import pytest

from firmware_store import turns as module
from firmware_store.guesses import network_of
from firmware_store.pace import Pace
from firmware_store.turns import Crowded, Turns


def turns(*, at_once: int = 1, most_waiting: int = 10, wait_seconds: float = 10) -> Turns:
    return Turns(at_once=at_once, most_waiting=most_waiting, wait_seconds=wait_seconds)


class Visitor:
    """Holds a turn until it is told to end it."""

    def __init__(self, queue: Turns, station: str, *, finished: bool = True) -> None:
        self.has_turn = asyncio.Event()
        self._end = asyncio.Event()
        self._queue = queue
        self._station = station
        self._finished = finished
        self.task = asyncio.create_task(self._visit())

    async def _visit(self) -> None:
        async with self._queue.turn(self._station) as turn:
            turn.finished = self._finished
            self.has_turn.set()
            await self._end.wait()

    async def begins(self) -> None:
        async with asyncio.timeout(5):
            await self.has_turn.wait()

    async def ends(self) -> None:
        self._end.set()
        await self.task


async def test_first_come_first_served() -> None:
    queue = turns()
    first, second, third = (Visitor(queue, name) for name in "ABC")
    await first.begins()
    assert not second.has_turn.is_set() and not third.has_turn.is_set()
    await first.ends()
    await second.begins()
    assert not third.has_turn.is_set()
    await second.ends()
    await third.begins()
    await third.ends()


async def test_two_transfers_of_one_station_and_no_third() -> None:
    queue = turns(at_once=3)
    three = [Visitor(queue, "A") for _ in range(3)]
    other = Visitor(queue, "B")
    await three[0].begins()
    await three[1].begins()
    await other.begins()  # is not kept waiting by a station that wants too much
    assert not three[2].has_turn.is_set()
    await three[0].ends()
    await three[2].begins()
    for visitor in (*three[1:], other):
        await visitor.ends()


async def test_a_station_that_fetches_in_pieces_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_SECONDS", 0.1)
    queue = turns()
    piece = Visitor(queue, "A", finished=False)
    await piece.begins()
    waiting = Visitor(queue, "B")
    await piece.ends()
    again = Visitor(queue, "A", finished=False)
    await again.begins()
    assert not waiting.has_turn.is_set()
    await again.ends()
    await waiting.begins()  # when nothing more came
    await waiting.ends()


async def test_the_queue_is_bounded_and_so_is_the_waiting() -> None:
    queue = turns(most_waiting=1, wait_seconds=0.05)
    first = Visitor(queue, "A")
    await first.begins()
    waiting = Visitor(queue, "B")
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        async with queue.turn("C"):
            pass
    with pytest.raises(Crowded):
        await waiting.task
    await first.ends()


async def test_who_gives_up_waiting_takes_no_turn() -> None:
    queue = turns()
    first = Visitor(queue, "A")
    await first.begins()
    leaving, staying = Visitor(queue, "B"), Visitor(queue, "C")
    await asyncio.sleep(0)
    first._end.set()
    await asyncio.sleep(0)  # the turn passes to B in this moment, or has passed
    leaving.task.cancel()
    await asyncio.gather(first.task, leaving.task, return_exceptions=True)
    await staying.begins()
    await staying.ends()
    last = Visitor(queue, "D")
    await last.begins()
    await last.ends()


async def test_a_rate_is_one_for_all_transfers_of_a_station() -> None:
    pace, loop = Pace(100_000), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.moved("A", 5_000) for _ in range(4)), pace.moved("B", 5_000))
    assert 0.19 < loop.time() - began < 2
    assert pace.piece == 12_500
    assert Pace(10).piece == 1024
    unlimited = Pace(None)
    await unlimited.moved("A", 10**12)
    assert unlimited.piece == 1 << 20


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_hosts_are_known_by_their_network(address: str, network: str) -> None:
    assert network_of(address) == network
