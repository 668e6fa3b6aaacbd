"""A day played with one controller, and its figures: energy, fairness, overload by the second, commands, pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench.site.days import Day
from bench.site.desk import Desk
from bench.site.plant import Plant
from bench.site.rivals import Slices, Static, WorstPhase
from bench.site.yardstick import jain, percentile

TRIP_SHARE = 1.13  # of the nominal current: below it a breaker never trips


class Controller(Protocol):
    """Who decides; `sends` and `pauses` count."""

    sends: int
    pauses: int

    def tick(self) -> object:
        """One second."""


@dataclass(slots=True)
class Overload:
    """How long and how far a circuit was over its limit."""

    seconds: int = 0
    longest: int = 0
    longest_trip: int = 0
    most_amps: float = 0.0
    running: int = 0
    running_trip: int = 0

    def note(self, excess: float, trip: bool) -> None:
        """One more second."""
        over = excess > 0.05
        self.running = self.running + 1 if over else 0
        self.running_trip = self.running_trip + 1 if trip else 0
        self.seconds += over
        self.longest = max(self.longest, self.running)
        self.longest_trip = max(self.longest_trip, self.running_trip)
        self.most_amps = max(self.most_amps, excess)


@dataclass(slots=True)
class Result:
    """The figures of one day. `energy` and `shares` are parts of what was asked for."""

    day: str
    controller: str
    energy: float
    shares: list[float]
    main: Overload
    boards: Overload
    sends_per_hour: float
    pauses_per_session: float
    loads: list[float] = field(default_factory=list)  # every minute, the fullest phase of main
    backgrounds: list[float] = field(default_factory=list)

    @property
    def p5(self) -> float:
        """What the worst served twentieth got at most."""
        return percentile(self.shares, 5)

    @property
    def fairness(self) -> float:
        """Jain's index over sessions."""
        return jain(self.shares)


def ours(day: Day, plant: Plant) -> Desk:
    """The gateway's engine."""
    return Desk(plant, day.circuits, day.outlets)


MAKERS: dict[str, Callable[[Day, Plant], Controller]] = {
    "static": Static,
    "worst phase": WorstPhase,
    "slices": Slices,
    "ours": ours,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong: `day` changes the site, `desk` the gateway."""

    name: str
    day: Callable[[Day], Day] = lambda day: day
    desk: Callable[[Desk, Day], None] = lambda desk, day: None
    restart_at: Callable[[Day], int | None] = lambda day: None


def play(day: Day, controller: str, fault: Fault | None = None) -> Result:
    """Play the day; the first fault of the site is in its places already."""
    if fault is not None:
        day = fault.day(day)
    plant = day.plant()
    made = MAKERS[controller](day, plant)
    restart_at = None
    if fault is not None and isinstance(made, Desk):
        fault.desk(made, day)
        restart_at = fault.restart_at(day)
    main, boards, plugged = Overload(), Overload(), 0
    loads, backgrounds = [], []
    fuses = [circuit.limit_amps[0] for circuit in day.circuits]
    for second in range(day.seconds):
        plant.step()
        if second == restart_at and isinstance(made, Desk):
            made.restart()
        made.tick()
        worst = max(plant.loads[0])
        main.note(worst - fuses[0], worst > fuses[0] * TRIP_SHARE)
        worst_board = max(max(plant.loads[1]) - fuses[1], max(plant.loads[2]) - fuses[2])
        boards.note(worst_board, worst_board > fuses[1] * (TRIP_SHARE - 1))
        plugged += sum(station.car is not None for station in plant.stations)
        if second % 60 == 0:
            loads.append(worst)
            backgrounds.append(max(day.background[0][second]))
    asked = sum(car.energy_wh for car in plant.cars)
    return Result(
        day.name,
        controller if fault is None else fault.name,
        sum(min(car.taken_wh, car.energy_wh) for car in plant.cars) / asked,
        [min(1.0, car.taken_wh / car.energy_wh) for car in plant.cars],
        main,
        boards,
        made.sends / (plugged / 3600),
        made.pauses / len(plant.cars),
        loads,
        backgrounds,
    )


def _seconds(day: Day, hour: float) -> int:
    return int(hour * 3600) - day.begin


def _kill(desk: Desk, day: Day) -> None:
    at = _seconds(day, 11)
    desk.awake = lambda second: second < at


def _mute(desk: Desk, day: Day) -> None:
    begin = _seconds(day, 11)
    desk.meter_works = lambda second: not begin <= second < begin + 1200


def _six_offline(day: Day) -> Day:
    begin = _seconds(day, 11)
    places = [
        replace(place, offline=((begin, begin + 3600),)) if number % 4 == 1 else place
        for number, place in enumerate(day.places)
    ]
    return replace(day, places=places)


def _two_ignore(day: Day) -> Day:
    long = sorted(day.cars, key=lambda car: -car.energy_wh)[:2]
    cars = [replace(car, obeys=not any(car is each for each in long)) for car in day.cars]
    return replace(day, cars=cars)


FAULTS = (
    Fault("gateway killed at 11:00", desk=_kill),
    Fault("gateway restarted at 11:00, only the ledger left", restart_at=lambda day: _seconds(day, 11)),
    Fault("meter silent for 20 minutes", desk=_mute),
    Fault("six stations offline for an hour", day=_six_offline),
    Fault("two cars ignore their limit", day=_two_ignore),
)
