"""Takes the picture of the site that load limits decide from: circuits, limits, connectors, cars, meters, as of now.

What changes rarely (the description of the site, limits for a time, profiles of other people) is surveyed every few
seconds; sessions, statuses, currents and meters are looked at for every picture. Ages are counted on the loop's clock,
so that a jump of the wall clock changes none of them. What follows from a picture is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from gateway.model.circuits import Outlet, TemporaryLimit
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.limiting import Limiting
from gateway.model.meters import Judged
from gateway.model.sessions import Session
from gateway.model.site_picture import ConnectorFacts, MeterReading, MeterTrust, SessionFacts, SitePicture
from gateway.operations.doubt_meters import MeterDoubts
from gateway.operations.known_departures import Departure, in_force_at, known_departures
from gateway.operations.known_profiles import foreign_limit, is_opened
from gateway.operations.limits_for_a_time import limits_now
from gateway.operations.load_now import Draw
from gateway.operations.plan_site import SitePlan, find_plan
from gateway.operations.send_limits import LimitSender
from gateway.operations.site import Site
from gateway.operations.watch_meters import judged
from gateway.rules.meter_trust import amps_by_phase
from gateway.stations.connection import StationConnection
from gateway.store import connectors, transactions
from gateway.store.writing import Writing

_TALKS_WITHIN_SECONDS = 10.0  # a station that connected has told what happened meanwhile by then
_UNKNOWN_SESSION_SECONDS = 30.0  # a start may be told so much later than the status


class Survey(NamedTuple):
    """What changes rarely. `asked`: by station and connector, the limit of profiles that other people have set.

    `opened`: where such a profile may overrule the default profile until the session has a limit of ours.
    `departures`: what is known of when cars leave.
    """

    plan: SitePlan
    limits: tuple[TemporaryLimit, ...]
    asked: Mapping[tuple[StationId, int], float]
    opened: frozenset[tuple[StationId, int]] = frozenset()
    departures: Mapping[tuple[str, int], Departure] = MappingProxyType({})


class Now(NamedTuple):
    """What the store knows this moment: the running session and the status of every connector."""

    sessions: Mapping[tuple[StationId, int], Session]
    statuses: Mapping[tuple[StationId, int], str]


def survey(db: Writing, site: Site, limiting: Mapping[StationId, Limiting], now: Instant) -> Survey:
    """The description of the site, read inside a unit: in the writer's thread, where there is no loop to ask."""
    plan = find_plan(db, site, limiting)
    keys = [(StationId(outlet.station), outlet.connector) for outlet in plan.outlets]
    asked = {key: foreign_limit(db, *key, now) for key in keys}
    opened = frozenset(key for key in keys if is_opened(db, *key, now))
    lower = {key: amps for key, amps in asked.items() if amps is not None}
    return Survey(plan, limits_now(db, site, now), lower, opened, known_departures(db))


def look(db: Writing) -> Now:
    """Sessions and statuses, read inside a unit. A session whose connector has become free since is over for a car."""
    running: dict[tuple[StationId, int], Session] = {}
    for session, free_since in transactions.all_open(db):
        begun = session.start_received_at or session.start_at
        if free_since is None or free_since < begun:
            running[session.station, int(session.connector)] = session
    return Now(running, connectors.all_statuses(db))


