"""What the picture of the site says: who is there, how old a session is, what draws without one, what meters tell."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from gateway.configuration import Meter, TcpTransport
from gateway.meters.latest import Latest
from gateway.model.circuits import Circuit, Outlet
from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import SECOND, Instant
from gateway.model.meters import Measured
from gateway.model.sessions import Session
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, SitePicture
from gateway.operations import picture_site
from gateway.operations.known_departures import Departure
from gateway.operations.load_now import Draw, LoadNow
from gateway.operations.picture_site import Now, Photographer, Survey

CP = StationId("CP")
OUTLET = Outlet("CP", 1, "main")
MAIN = Circuit("main", (32.0, 32.0, 32.0), metered=True)
WALL = Instant(1_800_000_000 * SECOND)
SESSION = Session(
    TransactionId(7), CP, ConnectorId(1), "TAG", FoldedTag("tag"), None, "Accepted", Instant(WALL - 50 * SECOND),
    1000, "m", None, None, None, (), Instant(WALL - 40 * SECOND),
)  # fmt: skip


class Remembering:
    """Stands where limits are sent from: what it was told about leases."""

    def __init__(self) -> None:
        self.leases: dict[int | None, LeaseFacts] = {}
        self.confirmed = True

    def lease_of(self, station: StationId, connector: int, transaction_id: int | None) -> LeaseFacts | None:
        return self.leases.get(transaction_id)

    def fallback_confirmed(self, outlet: Outlet) -> bool:
        return self.confirmed


class Scene:
    """One station with one connector, and a camera in front of it."""

    def __init__(self) -> None:
        self.connections: dict[StationId, Any] = {}
        self.load, self.sender = LoadNow(), Remembering()
        self.meters = Latest()
        self.configuration = SimpleNamespace(circuits=(), meters=())
        site: Any = SimpleNamespace(
            connected=self.connections, load=self.load, meters=self.meters, configuration=self.configuration
        )
        sender: Any = self.sender
        self.camera = Photographer(site, sender)
        self.outlet = OUTLET
        self.sessions: dict[tuple[StationId, int], Session] = {}
        self.status = "Available"
        self.asked: dict[tuple[StationId, int], float] = {}
        self.opened: frozenset[tuple[StationId, int]] = frozenset()
        self.departures: dict[tuple[str, int], Departure] = {}

    def come(self, last_message_at: float) -> None:
        self.connections[CP] = SimpleNamespace(last_message_at=last_message_at)

    def taken(self, at: float, wall: Instant = WALL) -> SitePicture:
        plan: Any = SimpleNamespace(circuits=(MAIN,), outlets=(self.outlet,))
        now = Now(self.sessions, {(CP, 1): self.status})
        return self.camera.take(
            Survey(plan, (), self.asked, self.opened, self.departures), now, at_seconds=at, wall=wall
        )

    def facts(self, at: float, wall: Instant = WALL) -> ConnectorFacts:
        (facts,) = self.taken(at, wall).connectors
        return facts


def test_a_station_counts_as_there_when_it_has_said_something_since_it_came() -> None:
    scene = Scene()
    assert not scene.facts(100.0).connected
    scene.come(100.5)
    assert not scene.facts(101.0).connected, "it may have a stop to tell yet"
    scene.connections[CP].last_message_at = 101.2
    assert scene.facts(102.0).connected
    scene.come(102.5)
    assert not scene.facts(103.0).connected, "a new connection begins anew"
    assert scene.facts(113.0).connected, "it had time to speak"
    del scene.connections[CP]
    assert not scene.facts(114.0).connected


def test_a_session_is_as_old_as_the_older_clock_says() -> None:
    scene = Scene()
    scene.sessions[CP, 1] = SESSION
    session = scene.facts(100.0).session
    assert session is not None and (session.session, session.age_seconds) == ("7", 40.0)
    back = scene.facts(160.0, Instant(WALL - 3600 * SECOND)).session
    assert back is not None and back.age_seconds == 60.0, "the wall clock went back an hour"
    forth = scene.facts(161.0, Instant(WALL + 3600 * SECOND)).session
    assert forth is not None and forth.age_seconds == 3640.0
    scene.sessions[CP, 1] = SESSION._replace(transaction_id=TransactionId(8), start_received_at=WALL)
    next_one = scene.facts(162.0).session
    assert next_one is not None and next_one.age_seconds == 0.0


def test_what_is_known_of_a_departure_is_told_of_the_session_until_it_is_past() -> None:
    scene = Scene()
    scene.sessions[CP, 1] = SESSION
    scene.departures = {(CP, 1): Departure(Instant(WALL + 600 * SECOND), 9000.0)}
    session = scene.facts(100.0).session
    assert session is not None and (session.departure_in_seconds, session.wanted_wh) == (600.0, 9000.0)
    session = scene.facts(800.0, Instant(WALL + 700 * SECOND)).session
    assert session is not None and session.departure_in_seconds is None


def test_currents_energy_leases_and_wishes_of_people_are_told() -> None:
    scene = Scene()
    scene.sessions[CP, 1], scene.asked[CP, 1] = SESSION, 9.0
    scene.sender.leases = {7: LeaseFacts(10.0), None: LeaseFacts(20.0)}
    scene.load.draws[CP, 1] = Draw((9.0, 9.1, 9.2), 98.0, energy_register_wh=4500.0)
    facts = scene.facts(100.0)
    assert (facts.measured_amps, facts.measured_age_seconds) == ((9.0, 9.1, 9.2), 2.0)
    assert facts.session is not None and facts.session.energy_wh == 3500.0
    assert (facts.asked_amps, facts.lease) == (9.0, LeaseFacts(10.0))
    scene.outlet = Outlet("CP", 1, "main", mode="B")
    assert scene.facts(101.0).lease == LeaseFacts(20.0), "that of the connector, whatever the session"


def test_who_charges_without_a_session_for_long_counts_with_all_it_may() -> None:
    scene = Scene()
    scene.come(90.0)
    scene.connections[CP].last_message_at = 91.0
    scene.status = "Charging"
    assert not scene.facts(99.0).connected
    scene.connections[CP].last_message_at = 99.5
    scene.facts(100.0)
    assert scene.facts(129.0).measured_amps is None, "its start may be on the way"
    assert scene.facts(130.0).measured_amps == (6.0, 6.0, 6.0)
    scene.load.draws[CP, 1] = Draw((14.0, 0.0, 0.0), 131.0)
    assert scene.facts(132.0).measured_amps == (14.0, 14.0, 14.0)
    scene.sender.confirmed = False
    assert scene.facts(133.0).measured_amps == (32.0, 32.0, 32.0)
    scene.sessions[CP, 1] = SESSION
    assert scene.facts(134.0).measured_amps == (14.0, 0.0, 0.0)


async def test_a_reading_is_that_of_the_circuit_whose_meter_it_is() -> None:
    scene = Scene()
    meter = Meter("grid", "eastron_sdm630", TcpTransport("127.0.0.1"))
    scene.configuration.meters = (meter,)
    scene.configuration.circuits = (SimpleNamespace(name="main", meter="grid", limit_amps=(32.0,) * 3),)
    assert scene.taken(100.0).readings == ()
    measured = Measured(amps=(10.0, -3.0, 0.0), volts=(230.0, 230.0, 230.0))
    at = asyncio.get_running_loop().time()
    scene.meters.succeeded("grid", measured, wall=WALL, loop_seconds=at)
    (reading,) = scene.taken(at).readings
    assert (reading.circuit, reading.amps, reading.trust) == ("main", (10.0, -3.0, 0.0), "good")
    scene.configuration.circuits = (SimpleNamespace(name="main", meter=None, limit_amps=(32.0,) * 3),)
    assert scene.taken(at).readings == ()


def test_what_is_neither_fresh_nor_a_little_old_is_suspect() -> None:
    measured = Measured(amps=(10.0, -3.0, 0.0), volts=(230.0, 230.0, 230.0))
    assert [picture_site._trust(judged_with(measured, trust)) for trust in ("fresh", "stale", "frozen")] == [
        "good", "good", "suspect",
    ]  # fmt: skip


def judged_with(measured: Measured, trust: Any = "fresh") -> Any:
    return SimpleNamespace(reading=SimpleNamespace(measured=measured), trust=trust, age_seconds=1.0)


def test_a_profile_of_others_that_opens_a_session_counts_until_there_is_a_limit_of_ours() -> None:
    scene = Scene()
    scene.sessions[CP, 1] = SESSION
    scene.opened = frozenset({(CP, 1)})
    assert not scene.facts(100.0).fallback_confirmed, "the wait at 0 A does not hold"
    scene.sender.leases = {7: LeaseFacts(10.0)}
    assert scene.facts(101.0).fallback_confirmed
