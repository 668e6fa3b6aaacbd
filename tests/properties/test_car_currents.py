"""Whatever a station says: reading its draw never raises, and gives no negative, absurd or endless number."""

from __future__ import annotations

import math
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.instants import Instant
from gateway.ocpp.v16.from_station import Location, Measurand, Phase, Unit
from gateway.ocpp.v16.meter_values import read_samples
from gateway.rules.car_currents import amps_drawn, live_samples
from tests.properties.examples import examples

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.floats().map(str) | st.integers(-(10**12), 10**12).map(str) | st.floats(-50, 50).map(str)


def one_of(choices: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(choices)) | ANY_JSON


SAMPLES = st.fixed_dictionaries(
    {"value": NUMBERS | ANY_JSON},
    optional={
        "measurand": st.sampled_from(["Current.Import", "Power.Active.Import", "Voltage"]) | one_of(Measurand),
        "unit": st.sampled_from(["A", "W", "kW", "V", "mA"]) | one_of(Unit),
        "phase": one_of(Phase),
        "location": one_of(Location),
    },
)
TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | ANY_JSON
BODIES = st.lists(
    st.fixed_dictionaries({"timestamp": TIMES, "sampledValue": st.lists(SAMPLES, max_size=8)}) | ANY_JSON, max_size=3
)


@settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(BODIES | ANY_JSON, st.integers(0, 2**51), st.integers(-(10**13), 10**13), st.integers(1, 3), st.floats(6, 80))
def test_a_draw_is_never_negative_nor_absurd(body: Any, now: int, offset_ms: int, lines: int, most: float) -> None:
    samples, age = live_samples(read_samples(body), now=Instant(now), offset_ms=offset_ms)
    assert age >= 0
    amps = amps_drawn(samples, lines=lines, most_amps=most)
    assert amps is None or (len(amps) == lines and all(math.isfinite(one) and 0 <= one <= 10 * most for one in amps))
