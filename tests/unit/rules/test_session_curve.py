"""Curves of sessions: what is told, what is derived, and which points stay."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.model.measurements import IMPORT_REGISTER, Sample
from gateway.rules.session_curve import Moment, Point, curve_of, thinned

UNITS = {IMPORT_REGISTER: "Wh", "Power.Active.Import": "W", "Current.Import": "A", "SoC": "Percent"}


def at(seconds: float) -> Instant:
    return Instant(int(seconds * SECOND))


def sample(measurand: str, value: str, phase: str | None = None) -> Sample:
    return Sample(
        at(0), "t", Decimal(value), value, measurand, UNITS[measurand], "Sample.Periodic", "Outlet", phase, "Raw"
    )  # fmt: skip


def told(seconds: float, **values: str) -> Moment:
    names = {"wh": IMPORT_REGISTER, "w": "Power.Active.Import", "a": "Current.Import", "soc": "SoC"}
    return Moment(at(seconds), tuple(sample(names[name], value) for name, value in values.items()))


def test_what_the_station_tells_is_shown_in_order_of_time() -> None:
    later = told(60, w="7000", wh="1100", a="16", soc="41")
    points = curve_of([later, told(0, w="6900", wh="1000")], lines=3, meter_start_wh=900)
    assert points == (
        Point(at(0), 6900.0, None, 100, None),
        Point(at(60), 7000.0, (16.0, 16.0, 16.0), 200, 41.0),
    )


def test_power_is_counted_where_the_station_tells_none() -> None:
    begin, middle, end = Moment(at(0), register_wh=1000), told(0.5, wh="1000"), told(60, wh="1100")
    points = curve_of([begin, middle, end, told(70, a="9"), told(120, wh="1150"), told(180, wh="1149")], lines=1)
    assert [point.power_w for point in points] == [None, None, 6050.4, None, 3000.0, None]
    assert [point.energy_wh for point in points] == [0, 0, 100, None, 150, 149]
    some = curve_of([told(0, wh="0", w="5"), told(60, wh="100")], lines=1)
    assert [point.power_w for point in some] == [5.0, None], "who tells power is believed"


def test_a_scaled_register_and_one_that_is_known_otherwise() -> None:
    moments = [told(60, wh="2"), Moment(at(60), register_wh=2500), told(120, wh="3")]
    points = curve_of(moments, lines=1, energy_scale=1000, meter_start_wh=1000)
    assert [point.energy_wh for point in points] == [1500, 2000]
    merged = curve_of([Moment(at(60), register_wh=2500), told(60, a="5")], lines=1)
    assert merged == (Point(at(60), None, (5.0, None, None), 0, None),)


def test_currents_by_line() -> None:
    phases = Moment(at(0), tuple(sample("Current.Import", str(amps), f"L{amps}") for amps in (1, 3)))
    assert curve_of([phases], lines=3)[0].current_amps == (1.0, None, 3.0)
    assert curve_of([told(0, a="10")], lines=1)[0].current_amps == (10.0, None, None)


@pytest.mark.parametrize(("told_soc", "shown"), [("0", 0.0), ("100", 100.0), ("101", None), ("-1", None)])
def test_a_state_of_charge_is_a_percentage(told_soc: str, shown: float | None) -> None:
    assert curve_of([told(0, soc=told_soc, w="1")], lines=3)[0].soc_percent == shown


def test_what_says_nothing_is_no_point() -> None:
    assert curve_of([Moment(at(0))], lines=3) == ()


def test_thinning_keeps_both_ends_and_every_peak() -> None:
    points = [Point(at(second), float(second % 7)) for second in range(1000)]
    points[500] = Point(at(500), 11_000.0)
    points[700] = Point(at(700), 9.0, (50.0, None, None))
    points[701] = Point(at(701), 9.0, (49.0, None, None))
    few = thinned(points, 50)
    assert len(few) <= 50 and few[0] is points[0] and few[-1] is points[-1]
    assert points[500] in few and points[700] in few
    assert list(few) == sorted(few, key=lambda point: point.at)
    assert thinned(points[:50], 50) == tuple(points[:50])
    assert thinned(points, 2) == (points[0], points[-1])
    assert thinned([Point(at(0), float(number)) for number in range(4)], 3) == (
        Point(at(0), 0.0),
        Point(at(0), 2.0),
        Point(at(0), 3.0),
    )
