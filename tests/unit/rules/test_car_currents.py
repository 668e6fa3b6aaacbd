"""What a car draws, from the samples of a MeterValues: literal bodies in the shapes of real stations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.instants import SECOND, Instant
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.meter_values import read_samples
from gateway.rules.car_currents import currents_of
from tests.properties.examples import examples

AT = "2027-01-15T08:00:00Z"
NOW = read_instant(AT, assumed_offset_minutes=0)
assert NOW is not None


def told(*samples: dict[str, str], at: str = AT) -> list[dict[str, object]]:
    return [{"timestamp": at, "sampledValue": list(samples)}]


def amps(value: str, phase: str | None = None, **more: str) -> dict[str, str]:
    return {"value": value, "measurand": "Current.Import", "unit": "A", **({"phase": phase} if phase else {}), **more}


def watts(value: str, phase: str | None = None, **more: str) -> dict[str, str]:
    own = {"value": value, "measurand": "Power.Active.Import", "unit": "W"}
    return {**own, **({"phase": phase} if phase else {}), **more}


def volts(value: str, phase: str) -> dict[str, str]:
    return {"value": value, "measurand": "Voltage", "unit": "V", "phase": phase}


def drawn(meter_values: object, lines: int = 3, ahead_seconds: float = 0.0) -> tuple[float, ...] | None:
    assert NOW is not None
    samples = read_samples(meter_values)  # type: ignore[arg-type]
    return currents_of(samples, lines=lines, station_now=Instant(NOW + int(ahead_seconds * SECOND)))


@pytest.mark.parametrize(
    ("body", "lines", "expected"),
    [
        (told(amps("15.9", "L1"), amps("16.0", "L2"), amps("16.1", "L3")), 3, (15.9, 16.0, 16.1)),
        (told(amps("9.5", "L1-N"), amps("0", "N")), 3, (9.5, 0.0, 0.0)),
        (told(amps("9.5", "N")), 3, None),  # the current of the neutral is that of no line
        (told(amps("12")), 3, (12.0, 12.0, 12.0)),
        (told(amps("12")), 1, (12.0,)),
        (told(amps("-0.2", "L1"), amps("8", "L2")), 3, (0.0, 8.0, 0.0)),
        (told({"value": "32", "measurand": "Current.Offered", "unit": "A"}), 3, None),
        (told({"value": "32", "measurand": "Current.Export", "unit": "A"}), 3, None),
        (told(watts("2300", "L1"), watts("0", "L2"), watts("1150", "L3")), 3, (10.0, 0.0, 5.0)),
        (told(watts("2400", "L1"), volts("240", "L1")), 3, (10.0, 0.0, 0.0)),
        (told(watts("2300", "L1"), volts("0", "L1")), 1, (10.0,)),
        (told(watts("2.3", unit="kW")), 3, (10.0, 10.0, 10.0)),  # it may all flow in one line
        (told(watts("2.3", unit="kW")), 1, (10.0,)),
        (told({"value": "1000"}), 3, None),
        (told(amps("5000", "L1")), 3, None),
        (told(amps("abc", "L1")), 3, None),
        (told(amps("14", "L1", location="Inlet"), amps("10", "L1", location="Outlet")), 1, (10.0,)),
        (told(amps("14", "L1", location="Inlet")), 1, (14.0,)),
        (told(amps("3", "L1"), at="2027-01-15T07:59:50Z") + told(amps("7", "L1")), 1, (7.0,)),
        (told(amps("7", "L1"), at="no time"), 1, (7.0,)),
    ],
)
def test_what_stations_tell(body: object, lines: int, expected: tuple[float, ...] | None) -> None:
    found = drawn(body, lines)
    assert found == (None if expected is None else pytest.approx(expected))


def test_what_was_measured_long_ago_is_no_draw_of_now_by_the_station_s_own_clock() -> None:
    queued = told(amps("16", "L1"))
    assert drawn(queued, 1, ahead_seconds=31) is None
    assert drawn(queued, 1, ahead_seconds=-31) is None, "its clock was set back since"
    assert drawn(queued, 1, ahead_seconds=29) == (16.0,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["Current.Import", "Power.Active.Import", "Voltage", "L1", "L3", "A", "kW", "-1e9", "1e99", AT]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["timestamp", "sampledValue", "value", "measurand", "phase", "unit", "location"]), inner
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=examples(300), derandomize=True)
@given(body=JSON, lines=st.sampled_from([1, 3]))
def test_whatever_is_told_a_draw_is_one_number_a_line_and_never_negative(body: object, lines: int) -> None:
    found = drawn(body, lines)
    assert found is None or (len(found) == lines and all(0 <= one <= 1000 for one in found))
