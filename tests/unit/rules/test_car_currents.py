"""What a car draws, by bodies as stations of several makers send them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.model.measurements import Sample
from gateway.ocpp.v16.meter_values import read_samples
from gateway.rules.car_currents import Register, amps_counted, amps_drawn, is_same_count, live_samples

NOW = Instant(1_800_000_000 * SECOND)
EIGHT = "2027-01-15T08:00:00Z"  # the same moment


def samples(*told: dict[str, Any], at: str = EIGHT) -> tuple[Sample, ...]:
    return read_samples([{"timestamp": at, "sampledValue": list(told)}])


def current(value: str, phase: str | None = None, **more: str) -> dict[str, str]:
    where = {} if phase is None else {"phase": phase}
    return {"value": value, "measurand": "Current.Import", "unit": "A", **where, **more}


def power(value: str, phase: str | None = None, unit: str = "W", **more: str) -> dict[str, str]:
    where = {} if phase is None else {"phase": phase}
    return {"value": value, "measurand": "Power.Active.Import", "unit": unit, **where, **more}


def voltage(value: str, phase: str | None = None) -> dict[str, str]:
    where = {} if phase is None else {"phase": phase}
    return {"value": value, "measurand": "Voltage", "unit": "V", **where}


def drawn(*told: dict[str, Any], lines: int = 3, most: float = 32.0) -> tuple[float, ...] | None:
    amps = amps_drawn(samples(*told), lines=lines, most_amps=most)
    return None if amps is None else tuple(round(one, 2) for one in amps)


THREE = [current("15.9", "L1"), current("15.8", "L2"), current("16.1", "L3")]


@pytest.mark.parametrize(
    ("told", "amps"),
    [
        (THREE, (15.9, 15.8, 16.1)),
        ([current("13.2", "L1"), current("0", "L2"), current("0.0", "L3"), current("13.2", "N")], (13.2, 0, 0)),
        ([current("10", "L1-N"), current("11", "L2-N"), current("12", "L3-N")], (10, 11, 12)),
        ([current("9", "L1-N"), current("10", "L1"), current("1", "L2"), current("1", "L3")], (10, 1, 1)),
        ([current("14.5")], (14.5, 14.5, 14.5)),
        ([current("14.5", "L1")], (14.5, 14.5, 14.5)),  # L1 alone is measured
        ([current(" 7.5 ", unit="")], (7.5, 7.5, 7.5)),
        ([current("7500", "L1", unit="mA"), current("0", "L2"), current("0", "L3")], (7.5, 0, 0)),
        ([current("-3", "L1"), current("4", "L2"), current("5", "L3")], (0, 4, 5)),
        ([*THREE, power("99", "L1")], (15.9, 15.8, 16.1)),
        ([current("700", "L1"), power("2300", "L1")], (10, 10, 10)),  # absurd
        ([current("16", location="EV"), power("2300", "L1")], (10, 10, 10)),
        ([current("3", location="Inlet")], (3, 3, 3)),
        ([current("3", location="Inlet"), current("2", location="Cable")], (2, 2, 2)),
        ([power("2400", "L1"), power("0", "L2"), power("0", "L3"), voltage("240", "L1-N")], (10, 0, 0)),
        ([power("2300", "L1"), voltage("0", "L1"), voltage("400", "L1-L2")], (10, 10, 10)),
        ([power("11.04", unit="kW")], (16, 16, 16)),
        ([power("11040", unit="kW")], (16, 16, 16)),  # watts under the name of kilowatts
        ([power("6900")], (10, 10, 10)),
        ([current("125"), voltage("400"), power("6900")], (10, 10, 10)),  # direct current
        ([current("10"), voltage("231")], (10, 10, 10)),
    ],
)
def test_the_draw_of_each_line(told: list[dict[str, Any]], amps: tuple[float, ...]) -> None:
    assert drawn(*told) == amps


@pytest.mark.parametrize(
    "told",
    [
        [],
        [{"value": "16", "measurand": "Current.Offered", "unit": "A", "phase": "L1"}],
        [{"value": "11000", "measurand": "Power.Offered", "unit": "W"}],
        [{"value": "16", "measurand": "Current.Export", "unit": "A"}],
        [current("5", "N"), current("5", "L1-L2"), power("5", "N")],
        [current("16,5", "L1")],
        [current("1e9")],
        [power("99999999999", unit="kW")],
        [current("3", unit="W")],
    ],
)
def test_what_says_nothing_about_the_draw(told: list[dict[str, Any]]) -> None:
    assert drawn(*told) is None


def test_an_outlet_with_one_line() -> None:
    assert drawn(current("0", "L1"), current("13", "L2"), lines=1) == (13,)
    assert drawn(power("2300"), lines=1) == (10,)
    assert drawn(*THREE, lines=2) == (15.9, 15.8)


def test_the_newest_of_several_moments_counts() -> None:
    told = samples(current("5"), at="2027-01-15T07:59:40Z") + samples(current("9"))
    newest, age = live_samples(told, now=NOW, offset_ms=0)
    assert ([sample.raw_value for sample in newest], age) == (["9"], 0.0)


@pytest.mark.parametrize(
    ("at", "offset_ms", "lives", "age"),
    [
        ("2027-01-15T07:59:31Z", 0, True, 29.0),
        ("2027-01-15T07:59:29Z", 0, False, 31.0),
        ("2027-01-15T09:00:00Z", 3_600_000, True, 0.0),  # an hour ahead, and known to be
        ("2027-01-15T08:59:00Z", 3_600_000, False, 60.0),
        ("2027-01-15T09:00:00Z", 0, True, 0.0),  # a queue makes older, never newer
        ("1970-01-01T00:10:00Z", -1_799_999_400_000, True, 0.0),
        ("yesterday", 0, True, 0.0),
    ],
)
def test_what_waited_in_the_station_is_no_present_draw(at: str, offset_ms: int, lives: bool, age: float) -> None:
    newest, found = live_samples(samples(current("9"), at=at), now=NOW, offset_ms=offset_ms)
    assert (bool(newest), found) == (lives, age)


@pytest.mark.parametrize(
    ("wh", "seconds", "amps"),
    [
        (1150, 600, (10.0, 10.0, 10.0)),
        (0, 600, (0.0, 0.0, 0.0)),
        (-1, 600, None),
        (100, 30, None),
        (100, 3600, None),
        (10**9, 600, None),
    ],
)
def test_counted_by_the_register(wh: float, seconds: int, amps: tuple[float, ...] | None) -> None:
    before, after = Register(5000, NOW), Register(5000 + wh, Instant(NOW + seconds * SECOND))
    assert amps_counted(before, after, lines=3, most_amps=32) == amps
    assert is_same_count(before, after) == (seconds < 60)
