"""The loop of load limits: each second a picture of the site, a decision, and what follows from it.

The decision is a rule (`rules.balance`), the picture is taken by `picture_site`, limits are sent and remembered by
`send_limits`. Here is decided only when: one tick a second, whatever the wall clock does. When the store cannot be read
or written nothing is sent, and what stations were told runs out into their fallbacks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.limiting import Limiting
from gateway.model.load_decision import Decision, Stop
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.limits_for_a_time import time_of_limits
from gateway.operations.load_now import Tick
from gateway.operations.note_clocks import heed_own_clock
from gateway.operations.orders import GATEWAY
from gateway.operations.picture_site import Now, Photographer, Survey, look, survey
from gateway.operations.record_history import record_history
from gateway.operations.record_load import record_load
from gateway.operations.send_limits import LimitSender
from gateway.operations.site import Site
from gateway.operations.tell_load import LoadTeller
from gateway.rules.balance import decide
from gateway.rules.safe_assumptions import hold_seconds
from gateway.store import events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
_SURVEY_SECONDS = 5.0
_STOP_AGAIN_SECONDS = 60.0


async def balance_load(site: Site) -> None:
    """For ever: hold the site's limits. Begins with an empty memory, which is the worst case of everything."""
    sender = LimitSender(site)
    await sender.begin()
    site.load.tick = None
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.run(), name="sending limits")
        balancer = _Balancer(site, sender, Photographer(site, sender), LoadTeller(site), group)
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                await balancer.tick()
            except StoreUnavailable as error:
                logger.debug("no tick: %s", error)
            took = asyncio.get_running_loop().time() - begun
            await asyncio.sleep(max(TICK_SECONDS - took, TICK_SECONDS / 10))


@dataclass(slots=True)
class _Balancer:
    site: Site
    sender: LimitSender
    photographer: Photographer
    teller: LoadTeller
    group: asyncio.TaskGroup
    memory: Memory = field(default_factory=Memory)
    survey: Survey | None = None
    surveyed_at: float = 0.0
    stopped: dict[int, float] = field(default_factory=dict)
    clocks: tuple[Instant, float] | None = None  # of the tick before: the wall's and the loop's

    async def tick(self) -> None:
        """One tick: look, decide, send, tell."""
        wall, loop = time_of_limits(self.site), asyncio.get_running_loop()
        self._heed_clocks(self.site.wall_clock(), loop.time())
        fresh = self.survey is not None and loop.time() - self.surveyed_at < _SURVEY_SECONDS
        known = self.survey if fresh else None
        limiting = self.sender.limiting()
        found, now = await self.site.database.write(lambda db: _read(db, self.site, known, limiting, wall))
        if not fresh:
            self.survey, self.surveyed_at = found, loop.time()
            self._heed_draws(found)
        picture = self.photographer.take(found, now, at_seconds=loop.time(), wall=wall)
        after, decision = decide(picture, self.memory)
        before = self.site.load.tick
        tick = Tick(self.site.wall_clock(), picture, self.memory, after, decision)
        self.memory, self.site.load.tick = after, tick
        self._send(picture, now, decision)
        self.sender.look_at(decision, found.plan)
        for stop in decision.stops:
            self._stop(stop, now, loop.time())
        await self.teller.tell(tick, found.plan.notes)
        await record_load(self.site, before, tick)
        record_history(self.site, tick)

    def _heed_clocks(self, wall: Instant, at: float) -> None:
        before, self.clocks = self.clocks, (wall, at)
        if before is not None:
            passed = (wall - before[0]) / SECOND
            heed_own_clock(self.site.load, wall_seconds=passed, loop_seconds=at - before[1])

    def _heed_draws(self, found: Survey) -> None:
        """From now on, note the draws of these outlets."""
        load = self.site.load
        load.outlets = {(StationId(outlet.station), outlet.connector): outlet for outlet in found.plan.outlets}
        load.notes = found.plan.notes
        for gone in (load.draws.keys() | load.registers.keys()) - load.outlets.keys():
            load.draws.pop(gone, None)
            load.registers.pop(gone, None)

    def _send(self, picture: SitePicture, now: Now, decision: Decision) -> None:
        outlets = {(outlet.station, outlet.connector): outlet for outlet in picture.outlets}
        hold = hold_seconds(picture.outlets)
        for send in decision.sends:
            session = now.sessions.get((StationId(send.station), send.connector))
            transaction_id = None if session is None else int(session.transaction_id)
            outlet = outlets[send.station, send.connector]
            self.sender.hand_over(send, outlet, transaction_id=transaction_id, hold_seconds=hold)

    def _stop(self, stop: Stop, now: Now, at: float) -> None:
        """Ask the station to end a session that overloads a circuit; again after a while, as long as it is decided."""
        session = now.sessions.get((StationId(stop.station), stop.connector))
        self.stopped = {number: since for number, since in self.stopped.items() if at - since < _STOP_AGAIN_SECONDS}
        if session is None or int(session.transaction_id) in self.stopped:
            return
        self.stopped[int(session.transaction_id)] = at
        self.group.create_task(_stop_session(self.site, stop, int(session.transaction_id)), name="stopping a session")


def _read(
    db: Writing, site: Site, known: Survey | None, limiting: Mapping[StationId, Limiting], wall: Instant
) -> tuple[Survey, Now]:
    return survey(db, site, limiting, wall) if known is None else known, look(db)


async def _stop_session(site: Site, stop: Stop, transaction_id: int) -> None:
    logger.warning("%s connector %d: session stopped: %s", stop.station, stop.connector, stop.reason)
    now = site.wall_clock()
    data = {"transaction_id": transaction_id, "reason": stop.reason}

    def unit(db: Writing) -> None:
        events.append(
            db,
            "load.session_stopped",
            station=stop.station,
            connector=stop.connector,
            happened_at=now,
            recorded_at=now,
            data=data,
        )

    try:
        await site.database.write(unit)
        payload = {"transactionId": transaction_id}
        await carry_out(
            site,
            station=stop.station,
            action="RemoteStopTransaction",
            payload=payload,
            actor=GATEWAY,
            of_turn=False,
        )
    except StoreUnavailable as error:
        logger.error("%s connector %d: the stop was not sent: %s", stop.station, stop.connector, error)