@dataclass(slots=True)
class Photographer:
    """Takes pictures, and remembers on the loop's clock since when what it sees there has been so."""

    site: Site
    sender: LimitSender
    _doubts: MeterDoubts = field(init=False)
    _came: dict[StationId, tuple[StationConnection, float, float]] = field(default_factory=dict)
    _session_seen: dict[tuple[StationId, int], tuple[int, float]] = field(default_factory=dict)
    _unexplained_since: dict[tuple[StationId, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._doubts = MeterDoubts(self.site)

    def take(self, survey: Survey, now: Now, *, at_seconds: float, wall: Instant) -> SitePicture:
        """The whole site at this moment."""
        outlets = survey.plan.outlets
        here = {station for outlet in outlets if self._is_heard(station := StationId(outlet.station), at_seconds)}
        keys = {(StationId(outlet.station), outlet.connector) for outlet in outlets}
        for memory in (self._session_seen, self._unexplained_since):
            for gone in memory.keys() - keys:
                del memory[gone]
        return SitePicture(
            at_seconds=at_seconds,
            now=wall,
            circuits=survey.plan.circuits,
            outlets=outlets,
            connectors=tuple(self._facts(outlet, survey, now, here, at_seconds, wall) for outlet in outlets),
            readings=self._readings(survey.plan, at_seconds),
            limits=survey.limits,
        )

    def _is_heard(self, station: StationId, at: float) -> bool:
        """Connected, and it has said something since it came, or has had the time to."""
        connection = self.site.connected.get(station)
        if connection is None:
            self._came.pop(station, None)
            return False
        known = self._came.get(station)
        if known is None or known[0] is not connection:
            known = self._came[station] = (connection, at, connection.last_message_at)
        return connection.last_message_at > known[2] or at - known[1] >= _TALKS_WITHIN_SECONDS

    def _facts(
        self, outlet: Outlet, survey: Survey, now: Now, here: set[StationId], at: float, wall: Instant
    ) -> ConnectorFacts:
        key = (StationId(outlet.station), outlet.connector)
        session, status = now.sessions.get(key), now.statuses.get(key, "Available")
        draw = self.site.load.draws.get(key)
        lease = self.sender.lease_of(*key, self._transaction(outlet, session))
        confirmed = self.sender.fallback_confirmed(outlet) and not (lease is None and key in survey.opened)
        facts = ConnectorFacts(
            station=outlet.station,
            connector=outlet.connector,
            connected=key[0] in here,
            status=status,
            session=None if session is None else self._session(key, session, draw, survey, at, wall),
            measured_amps=None if draw is None else draw.amps,
            measured_age_seconds=0.0 if draw is None else max(0.0, at - draw.loop_seconds),
            lease=lease,
            fallback_confirmed=confirmed,
            asked_amps=survey.asked.get(key),
        )
        return self._explained(key, outlet, facts, at)

    @staticmethod
    def _transaction(outlet: Outlet, session: Session | None) -> int | None:
        return int(session.transaction_id) if session is not None and outlet.mode == "A" else None

    def _session(
        self,
        key: tuple[StationId, int],
        session: Session,
        draw: Draw | None,
        survey: Survey,
        at: float,
        wall: Instant,
    ) -> SessionFacts:
        """Its age is the greater of those by both clocks: an older session is never the safer one."""
        number = int(session.transaction_id)
        seen = self._session_seen.get(key)
        if seen is None or seen[0] != number:
            seen = self._session_seen[key] = (number, at)
        begun = session.start_received_at or session.start_at
        energy = 0.0
        if draw is not None and draw.energy_register_wh is not None and session.meter_start_wh is not None:
            energy = max(0.0, draw.energy_register_wh - session.meter_start_wh)
        leaves_in, wanted_wh = in_force_at(survey.departures.get(key), wall)
        return SessionFacts(str(number), max(at - seen[1], (wall - begun) / SECOND), energy, leaves_in, wanted_wh)

    def _explained(
        self, key: tuple[StationId, int], outlet: Outlet, facts: ConnectorFacts, at: float
    ) -> ConnectorFacts:
        """A connector that says it charges, though no session is known, is taken to draw all it may without limits."""
        if facts.session is not None or facts.status != "Charging" or not facts.connected:
            self._unexplained_since.pop(key, None)
            return facts
        since = self._unexplained_since.setdefault(key, at)
        if at - since < _UNKNOWN_SESSION_SECONDS:
            return facts
        most = outlet.fallback_amps if facts.fallback_confirmed else outlet.max_amps
        drawn = max(facts.measured_amps or (0.0,)) if facts.measured_age_seconds < _UNKNOWN_SESSION_SECONDS else 0.0
        lines = len(outlet.phase_rotation)
        return replace(facts, measured_amps=(max(most, drawn),) * lines, measured_age_seconds=0.0)

    def _readings(self, plan: SitePlan, at: float) -> tuple[MeterReading, ...]:
        configuration = self.site.configuration
        meter_of = {circuit.name: circuit.meter for circuit in configuration.circuits}
        meters = {meter.name: meter for meter in configuration.meters}
        readings = []
        for circuit in plan.circuits:
            meter = meters.get(meter_of.get(circuit.name) or "")
            now = None if meter is None else judged(self.site, meter)
            if meter is not None and now is not None and now.reading is not None and now.age_seconds is not None:
                amps = amps_by_phase(now.reading.measured)
                blind = self._doubts.is_blind(circuit, meter, amps, plan.circuits, plan.outlets, at)
                trust: MeterTrust = "suspect" if blind else _trust(now)
                readings.append(MeterReading(circuit.name, amps, now.age_seconds, trust))
        return tuple(readings)


def _trust(now: Judged) -> MeterTrust:
    return "good" if now.trust in ("fresh", "stale") else "suspect"
