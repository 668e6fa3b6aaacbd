"""Limits on their way to stations: what was sent, what may be in force, how each station is limited, what is next.

`LimitSender` hears of stations' boots and of other people's profiles (`heed_limits`), notices new connections, and
gives each station that has something to be told its turn (`give_limits`): one call at a time, the newest limit first.
Which limit a connector shall have is decided elsewhere (`rules.balance`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.model.load_decision import ConnectorDecision, Decision, Send
from gateway.model.site_picture import LeaseFacts
from gateway.operations.ask_by_itself import may_be_asked
from gateway.operations.give_limits import become, is_due, leave_mode, serve
from gateway.operations.known_limiting import find_told
from gateway.operations.limits_held import Held, Place, Wanted
from gateway.operations.load_now import LimitNews
from gateway.operations.plan_site import SitePlan
from gateway.operations.site import Site
from gateway.rules import sent_limits
from gateway.rules.load_modes import after_behaviour, first_try, has_obeyed
from gateway.rules.safe_assumptions import SETTLE_SECONDS, hold_seconds, tolerated_amps
from gateway.rules.sent_limits import Ledger
from gateway.rules.station_clocks import StationClock
from gateway.store import fallback_profiles, limiting, limits_sent, stations
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # connections are looked at so often, whatever happens
_JUDGED_AFTER_SECONDS = 30.0  # a mode is judged when its limit was accepted so long ago
_ANOTHER_CHANCE_SECONDS = 86_400.0
_IN_USE_AMPS = 1.0  # a line that carries more
_PROOF_SECONDS = 60.0  # a car that comes down later than this may have done so by itself


@dataclass(slots=True)
class LimitSender:
    """Call `begin` first, then `look_at` and `hand_over` with each tick; `run` works for ever."""

    site: Site
    _held: dict[StationId, Held] = field(default_factory=dict)
    _hold: float = 0.0

    async def begin(self) -> None:
        """Load the ledger: after a start, everything in it may be in force, for its whole time from now on."""
        at = _now()
        rows, fallbacks, known, clocks = await self.site.database.write(_find_all)
        for station, ahead_ms in clocks.items():
            self.site.load.clocks.setdefault(station, StationClock(ahead_ms))
        for station, each in known.items():
            self._station(station).limiting = each
        for (station, connector), fallback in fallbacks.items():
            place = self._station(station).place(connector)
            place.fallback, place.fallback_due = fallback, False
        for row in rows:
            place = self._station(row.station).place(row.connector)
            ledger = place.ledgers.get(row.transaction_id, Ledger())
            limit = sent_limits.restored(row.amps, row.lease_seconds, at=at)
            place.ledgers[row.transaction_id] = sent_limits.with_restored(ledger, limit)
        for held in self._held.values():
            if held.known.mode != "A" and any(place.ledgers.keys() - {None} for place in held.places.values()):
                leave_mode(held, "A", now_in=held.known.mode)  # as it was about to when it was stopped

    def limiting(self) -> Mapping[StationId, Limiting]:
        """How each station can be limited, as far as that was found out."""
        self._hear()
        return {station: held.known for station, held in self._held.items()}

    def lease_of(self, station: str, connector: int, transaction_id: int | None) -> LeaseFacts | None:
        """The limits that may be in force: in mode A those of this session, in modes B and C the connector's."""
        self._hear()
        held = self._held.get(StationId(station))
        place = None if held is None else held.places.get(connector)
        if held is None or place is None:
            return None
        of_sessions = (held.pinned or held.known.mode) == "A"
        return place.facts(transaction_id if of_sessions else None, _now())

    def fallback_confirmed(self, outlet: Outlet) -> bool:
        """Does the station hold a fallback that allows no more than the outlet's, nor sooner?"""
        self._hear()
        held = self._held.get(StationId(outlet.station))
        place = None if held is None else held.places.get(outlet.connector)
        if held is None or place is None or place.fallback is None:
            return False
        if place.fallback.amps > outlet.fallback_amps + 1e-6:
            return False
        waits = outlet.mode == "A" and outlet.starts_at_zero
        return not waits or place.fallback.hold_seconds >= round(self._hold)

    def hand_over(self, send: Send, outlet: Outlet, *, transaction_id: int | None, hold_seconds: float) -> None:
        """Send this limit as soon as it can be; it replaces one of the connector that has not gone out."""
        self._hear()
        self._hold = hold_seconds
        held = self._station(StationId(send.station))
        place = held.place(send.connector)
        place.outlet, at = outlet, _now()
        session = transaction_id if held.mode(outlet) == "A" else None
        if place.session_seen[0] != transaction_id:
            place.session_seen, place.cut = (transaction_id, at), None
            place.ledgers = {key: each for key, each in place.ledgers.items() if key in (None, transaction_id)}
        facts = sent_limits.facts_of(place.ledgers.get(session, Ledger()), at=at)
        most = None if facts is None else max(facts.accepted_amps or 0.0, facts.pending_amps or 0.0)
        falls = send.kind == "decrease" or (most is not None and send.amps < most)
        place.wanted = Wanted(send.amps, send.lease_seconds, session, send.number_phases, at, falls)
        place.due = True
        if falls:
            held.not_before = min(held.not_before, at)
        self.site.load.limits_wake.announce()

    def look_at(self, decision: Decision, plan: SitePlan) -> None:
        """Learn the plan; notice who follows its limit and who does not, and try another mode where none is proven."""
        self._hear()
        self._hold = hold_seconds(plan.outlets)
        for outlet in plan.outlets:
            held = self._station(StationId(outlet.station))
            held.place(outlet.connector).learn(outlet, _now())
            held.told = replace(held.told, connectors=len(held.places))
            held.told_due = held.told_due or outlet.mode not in ("D", held.mode(outlet))
        for each in decision.connectors:
            self._judge(each)
        self._try_anew(decision)
        if any(is_due(held, self._hold) for held in self._held.values()):
            self.site.load.limits_wake.announce()

    async def run(self) -> None:
        """For ever: give each station that has something to be told its turn."""
        async with asyncio.TaskGroup() as group:
            while True:
                seen = self.site.load.limits_wake.generation
                self._hear()
                for held in self._ready():
                    held.busy = True
                    group.create_task(self._turn(held), name=f"limits of {held.station}")
                try:
                    async with asyncio.timeout(self._next_look()):
                        await self.site.load.limits_wake.newer_than(seen)
                except TimeoutError:
                    pass

    def _ready(self) -> list[Held]:
        at = _now()
        return [
            held
            for held in self._held.values()
            if not held.busy
            and held.not_before <= at
            and may_be_asked(self.site, held.station)
            and is_due(held, self._hold)
        ]

    def _next_look(self) -> float:
        at = _now()
        waits = [held.not_before - at for held in self._held.values() if held.not_before > at]
        return max(0.01, min([_LOOK_SECONDS, *waits]))

    async def _turn(self, held: Held) -> None:
        try:
            await self._look_at_settings(held.station, held)
            await serve(self.site, held, self._hold)
        except StoreUnavailable as error:
            logger.error("limits of %s wait: %s", held.station, error, extra={"station": held.station})
            held.went_wrong(_now())
        except Exception as error:
            logger.error("limits of %s", held.station, exc_info=error, extra={"station": held.station})
            self.site.health.counters.increase("automatic_faults_total", care="send_limits")
            held.went_wrong(_now())
        finally:
            held.busy = False
            self.site.load.limits_wake.announce()

    def _station(self, station: StationId) -> Held:
        return self._held.setdefault(station, Held(station))

    async def _look_at_settings(self, station: StationId, held: Held) -> None:
        """What the station told, and what a person pinned; what was tried with other settings is tried anew."""
        held.told_due = False
        before, known, mode = held.told, held.known, held.pinned or held.known.mode
        connectors = len(held.places)
        held.told, held.pinned = await self.site.database.write(
            lambda db: find_told(db, self.site, station, connectors=connectors)
        )
        if (held.pinned or known.mode) != mode:
            leave_mode(held, mode, now_in=held.pinned or known.mode)
        first, held.told_read = not held.told_read, True
        if before == held.told or known.proven or (first and held.limiting is not None):
            return
        held.limiting = known
        shape = first_try(held.told)
        old = first_try(before)
        if shape.mode == "D" or (shape.unit, shape.stack_level) != (old.unit, old.stack_level):
            changed = replace(known, unit=shape.unit, stack_level=shape.stack_level)
            await become(self.site, held, shape if shape.mode == "D" else changed)

    def _hear(self) -> None:
        """Take in what has happened: news of the store, and new connections."""
        news, self.site.load.limit_news = self.site.load.limit_news, []
        for each in news:
            self._heard(each)
        at = _now()
        for station, held in self._held.items():
            connection = self.site.connected.get(station)
            if connection is not held.connection:
                held.connection, held.failures, held.not_before = connection, 0, 0.0
                if connection is not None:
                    held.came_at = at
                    for place in held.places.values():
                        place.reconnected(at)

    def _heard(self, news: LimitNews) -> None:
        if news.kind == "removed":
            self._held.pop(news.station, None)
            self.site.load.clocks.pop(news.station, None)
            return
        held, at = self._station(news.station), _now()
        places = [place for number, place in held.places.items() if news.connector in (None, number)]
        match news.kind:
            case "told":
                held.told_due = True
            case "ended":
                for place in places:
                    if news.transaction_id is not None:
                        place.end(news.transaction_id)
            case "booted" | "new_device":
                self._booted(held, places, at, anew=news.kind == "new_device")
            case "fallback_lost":
                for place in places:
                    place.fallback, place.fallback_due, place.refused_fallback = None, True, None
            case "lease_lost":
                for place in places:
                    place.doubt(at)

    def _booted(self, held: Held, places: list[Place], at: float, *, anew: bool) -> None:
        for place in places:
            place.fallback_due, place.fallback_doubted, place.refused_fallback = True, True, None
            place.doubt(at)
            if anew:
                place.fallback = None
        if anew:
            if held.known.mode != "A":
                for place in places:
                    place.wanted, place.due = None, False
            held.limiting, held.told_due, held.clear_ids = None, True, []

    def _judge(self, each: ConnectorDecision) -> None:
        """Did this car follow its limit? Silence, and a limit that may not have arrived, prove nothing."""
        held = self._held.get(StationId(each.station))
        place = None if held is None else held.places.get(each.connector)
        if held is None or place is None or place.outlet is None or held.busy:
            return
        phases = len(each.phases) or place.phases
        if held.known.unit == "W":  # on one phase three times the current is the same power
            phases = sum(amps > _IN_USE_AMPS for amps in each.measured_amps or ()) or phases
            if phases != place.phases and not place.due:
                place.phases = phases
                place.send_again(_now())
        place.phases = phases
        place.draws_amps = max(each.measured_amps or (0.0,))
        at, cut = _now(), place.cut
        if cut is not None and at - cut[2] >= SETTLE_SECONDS / 2 and each.measured_amps is not None:
            drew, cap, since = cut
            least = place.outlet.min_amps
            obeyed = has_obeyed(drew_amps=drew, cap_amps=cap, draws_amps=place.draws_amps, least_amps=least)
            if obeyed or at - since > _PROOF_SECONDS:
                place.cut = None
            if obeyed:
                self._learn(held, obeyed=True)
        ignored = any(_is_ignored(ledger, at, place.draws_amps) for ledger in place.ledgers.values())
        if not each.compliant and ignored:  # a car that has come down late is not believed at once either
            self._learn(held, obeyed=False)

    def _try_anew(self, decision: Decision) -> None:
        """One car's behaviour does not give a station up for ever: another chance when it is idle, ever more rarely."""
        at = _now()
        drawing = {each.station for each in decision.connectors if max(each.measured_amps or (0.0,)) > 0.5}
        for held in self._held.values():
            if held.known.mode != "D" or held.pinned is not None or held.learned is not None:
                held.given_up_at = None
                continue
            if held.given_up_at is None:
                held.given_up_at = at
            waited = at - held.given_up_at >= _ANOTHER_CHANCE_SECONDS * 2 ** min(held.chances, 5)
            anew = first_try(held.told)
            if waited and held.station not in drawing and anew.mode != "D" and may_be_asked(self.site, held.station):
                held.chances, held.learned = held.chances + 1, replace(anew, reason="it gets another chance")
                for place in held.places.values():
                    place.fallback = None  # it may have accepted one and ignored it

    def _learn(self, held: Held, *, obeyed: bool) -> None:
        if held.pinned is not None:
            return
        known = after_behaviour(held.known, held.told, obeyed=obeyed)
        if known is not held.known and known != held.known:
            held.learned = known


def _find_all(
    db: Writing,
) -> tuple[
    list[limits_sent.SentLimit],
    dict[tuple[StationId, int], fallback_profiles.Fallback],
    dict[StationId, Limiting],
    dict[StationId, int],
]:
    clocks = {station: row.clock_offset_ms for station, row in stations.every(db).items() if row.clock_offset_ms}
    return limits_sent.every(db), fallback_profiles.every(db), limiting.every(db), clocks


def _is_ignored(ledger: Ledger, at: float, draws_amps: float) -> bool:
    """Has the station had a limit for certain and for long, which its car exceeds all the same?"""
    held = ledger.accepted
    if held is None or ledger.pending is not None or ledger.under_way is not None:
        return False
    return at - held.answered_at >= _JUDGED_AFTER_SECONDS and draws_amps > tolerated_amps(held.amps)


def _now() -> float:
    return asyncio.get_running_loop().time()
