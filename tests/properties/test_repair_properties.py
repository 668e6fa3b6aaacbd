"""Repair leaves valid payloads alone, needs no second pass, and never raises, whatever JSON a station sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.instants import Instant, text_of
from gateway.ocpp.repair import JSON, QUIRKS, repair, usable_core
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.actions import ACTIONS, sent_by_station
from gateway.ocpp.v16.meter_values import current_amps, energy_register_wh, power_watts, read_samples
from gateway.ocpp.v16.schemas import Items, Number, Record, Shape, Text, shape_of, violations
from tests.properties.examples import examples

STATION_ACTIONS = sorted(filter(sent_by_station, ACTIONS))
ALWAYS_ANSWERED = {"Heartbeat", "BootNotification"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
clean_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1)


def valid(shape: Shape, name: str = "") -> st.SearchStrategy[Any]:
    """Values that the schema accepts, with clean tags and no empty lists of samples."""
    match shape:
        case Record():
            parts = {key: valid(part, key) for key, part in shape.properties.items()}
            return st.fixed_dictionaries(
                {key: part for key, part in parts.items() if key in shape.required},
                optional={key: part for key, part in parts.items() if key not in shape.required},
            )
        case Items():
            return st.lists(valid(shape.each), min_size=1, max_size=3)
        case Text(choices=choices) if choices:
            return st.sampled_from(choices)
        case Text(max_length=longest):
            return clean_text.map(lambda text: text[:longest])
        case Number():
            return st.integers()
    raise AssertionError(shape)


def broken(shape: Shape) -> st.SearchStrategy[Any]:
    """Values near the schema: properties missing, in other spelling, of any type; lists and objects swapped."""
    match shape:
        case Record():
            keys = [*shape.properties, *(key.upper() for key in shape.properties), "vendorExtra"]
            near = st.one_of(
                st.sampled_from(keys).flatmap(
                    lambda key: st.tuples(st.just(key), json_values | broken(shape.properties.get(key, Text(None, ()))))
                )
            )
            return st.lists(near, max_size=6).map(dict) | json_values
        case Items():
            return st.lists(broken(shape.each), max_size=3) | broken(shape.each) | json_values
        case Text(choices=choices) if choices:
            return st.sampled_from(choices).map(str.lower) | st.sampled_from(["", "Occupied", "hz", "?"]) | json_values
        case Number():
            return st.integers() | st.integers().map(str) | st.floats(allow_nan=False) | json_values
    return st.text(max_size=60) | json_values


@pytest.mark.parametrize("action", STATION_ACTIONS)
@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(data=st.data())
def test_a_valid_payload_comes_back_equal(action: str, data: st.DataObject) -> None:
    payload: JSON = data.draw(valid(shape_of(action, "request")))
    assert violations(action, "request", payload) is None
    repaired = repair(action, payload)
    assert repaired.payload == payload
    assert repaired.quirks == ()


@pytest.mark.parametrize("action", STATION_ACTIONS)
@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(data=st.data())
def test_a_second_repair_changes_nothing_and_a_usable_core_is_valid(action: str, data: st.DataObject) -> None:
    payload: JSON = data.draw(broken(shape_of(action, "request")))
    once = repair(action, payload)
    again = repair(action, once.payload)
    assert again.payload == once.payload
    assert again.quirks == ()
    assert set(once.quirks) <= set(QUIRKS)
    core = usable_core(action, payload)
    if core is not None:
        assert violations(action, "request", core) is None
    elif action in ALWAYS_ANSWERED:
        assert not isinstance(once.payload, dict)


@pytest.mark.parametrize("key", ["meterValue", "transactionData"])
@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(data=st.data())
def test_reading_samples_never_raises(key: str, data: st.DataObject) -> None:
    action = "MeterValues" if key == "meterValue" else "StopTransaction"
    samples = read_samples(data.draw(broken(shape_of(action, "request").properties[key])))
    energy_register_wh(samples)
    power_watts(samples)
    current_amps(samples)


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(st.integers(0, 253_402_214_400_000).map(lambda milliseconds: Instant(milliseconds * 1000)))
def test_an_instant_written_is_read_back(instant: Instant) -> None:
    assert read_instant(text_of(instant)) == instant


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?([+-Zz].{0,6})?"))
def test_reading_an_instant_never_raises(text: str) -> None:
    read_instant(text)
