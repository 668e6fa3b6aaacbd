"""Settings and what stations told of themselves as circuits and outlets; what does not fit is lowered and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration import Circuit, Configuration, Ocpp, ScheduledLimit, Site, StationSettings
from gateway.model.circuits import mistakes_of_site
from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, StationId
from gateway.model.limiting import Limiting
from gateway.operations.plan_site import SitePlan, find_plan, plan_site
from gateway.operations.provision_stations import Provisioned, put_station
from gateway.store import configuration_keys, connectors, station_facts, stations
from gateway.store.writing import Writing
from tests.properties.examples import examples
from tests.unit.web.conftest import NOON, configuration_in, open_site

MAIN = Circuit("main", (63.0, 63.0, 63.0), meter="grid", background_worst_amps=(20.0, 20.0, 20.0))
ROW = Circuit("row", (40.0, 40.0, 40.0), parent="main", limit_watts=20_700.0, unbalance_limit_amps=20.0)


def site(*circuits: Circuit, automatic_calls: bool = True) -> Configuration:
    return Configuration(
        site=Site(id="s"), ocpp=Ocpp(automatic_calls=automatic_calls), circuits=circuits or (MAIN, ROW)
    )


def plan(
    *own: StationSettings,
    configuration: Configuration | None = None,
    told: dict[str, set[int]] | None = None,
    limiting: dict[str, Limiting] | None = None,
) -> SitePlan:
    return plan_site(
        configuration or site(),
        {StationId(each.id): each for each in own},
        {StationId(name): numbers for name, numbers in (told or {}).items()},
        {StationId(name): known for name, known in (limiting or {}).items()},
    )


def on_main(name: str, **settings: Any) -> StationSettings:
    return StationSettings(**{"id": name, "circuit": "main", **settings})


def test_circuits_carry_the_lower_limit_and_everything_else() -> None:
    main, row = plan().circuits
    assert (main.limit_amps, main.metered, main.parent) == ((63, 63, 63), True, None)
    assert main.background_worst_amps == (20, 20, 20)
    assert (row.limit_amps, row.metered, row.parent, row.unbalance_limit_amps) == ((30, 30, 30), False, "main", 20)
    assert row.background_worst_amps == (0, 0, 0)
    assert plan().outlets == () and plan().check.fits and plan().notes == ()


def test_an_outlet_carries_all_settings_of_its_station() -> None:
    station = on_main(
        "A", circuit="row", phase_rotation="231", min_amps=8, max_amps=20, fallback_amps=10, priority=3, weight=2.5,
        eco=True, no_resume=True,
    )  # fmt: skip
    known = Limiting("B", starts_at_zero=False, step_amps=1.0)
    (outlet,) = plan(station, limiting={"A": known}).outlets
    assert (outlet.key, outlet.circuit, outlet.phase_rotation) == ("A/1", "row", "231")
    assert (outlet.min_amps, outlet.max_amps, outlet.fallback_amps) == (8, 20, 10)
    assert (outlet.priority, outlet.weight, outlet.eco, outlet.no_resume) == (3, 2.5, True, True)
    assert (outlet.mode, outlet.starts_at_zero, outlet.step_amps) == ("B", False, 1.0)


@pytest.mark.parametrize(
    ("written", "told", "expected"),
    [(1, None, [1]), (2, None, [1, 2]), (2, set(), [1, 2]), (1, {1, 2, 3}, [1, 2, 3]), (3, {1}, [1])],
)
def test_connectors_are_those_that_were_told_or_else_as_many_as_written(
    written: int, told: set[int] | None, expected: list[int]
) -> None:
    found = plan(on_main("A", connectors=written), told={} if told is None else {"A": told})
    assert [outlet.connector for outlet in found.outlets] == expected


def test_an_unmanaged_station_is_no_part_of_the_site() -> None:
    assert plan(StationSettings(id="A")).outlets == ()
    assert plan(StationSettings(id="A", quiet=True)).notes == ()
    assert plan(on_main("A"), configuration=Configuration(site=Site(id="s"))).outlets == ()


@pytest.mark.parametrize(
    ("settings", "known", "mode"),
    [
        ({}, Limiting(), "A"),
        ({}, Limiting("B"), "B"),
        ({}, Limiting("C"), "C"),
        ({}, Limiting("D", reason="it ignores limits"), "D"),
        ({"load_mode": "A"}, Limiting("D"), "A"),
        ({"load_mode": "B"}, Limiting("A"), "B"),
        ({"load_mode": "D"}, Limiting("A"), "D"),
        ({"quiet": True}, Limiting("A"), "D"),
        ({"quiet": True, "load_mode": "A"}, Limiting("A"), "D"),
        ({"connectors": 2}, Limiting("C"), "D"),
        ({"connectors": 2, "load_mode": "C"}, Limiting("A"), "D"),
    ],
)
def test_how_a_station_is_held_to_a_limit(
    settings: dict[str, Any], known: Limiting, mode: Literal["A", "B", "C", "D"]
) -> None:
    found = plan(on_main("A", max_amps=20, **settings), limiting={"A": known})
    assert {outlet.mode for outlet in found.outlets} == {mode}
    assert any("cannot be limited" in note for note in found.notes) is (mode == "D")


def test_why_a_station_cannot_be_limited_is_told() -> None:
    told = {"A": {1, 2}, "B": {1}}
    known = {"A": Limiting("C"), "B": Limiting("D", reason="it ignores limits")}
    assert plan(on_main("A", max_amps=10), on_main("B", max_amps=10), told=told, limiting=known).notes == (
        "A cannot be limited (it has one limit for 2 connectors): it counts with max_amps",
        "B cannot be limited (it ignores limits): it counts with max_amps",
    )
    found = plan(on_main("A"), configuration=site(automatic_calls=False))
    assert found.notes == ("A cannot be limited (automatic_calls is false): it counts with max_amps",)


def test_more_connectors_than_written_lower_the_fallbacks_of_the_lowest_class() -> None:
    own = (on_main("A"), on_main("LOW", priority=-1))
    assert plan(*own).lowered == ()
    found = plan(*own, told={"A": {1, 2, 3, 4, 5, 6}, "LOW": {1, 2}})
    assert found.lowered == ("LOW/2",)
    assert {outlet.key: outlet.fallback_amps for outlet in found.outlets if outlet.fallback_amps == 0} == {"LOW/2": 0}
    assert not found.check.fits and found.check.fits_then
    assert "8 fallbacks of together 48 A" in found.check.text and found.check.text in found.notes
    assert plan_site(site(), {}, {}, {}).check.fits


def test_a_station_that_follows_no_limit_lowers_the_others() -> None:
    own = (on_main("A", fallback_amps=16), on_main("B", fallback_amps=16))
    assert plan(*own).lowered == ()
    found = plan(*own, limiting={"A": Limiting("D", reason="it ignores limits")})
    assert found.lowered == ("B/1",)
    assert [outlet.fallback_amps for outlet in found.outlets] == [16, 0]


def test_settings_that_no_longer_agree_with_the_file_are_mended_and_told() -> None:
    gone = on_main("A", circuit="gone")
    odd = on_main("B", min_amps=16, max_amps=10, fallback_amps=12)
    none = on_main("C", min_amps=0, max_amps=0, fallback_amps=0)
    found = plan(gone, odd, none)
    assert mistakes_of_site(found.circuits, found.outlets) == ()
    by_name = {outlet.station: outlet for outlet in found.outlets}
    assert by_name["A"].circuit == "main"
    assert (by_name["B"].min_amps, by_name["B"].max_amps, by_name["B"].fallback_amps) == (10, 10, 0)
    assert found.notes == (
        "A: its circuit gone is no longer there: it counts below main",
        "B: its currents do not agree: it counts with min_amps 10, max_amps 10, fallback_amps 0",
        "C: its currents do not agree: it counts with min_amps 0.1, max_amps 0.1, fallback_amps 0",
    )


amps = st.one_of(st.sampled_from([0.0, 6.0, 8.0, 16.0, 32.0]), st.floats(0, 100))
odd_stations = st.builds(
    StationSettings,
    id=st.sampled_from(["A", "B", "C"]),
    circuit=st.sampled_from([None, "main", "row", "gone"]),
    phase_rotation=st.sampled_from(["123", "231", "2"]),
    min_amps=amps,
    max_amps=amps,
    fallback_amps=amps,
    connectors=st.integers(1, 4),
    load_mode=st.sampled_from(["auto", "A", "B", "C", "D"]),
    quiet=st.booleans(),
)


@settings(max_examples=examples(200), derandomize=True, deadline=None)
@given(st.lists(odd_stations, max_size=3, unique_by=lambda each: each.id))
def test_whatever_was_set_the_engine_can_work_with_the_plan_and_fallbacks_fit(own: list[StationSettings]) -> None:
    found = plan(*own)
    assert mistakes_of_site(found.circuits, found.outlets) == ()
    for circuit in found.circuits:
        used = sum(
            outlet.fallback_amps
            for outlet in found.outlets
            if outlet.mode != "D" and (circuit.name == "main" or outlet.circuit == circuit.name)
        )
        background = 20 if circuit.name == "main" else 0
        if not any(outlet.mode == "D" for outlet in found.outlets) and all(
            outlet.phase_rotation == "123" for outlet in found.outlets
        ):
            assert used + background <= circuit.limit_amps[0] + 1e-6


def shown(db: Writing, station: str, *numbers: int) -> None:
    state = ConnectorState("Available", "NoError", NOON, NOON, None, None, None)
    for number in numbers:
        connectors.record(db, StationId(station), ConnectorId(number), state)


async def test_the_plan_is_found_in_file_and_database(tmp_path: Path) -> None:
    configuration = replace(
        configuration_in(tmp_path),
        stations=(on_main("FILE-1", connectors=2, max_amps=10), on_main("FILE-2", circuit=None)),
    )
    async with open_site(configuration) as opened:
        for name in ("API-1", "API-2", "API-3"):
            assert await put_station(opened, name, {"circuit": "main"}, actor="t") == Provisioned(True)
        await put_station(opened, "API-2", {"phase_rotation": "2"}, actor="t")
        assert await put_station(opened, "FILE-1", {"min_amps": 7, "fallback_amps": 0}, actor="t") == Provisioned(False)

        def told(db: Writing) -> None:
            for name, admission in (("KNOCK-1", "pending"), ("KNOCK-2", "accepted")):
                station_facts.admit(db, StationId(name), origin="knock", admission=admission, now=NOON)  # type: ignore[arg-type]
                stations.set_run_time_values(db, name, {"circuit": "main"})
            stations.provision(
                db, "GONE", origin="file", settings={"circuit": "main"}, password_hash=None, now=NOON
            )  # its table has left the file
            for name, count in (("API-1", "2"), ("API-2", "1000"), ("API-3", "none")):
                configuration_keys.record(
                    db, StationId(name), "numberOfConnectors", value=count, readonly=True, now=NOON
                )
            for name, value in (("API-1", "true"), ("API-2", "TRUE"), ("API-3", "false")):
                key = "ConnectorSwitch3to1PhaseSupported"
                configuration_keys.record(db, StationId(name), key, value=value, readonly=True, now=NOON)
            shown(db, "API-1", 0, 1)
            shown(db, "API-3", 0, 2)
            shown(db, "FILE-1", 3)

        await opened.database.write(told)
        found = await opened.database.write(lambda db: find_plan(db, opened, {StationId("API-1"): Limiting("B")}))
        assert sorted(outlet.key for outlet in found.outlets) == [
            "API-1/1", "API-1/2", "API-2/1", "API-3/1", "API-3/2", "FILE-1/1", "FILE-1/2", "FILE-1/3", "KNOCK-2/1",
        ]  # fmt: skip
        by_key = {outlet.key: outlet for outlet in found.outlets}
        assert by_key["API-1/2"].mode == "B"
        assert [key for key, outlet in sorted(by_key.items()) if outlet.switches_phases] == ["API-1/1", "API-1/2"]
        assert (by_key["FILE-1/1"].min_amps, by_key["FILE-1/1"].max_amps) == (7, 10), "run time beats the file"


async def test_a_station_that_tells_ever_more_connectors_is_bounded(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as opened:
        await opened.database.write(lambda db: shown(db, "FILE-1", *range(1, 200)))
        found = await opened.database.write(lambda db: find_plan(db, opened, {}))
        assert [outlet.connector for outlet in found.outlets] == list(range(1, 100))
        assert not found.check.fits and len(found.lowered) == 89


def test_a_schedule_is_no_fuse() -> None:
    """Hours with a lower limit do not lower what must fit without the gateway: nobody would tell it the time."""
    hours = (ScheduledLimit(start="17:00", to="20:00", limit_amps=(6.0, 6.0, 6.0)),)
    found = plan(on_main("A"), on_main("B"), configuration=site(replace(MAIN, schedule=hours)))
    assert found.check.fits and found.circuits[0].limit_amps == (63, 63, 63)
