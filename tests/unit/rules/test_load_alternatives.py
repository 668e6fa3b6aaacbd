"""What would be different: each answer is that of a decision with one fact changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.circuits import Circuit, TemporaryLimit
from gateway.model.instants import Instant
from gateway.model.load_decision import Decision
from gateway.model.load_memory import CircuitMemory, Memory
from gateway.model.site_picture import ConnectorFacts, SitePicture
from gateway.rules import load_alternatives
from gateway.rules.balance import decide
from gateway.rules.limit_reasons import connectors_of
from gateway.rules.load_alternatives import alternatives_of
from tests.unit.rules.load_pictures import METERED, charging, outlet, picture, reading

NO_MEMORY = Memory()


def answers(shown: SitePicture, before: Memory = NO_MEMORY, connector: int = 1) -> dict[str, float]:
    decision = decide(shown, before)[1]
    seen = next(one for one in connectors_of(shown, decision, "CP") if one.each.connector == connector)
    found = alternatives_of(seen, before)
    assert all(f"{each.limit_amps:g} A would be planned" in each.text for each in found)
    return {each.what: each.limit_amps for each in found}


def test_without_the_limit_that_somebody_set_for_a_time() -> None:
    dso = TemporaryLimit("main", (10.0, 10.0, 10.0), "dso")
    fleet, over = replace(dso, source="fleet", limit_amps=(20.0,) * 3), replace(dso, source="x", until=Instant(5))
    far = replace(dso, circuit="far")
    circuits = (Circuit("main", (32.0, 32.0, 32.0)), Circuit("far", (32.0, 32.0, 32.0)))
    found = answers(picture(charging(), circuits=circuits, limits=(fleet, over, far, dso)))
    assert found == {"without the limit of dso for main": 19.5}
    seen = picture(charging(), circuits=circuits, limits=(replace(dso, until=Instant(2_000_000_000)),))
    assert answers(seen) == {"without the limit of dso for main": 31.5}


def test_without_each_of_the_others_and_with_a_higher_priority() -> None:
    circuits = (Circuit("main", (16.0, 16.0, 16.0)),)
    facts = (charging(1, 6.0), charging(2, 6.0), charging(3, None, measured_amps=None))
    found = answers(picture(*facts, circuits=circuits), connector=3)
    assert set(found) == {"with a higher priority", "without CP/1", "without CP/2"}
    assert found["with a higher priority"] >= 6.0
    assert "with a higher priority" not in answers(picture(*facts, circuits=circuits), connector=1)


def test_a_car_that_is_taken_away_takes_its_current_off_the_meter() -> None:
    """Otherwise its 30 A would count as background, and nothing were gained without it."""
    facts = (charging(1, 16.0), charging(2, 30.0))
    shown = picture(*facts, circuits=(METERED,), readings=(reading(56.0),))
    before = Memory(circuits={"main": CircuitMemory(good_at=999.0, level=(10.0, 10.0, 10.0))})
    found = answers(shown, before)
    assert found["without CP/2"] == 32.0


def test_a_line_of_the_meter_that_is_not_read_stays_unread() -> None:
    facts = (charging(1, 16.0), charging(2, 16.0))
    shown = picture(*facts, circuits=(METERED,), readings=(reading(56.0, None, 56.0),))
    assert answers(shown)["without CP/2"] == 30.0


def test_nobody_guesses_how_much_of_a_meter_is_a_car_that_is_not_measured() -> None:
    facts = (charging(1, 16.0), charging(2, 30.0, measured_amps=None))
    shown = picture(*facts, outlets=(outlet(1), outlet(2), outlet(3)), circuits=(METERED,), readings=(reading(56.0),))
    assert not [what for what in answers(shown) if what.startswith("without CP")]


def test_if_the_meter_could_be_believed() -> None:
    shown = picture(charging(1, 16.0), circuits=(METERED,), readings=(reading(20.0, trust="suspect", age=90.0),))
    peak = (40.0, 40.0, 40.0)
    before = Memory(circuits={"main": CircuitMemory(good_at=900.0, level=peak, peaks=((999.0, peak),))})
    assert answers(shown, before) == {"if the meter of main could be believed": 32.0}
    unread = replace(shown, readings=(reading(None, 20.0, 20.0, trust="suspect"),))
    assert answers(unread, before) == {}
    both = replace(shown, circuits=(METERED, replace(METERED, name="far")))
    both = replace(both, readings=(*shown.readings, replace(shown.readings[0], circuit="far")))
    with_far = replace(before, circuits={**before.circuits, "far": CircuitMemory()})
    assert answers(both, with_far) == {"if the meter of main could be believed": 32.0}


def test_without_the_profile_that_somebody_set() -> None:
    assert answers(picture(charging(asked_amps=8.0))) == {"without the charging profile that somebody set": 31.5}


def test_if_a_station_followed_limits() -> None:
    shown = picture(charging(), outlets=(outlet(mode="D"),), circuits=(Circuit("main", (20.0, 20.0, 20.0)),))
    assert answers(shown) == {"if its station followed limits": 19.5}


def test_where_no_car_charges_nothing_is_asked() -> None:
    dso = TemporaryLimit("main", (10.0, 10.0, 10.0), "dso")
    for facts in (ConnectorFacts("CP", 1, connected=True), charging(connected=False)):
        assert answers(picture(facts, limits=(dso,))) == {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SitePicture]:
    """The pictures that alternatives are decided from."""
    pictures: list[SitePicture] = []

    def noted(shown: SitePicture, before: Memory) -> tuple[Memory, Decision]:
        pictures.append(shown)
        return decide(shown, before)

    monkeypatch.setattr(load_alternatives, "decide", noted)
    return pictures


def test_the_number_of_decisions_has_a_bound(asked: list[SitePicture]) -> None:
    """Whatever there is to ask: a site with many cars, limits and a bad meter costs no more than ten decisions."""
    limits = tuple(TemporaryLimit("main", (60.0 + n,) * 3, f"s{n}") for n in range(9))
    facts = tuple(charging(number, 6.0, asked_amps=30.0) for number in range(1, 13))
    circuit = replace(METERED, limit_amps=(120.0, 120.0, 120.0))
    bad = reading(80.0, trust="suspect")
    answers(picture(*facts, circuits=(circuit,), limits=limits, readings=(bad,)))
    assert len(asked) == 10
    assert [len(shown.limits) for shown in asked] == [8] * 3 + [9] * 7
    assert [len(shown.outlets) for shown in asked] == [12] * 6 + [11] * 4


def test_nothing_is_decided_of_what_cannot_matter(asked: list[SitePicture]) -> None:
    dso = TemporaryLimit("main", (10.0, 10.0, 10.0), "dso")
    answers(picture(charging(connected=False), limits=(dso,)))
    assert not asked
    circuits = (Circuit("main", (32.0, 32.0, 32.0)), Circuit("far", (32.0, 32.0, 32.0)))
    answers(picture(charging(), circuits=circuits, limits=(replace(dso, circuit="far"),)))
    assert len(asked) == 1, "the priority alone"


def test_only_the_meters_above_a_car_lose_its_current(asked: list[SitePicture]) -> None:
    circuits = (METERED, replace(METERED, name="far"))
    outlets = (outlet(1), outlet(2, phase_rotation="23"))
    facts = (charging(1, 30.0), charging(2, 30.0, measured_amps=(8.0, 4.0)))
    far = replace(reading(9.0), circuit="far")
    answers(picture(*facts, outlets=outlets, circuits=circuits, readings=(reading(70.0), far)))
    without = next(shown for shown in asked if len(shown.outlets) == 1)
    assert [each.amps for each in without.readings] == [(70.0, 62.0, 66.0), (9.0, 9.0, 9.0)]
