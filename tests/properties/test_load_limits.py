"""Statements that load limits keep on every site: played against a plant that knows nothing of the gateway."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.site.desk import Desk
from bench.site.plant import Car, Place, Plant
from gateway.model.circuits import Circuit, Outlet, TemporaryLimit, circuits_above
from gateway.model.load_decision import Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.rules.balance import decide
from gateway.rules.safe_assumptions import check_fallbacks
from tests.properties.examples import examples
from tests.properties.load_sites import PlayedSite, random_site, switching_site

HAIR = 1e-6
seeds = st.integers(min_value=0, max_value=2**32)


def overloads(site: PlayedSite) -> list[str]:
    """Circuits that carry more than the installer allows."""
    return [
        f"{circuit.name}: {load} of {circuit.limit_amps}"
        for circuit, load in zip(site.circuits, site.plant.loads, strict=True)
        if any(amps > limit + HAIR for amps, limit in zip(load, circuit.limit_amps, strict=True))
    ]


def underestimated(site: PlayedSite, decision: Decision) -> list[str]:
    """Connectors that draw more than was assumed as their worst case."""
    return [
        f"{each.station} draws {draw}, assumed {each.worst_amps}"
        for each in decision.connectors
        if (draw := site.plant.stations[each.connector].draw) > each.worst_amps + HAIR
    ]


@settings(max_examples=examples(3, least=1), deadline=None, derandomize=True)
@given(seeds)
def test_s1_to_s5_no_circuit_is_overloaded_whatever_fails(seed: int) -> None:
    """Stations silent for minutes, the gateway dead or restarted, clocks apart, cars of all kinds: never a second."""
    site = random_site(Random(seed), faults=True)

    def look(second: int, decision: Decision | None) -> None:
        assert not overloads(site), second
        if decision is not None:
            assert not underestimated(site, decision), second

    site.play(3000, look)


@pytest.mark.slow
@settings(max_examples=3, deadline=None, derandomize=True)
@given(seeds)
def test_s1_allotted_and_background_stay_within_every_limit(seed: int) -> None:
    """The sum is made here anew from the worst case of each connector, by its wiring alone."""
    site = random_site(Random(seed), faults=False)
    known = {circuit.name: circuit for circuit in site.circuits}

    def look(second: int, decision: Decision | None) -> None:
        assert decision is not None and decision.within_limits
        for circuit in site.circuits:
            for phase in (1, 2, 3):
                allotted = sum(
                    each.worst_amps
                    for each, outlet in zip(decision.connectors, site.outlets, strict=True)
                    if phase in each.phases and circuit.name in circuits_above(known, outlet.circuit)
                )
                assert allotted + circuit.background_worst_amps[phase - 1] <= circuit.limit_amps[phase - 1] + HAIR
        assert all(
            each.cap_amps <= outlet.max_amps for each, outlet in zip(decision.connectors, site.outlets, strict=True)
        )

    site.play(900, look)


@pytest.mark.slow
def test_sites_that_switch_between_one_line_and_three_are_never_overloaded() -> None:
    """With and without faults; and cars do charge on one line there."""
    charged_on_one = 0

    def look(second: int, decision: Decision | None) -> None:
        nonlocal charged_on_one
        assert not overloads(site), (seed, second)
        charged_on_one += sum(each.lines == 1 and each.draw > 0 for each in site.plant.stations)
        if decision is not None:
            assert not underestimated(site, decision), (seed, second)
            assert site.restarts or decision.within_limits, (seed, second)

    for seed in range(4):
        site = switching_site(Random(seed), faults=seed % 2 == 0)
        site.play(2000, look)
    assert charged_on_one > 100


@pytest.mark.slow
def test_a_station_that_says_yes_to_one_line_and_stays_on_three_is_noticed() -> None:
    """Its car loads lines that nobody counted until it is measured: that ends, and does not come again."""
    lasting = longest = 0

    def look(second: int, decision: Decision | None) -> None:
        nonlocal lasting, longest
        lasting = lasting + 1 if overloads(site) else 0
        longest = max(longest, lasting)

    for seed in (1, 3, 5):
        site = switching_site(Random(seed), faults=False, obeys=False)
        site.play(1500, look)
    assert 0 < longest <= 30


def test_a_car_charges_on_one_line_while_another_fills_a_phase_and_then_on_three_again() -> None:
    circuit = Circuit("main", (32.0, 12.0, 32.0))
    outlets = (
        Outlet("CP0", 0, "main", fallback_amps=0.0, switches_phases=True),
        Outlet("CP1", 1, "main", phase_rotation="2", fallback_amps=0.0, priority=1),
    )
    places = [Place((0, 1, 2), (0,), fallback_amps=0.0), Place((1,), (0,), fallback_amps=0.0)]
    cars = [Car(0, arrives=50, leaves=9000, energy_wh=90000.0), Car(1, arrives=10, leaves=900, energy_wh=9000.0)]
    plant = Plant(places, cars, [[(0.0, 0.0, 0.0)]])
    site = PlayedSite((circuit,), outlets, plant, Desk(plant, [circuit], outlets))
    charged: list[tuple[int, float]] = []

    def look(second: int, decision: Decision | None) -> None:
        assert not overloads(site), second
        if decision is not None:
            assert not underestimated(site, decision) and decision.within_limits, second
        station = site.plant.stations[0]
        if station.draw > 0 and (not charged or charged[-1][0] != station.lines):
            charged.append((station.lines, second))

    site.play(2200, look)
    assert [lines for lines, _ in charged] == [1, 3]
    assert charged[0][1] < 250 and 1500 < charged[1][1] < 1800
    assert site.plant.stations[0].draw == 11.5


@settings(max_examples=examples(3, least=1), deadline=None, derandomize=True)
@given(seeds)
def test_a_rise_of_the_background_is_answered_within_30_seconds(seed: int) -> None:
    chance = Random(seed)
    site = random_site(chance, faults=False, metered=True)
    height = [[0.0, 0.0, 0.0] for _ in site.circuits]
    for place, series in enumerate(site.plant.background):
        worst = series[0]
        series.clear()  # type: ignore[attr-defined]
        for second in range(2000):
            if second % 200 == 0:
                height[place] = [chance.uniform(0, amps) for amps in worst]
            series.append(tuple(height[place]))  # type: ignore[attr-defined]
    lasting = 0

    def look(second: int, decision: Decision | None) -> None:
        nonlocal lasting
        lasting = lasting + 1 if overloads(site) else 0
        assert lasting <= 30, second

    site.play(1000, look)


@settings(max_examples=examples(3, least=1), deadline=None, derandomize=True)
@given(seeds)
def test_the_same_picture_gives_the_same_decision_in_any_order_and_after_json(seed: int) -> None:
    chance = Random(seed)
    site = random_site(chance, faults=True, metered=chance.random() < 0.5)
    site.desk.limits = lambda second: (TemporaryLimit("c0", (12.0, 9.5, 14.0), "fleet", None),) * (second > 200)
    before = Memory()

    def look(second: int, decision: Decision | None) -> None:
        nonlocal before
        if decision is None:
            return
        picture, memory = site.desk.picture, before if second not in site.restarts else Memory()
        assert picture is not None
        recorded = msgspec.json.decode(msgspec.json.encode(picture), type=SitePicture)
        remembered = msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
        assert (recorded, remembered) == (picture, memory)
        assert decide(shuffled(recorded, chance), remembered) == (site.desk.memory, decision)
        before = site.desk.memory

    site.play(500, look)


@pytest.mark.parametrize("death", [400, 730, 1010])
def test_s3_when_the_gateway_dies_every_limit_falls_before_one_rises(death: int) -> None:
    """Two cars have less than their fallback, one has much more: they must not rise to it while that one has it."""
    circuit = Circuit("main", (25.0, 25.0, 25.0))
    outlets = [Outlet(f"CP{n}", n, "main", fallback_amps=8.0, weight=1.0 if n else 4.0) for n in range(3)]
    assert check_fallbacks([circuit], outlets).fits
    cars = [Car(n, arrives=200 - 90 * n, leaves=9000, energy_wh=90000.0) for n in range(3)]
    plant = Plant([Place((0, 1, 2), (0,), 32.0, 8.0) for _ in outlets], cars, [[(0.0, 0.0, 0.0)]])
    desk = Desk(plant, [circuit], outlets, awake=lambda second: second < death)
    site = PlayedSite((circuit,), tuple(outlets), plant, desk)
    before: list[float] = []

    def look(second: int, decision: Decision | None) -> None:
        assert not overloads(site), second
        if second == death:
            before.extend(station.draw for station in plant.stations)

    site.play(death + 1300, look)
    assert before[0] > 8.0 and min(before) < 8.0
    assert [station.draw for station in plant.stations] == [8.0, 8.0, 8.0]


def shuffled(picture: SitePicture, chance: Random) -> SitePicture:
    """The same picture with its parts in another order."""
    parts = {
        name: tuple(chance.sample(getattr(picture, name), len(getattr(picture, name))))
        for name in ("circuits", "outlets", "connectors", "readings", "limits")
    }
    return SitePicture(picture.at_seconds, picture.now, **parts)
