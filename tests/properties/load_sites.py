"""Random sites for the properties of load limits: trees, phases, cars, faults; and how they are played.

The plant is the bench's: it knows nothing of the gateway, so what it measures is a judgement from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from bench.site.desk import Desk
from bench.site.plant import Car, Place, Plant
from gateway.model.circuits import Circuit, Outlet, circuits_above, supply_phases
from gateway.model.load_decision import Decision
from gateway.rules.safe_assumptions import check_fallbacks

ROTATIONS = ("123", "132", "213", "231", "312", "321", "1", "2", "3")


@dataclass(slots=True)
class PlayedSite:
    """A site, its plant and the gateway's desk."""

    circuits: tuple[Circuit, ...]
    outlets: tuple[Outlet, ...]
    plant: Plant
    desk: Desk
    restarts: frozenset[int] = frozenset()

    def play(self, seconds: int, look: Callable[[int, Decision | None], None]) -> None:
        """Let seconds pass; `look` sees the plant after each, and what was decided (None: nobody was there)."""
        for second in range(seconds):
            self.plant.step()
            if second in self.restarts:
                self.desk.restart()
            look(second, self.desk.tick())


def random_site(chance: Random, *, faults: bool, metered: bool = False) -> PlayedSite:
    """A site whose fallbacks fit (statement S2), with its background at its bound or, metered, below it."""
    circuits = _random_circuits(chance, metered=metered)
    known = {circuit.name: circuit for circuit in circuits}
    outlets = [
        Outlet(
            station=f"CP{connector}",
            connector=connector,
            circuit=chance.choice(circuits).name,
            phase_rotation=chance.choice(ROTATIONS),
            max_amps=chance.choice((16.0, 32.0)),
            fallback_amps=chance.choice((0.0, 6.0, 8.0)),
            priority=chance.choice((0, 0, 1)),
            weight=chance.choice((1.0, 1.0, 2.0)),
            no_resume=chance.random() < 0.1,
            step_amps=chance.choice((0.1, 1.0)),
        )
        for connector in range(chance.randint(1, 8))
    ]
    to_zero = set(check_fallbacks(circuits, outlets).to_zero)
    outlets = [replace(outlet, fallback_amps=0.0) if outlet.key in to_zero else outlet for outlet in outlets]
    outlets = [replace(outlet, switches_phases=chance.random() < 0.5) for outlet in outlets]
    places = [
        Place(
            phases=supply_phases(outlet.phase_rotation),
            circuits=tuple(circuits.index(known[name]) for name in circuits_above(known, outlet.circuit)),
            most_amps=outlet.max_amps,
            fallback_amps=outlet.fallback_amps,
            delay_seconds=chance.choice((0, 1, 2, 8)),
            skew_seconds=chance.choice((-20, 0, 0, 20)) if faults else 0,
            offline=_times(chance, 0.3) if faults else (),
        )
        for outlet in outlets
    ]
    background = [[circuit.background_worst_amps] for circuit in circuits]
    plant = Plant(places, [_random_car(chance, outlets) for _ in range(chance.randint(1, 14))], background)
    dead = _times(chance, 0.5) if faults else ()
    desk = Desk(plant, circuits, outlets, awake=lambda second: not any(a <= second < b for a, b in dead))
    desk.told = chance.random() < 0.3
    restarts = {chance.randrange(2400) for _ in range(chance.randint(0, 3))} | {end for _, end in dead}
    return PlayedSite(circuits, tuple(outlets), plant, desk, frozenset(restarts) if faults else frozenset())


def switching_site(chance: Random, *, faults: bool, obeys: bool = True) -> PlayedSite:
    """Phases of unequal room and outlets that switch: there is often room on one line and none on three."""
    limits = [chance.choice((16.0, 25.0, 40.0)), chance.choice((4.0, 12.0, 12.0)), chance.choice((12.0, 16.0))]
    chance.shuffle(limits)
    circuits = (Circuit("main", (limits[0], limits[1], limits[2])),)
    outlets = tuple(
        Outlet(
            f"CP{number}",
            number,
            "main",
            chance.choice(("123", "231", "312", "1", "2")),
            fallback_amps=0.0,
            switches_phases=True,
        )
        for number in range(chance.randint(2, 6))
    )
    places = [
        Place(
            supply_phases(outlet.phase_rotation),
            (0,),
            fallback_amps=0.0,
            delay_seconds=chance.choice((0, 1, 2, 8)),
            offline=_times(chance, 0.4) if faults else (),
            obeys_phases=obeys,
        )
        for outlet in outlets
    ]
    cars = [_random_car(chance, list(outlets)) for _ in range(chance.randint(2, 10))]
    plant = Plant(places, cars, [[(0.0, 0.0, 0.0)]])
    dead = _times(chance, 0.5) if faults else ()
    desk = Desk(plant, circuits, outlets, awake=lambda second: not any(a <= second < b for a, b in dead))
    restarts = frozenset({chance.randrange(3000), *(end for _, end in dead)}) if faults else frozenset()
    return PlayedSite(circuits, outlets, plant, desk, restarts)


def _random_circuits(chance: Random, *, metered: bool) -> tuple[Circuit, ...]:
    circuits: list[Circuit] = []
    below: dict[str, float] = {}
    for number in range(chance.randint(1, 4)):
        parent = chance.choice(circuits).name if circuits else None
        limit = chance.choice((16.0, 25.0, 32.0, 40.0, 63.0))
        own = chance.choice((0.0, 0.0, 4.0, 7.5))
        circuits.append(Circuit(f"c{number}", (limit, limit - chance.choice((0.0, 3.0)), limit), parent, metered))
        for name in circuits_above({circuit.name: circuit for circuit in circuits}, f"c{number}"):
            below[name] = below.get(name, 0.0) + own
    return tuple(_with_background(circuit, below[circuit.name]) for circuit in circuits)


def _with_background(circuit: Circuit, amps: float) -> Circuit:
    """The background is never more than the fuse carries."""
    a, b, c = circuit.limit_amps
    limit = (max(a, amps + 3.0), max(b, amps + 3.0), max(c, amps + 3.0))
    return replace(circuit, limit_amps=limit, background_worst_amps=(amps, amps, amps))


def _random_car(chance: Random, outlets: list[Outlet]) -> Car:
    outlet = chance.choice(outlets)
    arrives = chance.randrange(1800)
    return Car(
        connector=outlet.connector,
        arrives=arrives,
        leaves=arrives + chance.randint(60, 3000),
        energy_wh=chance.choice((100.0, 800.0, 30000.0)),
        lines=chance.randint(1, 3),
        least_amps=chance.choice((6.0, 6.0, 8.0)),
        most_amps=chance.choice((8.0, 16.0, 32.0)),
        seconds_down=chance.randint(0, 5),
        seconds_up=chance.randint(1, 10),
        seconds_to_start=chance.randint(0, 40),
    )


def _times(chance: Random, likely: float) -> tuple[tuple[int, int], ...]:
    if chance.random() > likely:
        return ()
    begin = chance.randrange(1500)
    return ((begin, begin + chance.choice((5, 120, 700, 1500))),)
