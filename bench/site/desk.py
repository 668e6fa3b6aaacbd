"""The gateway's engine at a plant: pictures from what stations and meters told, sends back; the ledger in between.

This is what the daemon does around `rules.balance.decide()`, with the plant in place of OCPP and Modbus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.site.plant import Plant
from gateway.model.circuits import Circuit, Outlet, TemporaryLimit
from gateway.model.instants import Instant
from gateway.model.load_decision import Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, MeterReading, SessionFacts, SitePicture
from gateway.rules.balance import decide


@dataclass(slots=True)
class Entry:
    """The ledger's line of one connector."""

    session: int = 0
    accepted: tuple[float, int, float] | None = None  # amperes, when, end
    sent: list[tuple[float, int, float]] = field(default_factory=list)  # not answered: amperes, when, end


@dataclass(slots=True)
class Desk:
    """Decides once a second while it is awake; remembers what it sent."""

    plant: Plant
    circuits: Sequence[Circuit]  # in the order of the plant's
    outlets: Sequence[Outlet]
    limits: Callable[[int], tuple[TemporaryLimit, ...]] = lambda second: ()
    meter_works: Callable[[int], bool] = lambda second: True
    awake: Callable[[int], bool] = lambda second: True
    told: bool = False  # when cars leave and how much they want
    memory: Memory = field(default_factory=Memory)
    ledger: dict[int, Entry] = field(default_factory=dict)
    sends: int = 0
    pauses: int = 0
    stops: int = 0
    last_meter: dict[str, tuple[int, tuple[float, float, float]]] = field(default_factory=dict)
    decision: Decision | None = None
    picture: SitePicture | None = None

    def restart(self) -> None:
        """The program starts again: nothing but the ledger is known, and all of it is unconfirmed."""
        self.memory = Memory()
        for entry in self.ledger.values():
            if entry.accepted is not None:
                entry.sent.insert(0, entry.accepted)
                entry.accepted = None

    def tick(self) -> Decision | None:
        """Hear, decide, send."""
        self._hear()
        if not self.awake(self.plant.now):
            return None
        self.picture = self.look()
        self.memory, self.decision = decide(self.picture, self.memory)
        for send in self.decision.sends:
            entry = self.ledger[send.connector]
            newest = entry.sent[-1][0] if entry.sent else entry.accepted[0] if entry.accepted else 0.0
            self.pauses += send.amps == 0 and newest > 0
            self.sends += 1
            entry.sent.append((send.amps, self.plant.now, self.plant.now + send.lease_seconds))
            self.plant.send(send.connector, send.amps, send.lease_seconds, send.number_phases)
        for stop in self.decision.stops:
            self.stops += 1
            self.plant.stop(stop.connector)
        return self.decision

    def look(self) -> SitePicture:
        """The picture of this second."""
        now = self.plant.now
        readings = []
        for place, circuit in enumerate(self.circuits):
            if circuit.metered and self.plant.shown:
                if self.meter_works(now):
                    self.last_meter[circuit.name] = (now, self.plant.meter(place))
                if circuit.name in self.last_meter:
                    at, amps = self.last_meter[circuit.name]
                    readings.append(MeterReading(circuit.name, amps, float(now - at)))
        facts = tuple(self._facts(outlet) for outlet in self.outlets)
        return SitePicture(
            float(now),
            Instant(now * 1_000_000),
            tuple(self.circuits),
            tuple(self.outlets),
            facts,
            tuple(readings),
            self.limits(now),
        )

    def _hear(self) -> None:
        for answer in self.plant.answers:
            entry = self.ledger.get(answer.connector)
            if entry is not None and entry.session == answer.session and entry.sent:
                sent = [each for each in entry.sent if (each[0], each[2]) == (answer.amps, answer.end)]
                if sent:
                    del entry.sent[: entry.sent.index(sent[0]) + 1]
                    entry.accepted = (answer.amps, self.plant.now, answer.end)
        for outlet in self.outlets:
            session = self.plant.stations[outlet.connector].told_session
            if self.ledger.setdefault(outlet.connector, Entry()).session != session:
                self.ledger[outlet.connector] = Entry(session)

    def _facts(self, outlet: Outlet) -> ConnectorFacts:
        now, station = self.plant.now, self.plant.stations[outlet.connector]
        entry = self.ledger[outlet.connector]
        session = None
        if station.told_session:
            name = str(station.told_session)
            session = SessionFacts(name, float(now - station.told_since), station.told_energy)
            if self.told and station.car is not None:
                leaves, wanted = float(station.car.leaves - now), station.car.energy_wh
                session = replace(session, departure_in_seconds=leaves, wanted_wh=wanted)
        lease = None
        if entry.sent or entry.accepted is not None:
            ends = [end for _, _, end in entry.sent] + ([entry.accepted[2]] if entry.accepted else [])
            lease = LeaseFacts(
                accepted_amps=entry.accepted[0] if entry.accepted else None,
                accepted_age_seconds=float(now - entry.accepted[1]) if entry.accepted else 0.0,
                pending_amps=max(amps for amps, _, _ in entry.sent) if entry.sent else None,
                pending_age_seconds=float(now - entry.sent[-1][1]) if entry.sent else 0.0,
                first_end_in_seconds=min(ends) - now,
                ends_in_seconds=max(ends) - now,
            )
        return ConnectorFacts(
            station=outlet.station,
            connector=outlet.connector,
            connected=self.plant.heard(outlet.connector),
            status=station.told_status,
            session=session,
            measured_amps=station.measured,
            measured_age_seconds=float(now - station.measured_at),
            lease=lease,
        )
