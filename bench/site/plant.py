"""A charging site of stations, cars, background load and meters, second by second; it knows nothing of the gateway.

What makes it a site and not a sum: cars follow a lower limit after seconds and begin to draw after half a minute,
stations answer late, connector measurements come every ten seconds and the meter two seconds late, leases run out on
the station's own clock. Plain Python; every number of chance is handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

VOLTS = 230.0
METER_VALUES_SECONDS = 10
METER_LATE_SECONDS = 2


@dataclass(slots=True)
class Car:
    """A visit. `lines`: how many of the outlet's lines it can use."""

    connector: int
    arrives: int
    leaves: int
    energy_wh: float
    lines: int = 3
    least_amps: float = 6.0
    most_amps: float = 32.0
    seconds_down: int = 3
    seconds_up: int = 5
    seconds_to_start: int = 15
    obeys: bool = True
    taken_wh: float = 0.0


@dataclass(slots=True)
class Place:
    """A connector of the site: which supply phases feed its lines, the circuits above it, what its station is like."""

    phases: tuple[int, ...]
    circuits: tuple[int, ...]
    most_amps: float = 32.0
    fallback_amps: float = 6.0
    delay_seconds: int = 1
    skew_seconds: int = 0
    offline: tuple[tuple[int, int], ...] = ()
    obeys_phases: bool = True  # charges on as many lines as it is told


@dataclass(slots=True)
class _Station:
    car: Car | None = None
    session: int = 0
    lease: tuple[float, float, int | None] | None = None  # amperes, end, on how many lines
    lines: int = 3  # how many are switched on
    plugged_at: int = 0
    draw: float = 0.0
    follow_at: int | None = None  # when a lower limit is followed
    begin_at: int | None = None  # when a car at rest begins
    ordered: float = 0.0
    under_way: deque[tuple[int, float, float, int, int | None]] = field(default_factory=deque)
    measured: tuple[float, ...] | None = None
    measured_at: int = 0
    on_the_way: deque[tuple[int, int, tuple[float, ...], float, str]] = field(default_factory=deque)
    told_energy: float = 0.0
    told_status: str = "Available"
    told_session: int = 0
    told_since: int = 0
    heard: bool = True  # since it is connected


@dataclass(slots=True)
class Answer:
    """A station's Accepted."""

    connector: int
    session: int
    amps: float
    end: float


