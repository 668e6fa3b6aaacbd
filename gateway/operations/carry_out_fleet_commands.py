"""Commands of fleet managers are carried out: each station's in order of arrival, several stations at a time.

What is to be done is in the database. A command that was begun is never begun again: if the gateway died meanwhile, it
ends as `interrupted` and nobody knows whether it was done. One that waits for its station waits until it is too late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.model.fleet_commands import Command, Complaint, Ended, Moment
from gateway.model.identities import StationId
from gateway.operations.do_fleet_commands import HANDLERS, Errand
from gateway.operations.end_fleet_commands import end
from gateway.operations.obey_fleet import moment_of, say
from gateway.operations.site import Site
from gateway.rules import fleet_commands as rules
from gateway.rules import fleet_orders, fleet_results, fleet_terms
from gateway.store import fleet_commands
from gateway.store.database import StoreUnavailable
from gateway.store.fleet_commands import FleetRow, Result
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # while something waits
_STORE_AGAIN_SECONDS = 2.0
SETTLING_SECONDS = 2.0  # a station that came back says first what it has to say
CLOCK_PATIENCE_SECONDS = 120.0  # after a start, for the clock to be set
COMING_BACK_SECONDS = 90.0  # after a start, for stations to connect again

_INTERRUPTED = Ended(
    "failed", error=Complaint("interrupted", "the gateway stopped meanwhile: whether it was done is unknown")
)
_LOST = Ended("failed", error=Complaint("interrupted", "the gateway stopped before it began: it was not done"))
_EXPIRED = Ended("expired", error=Complaint("expired", "it could not begin in time"))
_NO_CLOCK = Ended(
    "rejected", error=Complaint("clock_unsynced", "the machine was started anew, and its clock is not synchronised")
)


async def carry_out_fleet_commands(site: Site) -> None:
    """For ever: whatever waits, as soon as it may begin."""
    work = _Work(site)
    async with asyncio.TaskGroup() as group:
        while True:
            seen = site.fleet_commands.wake.generation
            waiting = True
            try:
                waiting = await work.look(group)
            except StoreUnavailable as error:
                logger.error("commands of fleet managers wait: %s", error)
            try:
                async with asyncio.timeout(_LOOK_SECONDS if waiting else None):
                    await site.fleet_commands.wake.newer_than(seen)
            except TimeoutError:
                continue


@dataclass(slots=True)
class _Work:
    """What is under way now: numbers of commands, and the lanes that they block."""

    site: Site
    numbers: set[int] = field(default_factory=set)
    lanes: set[str] = field(default_factory=set)
    settled: dict[str, float] = field(default_factory=dict)  # when a station that was away may be asked
    of_before: frozenset[int] | None = None  # commands that were accepted before this loop began

    async def look(self, group: asyncio.TaskGroup) -> bool:
        """Begin what may begin and end what is over; True while something waits."""
        rows = await self.site.database.write(fleet_commands.unfinished)
        moment = moment_of(self.site)
        if self.of_before is None:
            self.of_before = frozenset(row.number for row in rows)
        taken, waiting, over = set(self.lanes), False, list[tuple[FleetRow, Ended]]()
        named = {row.station for row in rows}
        self.settled = {station: at for station, at in self.settled.items() if station in named}
        for row in rows:
            if row.number in self.numbers:
                continue
            ended = self._over(row, moment)
            if ended is not None:
                over.append((row, ended))
                continue
            lane = fleet_orders.lane_of(row.type, row.station)
            if lane not in taken and self._may_begin(row, moment):
                self.numbers.add(row.number)
                self.lanes.add(lane)
                group.create_task(self._carry_out(row, lane), name=f"command {row.id}")
            else:
                waiting = True
            taken.add(lane)
        await self._end_all(over)
        return waiting

    def _over(self, row: FleetRow, moment: Moment) -> Ended | None:
        """Why it will not begin (any more)."""
        if row.status == "running":
            return _INTERRUPTED
        over = fleet_terms.is_over(row.term, moment)
        if over is None and not self._is_young(CLOCK_PATIENCE_SECONDS):
            return _NO_CLOCK
        return _EXPIRED if over else None

    def _is_young(self, seconds: float) -> bool:
        """Has the gateway run for less than so long?"""
        return self.site.fleet_commands.age_seconds() < seconds

    def _may_begin(self, row: FleetRow, moment: Moment) -> bool:
        """Is it known not to be too late, and is the station there that it would wait for?"""
        if fleet_terms.is_over(row.term, moment) is None:
            return False
        if row.station is None or not rules.needs_station(row.type):
            return True
        if not self.site.connected.is_connected(StationId(row.station)):
            self.settled[row.station] = float("inf")
            coming_back = row.number in (self.of_before or ()) and self._is_young(COMING_BACK_SECONDS)
            return row.if_offline == "reject" and not coming_back
        at_seconds = asyncio.get_running_loop().time()
        if self.settled.get(row.station) == float("inf"):
            self.settled[row.station] = at_seconds + SETTLING_SECONDS
        return at_seconds >= self.settled.get(row.station, 0.0)

    async def _carry_out(self, row: FleetRow, lane: str) -> None:
        try:
            await self._begin_and_end(row)
        except StoreUnavailable as error:
            logger.error("a command of %s waits: %s", row.upstream, error)
            await asyncio.sleep(_STORE_AGAIN_SECONDS)
        finally:
            self.numbers.discard(row.number)
            self.lanes.discard(lane)
            self.site.fleet_commands.wake.announce()

    async def _begin_and_end(self, row: FleetRow) -> None:
        site, key = self.site, (row.upstream, row.id)
        now = site.wall_clock()
        begun = fleet_results.under_way(row.id, row.type, "running", received_at=row.received_at, started_at=now)
        kept = await site.database.write(lambda db: fleet_commands.begin(db, row.number, begun))
        if kept is None:
            return  # ended meanwhile
        say(site, row.upstream, begun, row.correlation)
        named = Command(row.id, row.type, row.station, if_offline=row.if_offline)
        command = fleet_commands.with_body(named, kept) if kept else site.fleet_commands.secret.get(key)
        site.fleet_commands.secret.pop(key, None)
        ended = _LOST if command is None else await self._do(row, command)
        result = await self._store(lambda db: _finish(db, site, row, ended))
        if result is not None:
            self._tell(row, result)

    async def _do(self, row: FleetRow, command: Command) -> Ended:
        logger.info("command %s of %s: %s", row.id, row.upstream, row.type)
        try:
            return await HANDLERS[row.type](Errand(self.site, row, command))
        except StoreUnavailable as error:
            logger.error("what became of a command of %s could not be stored: %s", row.upstream, error)
            words = "the disk refused: whether it was done is unknown"
            return Ended("failed", error=Complaint("store_unavailable", words))
        except Exception as error:
            logger.error("a command of %s (%s) failed", row.upstream, row.type, exc_info=error)
            return Ended("failed", error=Complaint("internal_error", "a fault of the gateway; its log says more"))

    async def _store(self, unit: Callable[[Writing], Result | None]) -> Result | None:
        """Its result, as often as it takes: an end that is not stored would be told as unknown."""
        while True:
            try:
                return await self.site.database.write(unit)
            except StoreUnavailable:
                await asyncio.sleep(_STORE_AGAIN_SECONDS)

    async def _end_all(self, over: list[tuple[FleetRow, Ended]]) -> None:
        """End those that are still as they were."""
        if not over:
            return
        site = self.site

        def unit(db: Writing) -> list[tuple[FleetRow, Result]]:
            return [
                (row, end(db, row, ended, site.wall_clock()))
                for row, ended in over
                if fleet_commands.at(db, row.number) == row
            ]

        for row, result in await site.database.write(unit):
            site.fleet_commands.secret.pop((row.upstream, row.id), None)
            self._tell(row, result)

    def _tell(self, row: FleetRow, result: Result) -> None:
        say(self.site, row.upstream, result, row.correlation)
        self.site.health.counters.increase("fleet_commands_total", status=str(result["status"]))


def _finish(db: Writing, site: Site, row: FleetRow, ended: Ended) -> Result | None:
    """Write how it ended, unless that is done; what is told of it, None: it waits for its station again."""
    now_is = fleet_commands.at(db, row.number)
    if now_is is None or now_is.status == "accepted":
        return None
    return now_is.result if now_is.finished_at is not None else end(db, now_is, ended, site.wall_clock())
