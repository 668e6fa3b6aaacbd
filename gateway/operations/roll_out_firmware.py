"""The loop of firmware rollouts: looks at all campaigns again and again, and has their stations asked.

It keeps nothing that must survive: after a restart it goes on from the rows and from what stations say. Times of states
do not run while the gateway does not, nor when somebody sets the clock. Without campaigns it sleeps.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from gateway.journal_signal import JournalSignal
from gateway.model.identities import StationId
from gateway.model.instants import SECOND
from gateway.operations.ask_for_rollout import ask_for
from gateway.operations.campaign_facts import Noticed
from gateway.operations.decide_rollout import Look, Wanted, look
from gateway.operations.site import Site
from gateway.rules.waiting_time import waiting_seconds
from gateway.store.database import StoreUnavailable

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 5.0
_WAITING_SECONDS = 30.0
_SLEEPING_SECONDS = 600.0
_DEBOUNCE_SECONDS = 2.0
_STEP_MICROS = 5 * SECOND  # a clock that is off by less is being kept right
_MOST_AT_ONCE = 10
_LEAST_WAIT_SECONDS = 60.0
_MOST_WAIT_SECONDS = 3600.0


async def roll_out_firmware(site: Site) -> None:
    """For ever: carry out the campaigns."""
    rollout = _Rollout(site)
    async with asyncio.TaskGroup() as group:
        while True:
            changed, journal = site.rollout.changed.generation, site.journal_signal.generation
            found = await rollout.look()
            for wanted in found.wanted:
                if rollout.may_ask(wanted):
                    rollout.asking.add(wanted.station)
                    group.create_task(rollout.ask(wanted), name=f"rollout to {wanted.station}")
            await _news(site, found, changed=changed, journal=journal)


@dataclass(slots=True)
class _Rollout:
    """What the loop remembers of this life; `not_before`: per station that did not do what it was asked."""

    site: Site
    noticed: Noticed = field(default_factory=Noticed)
    asking: set[StationId] = field(default_factory=set)
    failures: dict[StationId, int] = field(default_factory=dict)
    not_before: dict[StationId, float] = field(default_factory=dict)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))

    async def look(self) -> Look:
        """Everything that changes now; nothing while the store cannot be written."""
        site, at = self.site, asyncio.get_running_loop().time()
        moved, ahead = self._moved(at)
        self.noticed.look(site, at)
        asking = frozenset(self.asking)
        try:
            found = await site.database.write(
                lambda db: look(db, site, self.noticed, asking=asking, moved_micros=moved)
            )
        except StoreUnavailable:
            return Look(is_any=True)
        site.rollout.ahead_micros = ahead
        self.noticed.learn(found.seen)
        return found

    def may_ask(self, wanted: Wanted) -> bool:
        """A station that would not put its connector back is left in peace for a while, longer each time."""
        at = asyncio.get_running_loop().time()
        return wanted.asks.what != "restore" or self.not_before.get(wanted.station, 0.0) <= at

    async def ask(self, wanted: Wanted) -> None:
        """Ask one station for one thing."""
        station = wanted.station
        try:
            async with self.places:
                done = await ask_for(self.site, wanted, self.noticed)
        except StoreUnavailable as error:
            logger.error("the rollout to %s waits: %s", station, error, extra={"station": station})
            done = False
        finally:
            self.asking.discard(station)
        if done:
            self.failures.pop(station, None)
            self.not_before.pop(station, None)
        else:
            self.failures[station] = self.failures.get(station, 0) + 1
            wait = waiting_seconds(self.failures[station], least=_LEAST_WAIT_SECONDS, most=_MOST_WAIT_SECONDS)
            self.not_before[station] = asyncio.get_running_loop().time() + wait

    def _moved(self, at: float) -> tuple[int, int]:
        """(how far the clock was set since the last look, how far it is ahead of the loop's now).

        At the first look of this life: how long the gateway did not run, by the newest time that its journal knows.
        """
        now = self.site.wall_clock()
        ahead = now - round(at * SECOND)
        before, known = self.site.rollout.ahead_micros, self.site.latest_known
        if before is None:
            before = ahead if not known else known - round(at * SECOND)
        moved = ahead - before
        return (moved, ahead) if abs(moved) > _STEP_MICROS else (0, ahead)


async def _news(site: Site, found: Look, *, changed: int, journal: int) -> None:
    """Wait until something happened that campaigns may depend on, or for a while."""
    if not found.is_any:
        await _newer(site.rollout.changed, changed, _SLEEPING_SECONDS)
        return
    await _newer(site.journal_signal, journal, _BUSY_SECONDS if found.under_way else _WAITING_SECONDS)
    await asyncio.sleep(_DEBOUNCE_SECONDS)


async def _newer(signal: JournalSignal, seen: int, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await signal.newer_than(seen)
    except TimeoutError:
        pass