class Plant:
    """The site. `step()` moves it by a second.

    A controller may know what stations told (`told_...`, `measured`), the meter, and answers; the draw is for judges.
    """

    def __init__(
        self,
        places: Sequence[Place],
        cars: Sequence[Car],
        background: Sequence[Sequence[tuple[float, float, float]]],
        hold_seconds: float = 1200.0,
    ) -> None:
        """`background`: by circuit, by second (the last value stays), the unmanaged load on each phase."""
        self.places = list(places)
        self.cars = sorted(cars, key=lambda car: (car.arrives, car.connector))
        self.background = background
        self.hold_seconds = hold_seconds
        self.stations = [_Station() for _ in places]
        self.waiting = deque(self.cars)
        self.now = 0
        self.loads = [[0.0, 0.0, 0.0] for _ in background]
        self.shown: deque[list[list[float]]] = deque(maxlen=METER_LATE_SECONDS + 1)
        self.answers: list[Answer] = []

    def step(self) -> None:
        """One second passes."""
        self.answers = []
        while self.waiting and self.waiting[0].arrives <= self.now:
            self._plug_in(self.waiting.popleft())
        loads = [list(self._background(circuit)) for circuit in range(len(self.background))]
        for connector, station in enumerate(self.stations):
            self._station_second(connector, station)
            if station.draw > 0 and station.car is not None:
                phases = self.places[connector].phases[: min(station.car.lines, station.lines)]
                for circuit in self.places[connector].circuits:
                    row = loads[circuit]
                    for phase in phases:
                        row[phase] += station.draw
        self.loads = loads
        self.shown.append(loads)
        self.now += 1

    def meter(self, circuit: int) -> tuple[float, float, float]:
        """What the circuit's meter shows: the load two seconds ago."""
        a, b, c = self.shown[0][circuit]
        return a, b, c

    def online(self, connector: int, second: int | None = None) -> bool:
        """Whether the station is connected, now or in an earlier second."""
        moment = self.now if second is None else second
        return not any(begin <= moment < end for begin, end in self.places[connector].offline)

    def heard(self, connector: int) -> bool:
        """Whether the station is connected and has told its state since."""
        return self.online(connector) and self.stations[connector].heard

    def send(self, connector: int, amps: float, seconds: float, lines: int | None = None) -> None:
        """A limit goes out to the station, for the session the controller knows of, to hold for `seconds`."""
        if self.online(connector):
            station, place = self.stations[connector], self.places[connector]
            end = self.now + seconds
            station.under_way.append((self.now + place.delay_seconds, amps, end, station.told_session, lines))

    def stop(self, connector: int) -> None:
        """The session is ended from afar; the car stays and draws nothing."""
        car = self.stations[connector].car
        if car is not None and self.online(connector):
            car.leaves = min(car.leaves, self.now)

    def _plug_in(self, car: Car) -> None:
        station = self.stations[car.connector]
        if station.car is not None:
            self._unplug(station)
        station.car = car
        station.session += 1
        station.plugged_at = self.now
        station.lease = None
        station.draw = station.ordered = 0.0
        station.follow_at = station.begin_at = None

    @staticmethod
    def _unplug(station: _Station) -> None:
        station.car = None
        station.lease = None
        station.draw = 0.0

    def _background(self, circuit: int) -> tuple[float, float, float]:
        series = self.background[circuit]
        return series[min(self.now, len(series) - 1)]

    def _station_second(self, connector: int, station: _Station) -> None:
        place, car = self.places[connector], station.car
        if car is not None and self.now >= car.leaves:
            self._unplug(station)
            car = None
        while station.under_way and station.under_way[0][0] <= self.now:
            _, amps, end, session, lines = station.under_way.popleft()
            if car is not None and session == station.session and self.online(connector):
                station.lease = (amps, end + place.skew_seconds, lines)
                self.answers.append(Answer(connector, session, amps, end))
        if car is not None:
            self._car_second(place, station, car)
        self._report(connector, station)

    def _limit(self, place: Place, station: _Station) -> float:
        if station.lease is not None:
            amps, end, _ = station.lease
            return amps if self.now < end else place.fallback_amps
        held = self.now < station.plugged_at + self.hold_seconds
        return 0.0 if held else place.fallback_amps

    def _switch_lines(self, place: Place, station: _Station) -> None:
        """A station changes over when nothing is drawn; without a lease it is on all lines."""
        if station.draw == 0:
            lease = station.lease
            told = lease[2] if lease is not None and self.now < lease[1] and place.obeys_phases else None
            station.lines = len(place.phases) if told is None else told

    def _car_second(self, place: Place, station: _Station, car: Car) -> None:
        self._switch_lines(place, station)
        limit = self._limit(place, station) if car.obeys else place.most_amps
        wants = min(limit, car.most_amps, place.most_amps)
        if wants < car.least_amps or car.taken_wh >= car.energy_wh:
            wants = 0.0
        if wants < station.draw:
            station.begin_at = None
            if station.follow_at is None:
                station.follow_at = self.now + car.seconds_down
            if self.now >= station.follow_at or car.taken_wh >= car.energy_wh:
                station.draw, station.follow_at = wants, None
        else:
            station.follow_at = None
            if station.draw == 0 and wants > 0:
                if station.begin_at is None:
                    station.begin_at = self.now + car.seconds_to_start
                if self.now >= station.begin_at:
                    station.draw, station.begin_at = min(wants, car.least_amps), None
            elif wants > station.draw:
                station.draw = min(wants, station.draw + max(1.0, car.most_amps / car.seconds_up))
            else:
                station.begin_at = None
        car.taken_wh += station.draw * VOLTS * min(car.lines, station.lines, len(place.phases)) / 3600.0

    def _report(self, connector: int, station: _Station) -> None:
        place, car = self.places[connector], station.car
        session = station.session if car is not None else 0
        newest = station.on_the_way[-1][1] if station.on_the_way else station.told_session
        if (self.now + connector) % METER_VALUES_SECONDS == 0 or session != newest:
            values, taken, status = self._state(place, station)
            station.on_the_way.append((self.now + place.delay_seconds, session, values, taken, status))
        if not self.online(connector):
            station.heard = False
        while station.on_the_way and station.on_the_way[0][0] <= self.now:
            sent, session, values, taken, status = station.on_the_way.popleft()
            if self.online(connector) and self.online(connector, sent - place.delay_seconds):
                station.heard = True
                station.measured, station.measured_at = values, sent - place.delay_seconds
                station.told_energy, station.told_status = taken, status
                if session != station.told_session:
                    station.told_session, station.told_since = session, self.now

    @staticmethod
    def _state(place: Place, station: _Station) -> tuple[tuple[float, ...], float, str]:
        """What the station tells: amperes by line, energy, status."""
        car = station.car
        if car is None:
            return (0.0,) * len(place.phases), 0.0, "Available"
        values = tuple(
            station.draw if line < min(car.lines, station.lines) else 0.0 for line in range(len(place.phases))
        )
        full = car.taken_wh >= car.energy_wh
        return values, car.taken_wh, "Charging" if station.draw > 0 else "SuspendedEV" if full else "SuspendedEVSE"
