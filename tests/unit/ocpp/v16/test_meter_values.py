"""Samples out of meter values, and what they say about energy, power and current."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.meter_values import (
    Sample,
    current_amps,
    energy_register_wh,
    power_watts,
    read_samples,
    signed_samples,
)

NOON = "2024-05-01T12:00:00Z"
LATER = "2024-05-01T12:01:00Z"
REGISTER = "Energy.Active.Import.Register"


def value(number: str, **attributes: str) -> dict[str, str]:
    return {"value": number, **attributes}


def samples(*sampled: dict[str, Any], at: str = NOON) -> tuple[Sample, ...]:
    return read_samples([{"timestamp": at, "sampledValue": list(sampled)}])


def test_the_defaults_of_the_specification() -> None:
    assert samples(value("1234.5")) == (
        Sample(
            at=read_instant(NOON),
            at_text=NOON,
            value=Decimal("1234.5"),
            raw_value="1234.5",
            measurand=REGISTER,
            unit="Wh",
            context="Sample.Periodic",
            location="Outlet",
            phase=None,
            format="Raw",
        ),
    )


def test_parsed_json_text_and_raw_json_read_the_same() -> None:
    meter_values = [
        {"timestamp": NOON, "sampledValue": [value("1"), value("2", unit="kWh")]},
        {"timestamp": LATER, "sampledValue": [value("3", measurand="Voltage", phase="L1-N")]},
    ]
    text = json.dumps(meter_values).encode()
    assert read_samples(text) == read_samples(msgspec.Raw(text)) == read_samples(meter_values)  # type: ignore[arg-type]
    assert [sample.unit for sample in read_samples(text)] == ["Wh", "kWh", "V"]


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "text",
        7,
        [],
        {},
        [None, 1, []],
        [{"timestamp": NOON}],
        [{"timestamp": NOON, "sampledValue": [None, {}, {"value": None}, {"value": {}}]}],
        b"",
        b"not json",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_nothing_readable_is_no_sample(nothing: Any) -> None:
    assert read_samples(nothing) == ()


def test_objects_where_lists_belong_and_numbers_where_text_belongs() -> None:
    (sample,) = read_samples({"timestamp": NOON, "sampledValue": {"value": 12.5, "unit": "kWh"}})
    assert (sample.value, sample.raw_value, sample.unit) == (Decimal("12.5"), "12.5", "kWh")


def test_spellings_are_folded_and_unknown_words_kept() -> None:
    (known,) = samples(
        value(
            "1", measurand="frequency", unit="hz", context="sample.clock", location="INLET", phase="l1n", format="raw"
        )
    )
    assert (known.measurand, known.unit, known.context) == ("Frequency", "Hertz", "Sample.Clock")
    assert (known.location, known.phase, known.format) == ("Inlet", "L1-N", "Raw")
    (unknown,) = samples(value("1", measurand="Door", unit="MWh", context="Moon", location="Roof", phase="L9"))
    assert (unknown.measurand, unknown.unit, unknown.context) == ("Door", "MWh", "Moon")
    assert (unknown.location, unknown.phase) == ("Roof", "L9")
    (empty,) = samples(value("1", measurand="", unit=" ", phase=""))
    assert (empty.measurand, empty.unit, empty.phase) == (REGISTER, "Wh", None)


@pytest.mark.parametrize(
    ("measurand", "unit"),
    [
        ("Energy.Reactive.Import.Register", "Wh"),
        ("Power.Active.Import", "W"),
        ("Power.Reactive.Import", "var"),
        ("Power.Factor", ""),
        ("Current.Import", "A"),
        ("SoC", "Percent"),
        ("Temperature", "Celsius"),
        ("RPM", ""),
    ],
)
def test_the_unit_that_goes_without_saying(measurand: str, unit: str) -> None:
    assert samples(value("1", measurand=measurand))[0].unit == unit


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        (" -1.50 ", "-1.50"),
        ("+3.", "3"),
        (".5", "0.5"),
        ("1e3", "1E+3"),
        ("", None),
        ("NaN", None),
        ("Infinity", None),
        ("1,5", None),
        ("1_000", None),
        ("1e999999", None),
        ("9" * 41, None),
        ("12 Wh", None),
    ],
)
def test_what_is_a_number(text: str, number: str | None) -> None:
    (sample,) = samples(value(text))
    assert sample.value == (None if number is None else Decimal(number))
    assert sample.raw_value == text


def test_a_time_that_cannot_be_read_keeps_its_text() -> None:
    (garbage,) = samples(value("1"), at="yesterday")
    assert (garbage.at, garbage.at_text) == (None, "yesterday")
    (absent,) = read_samples([{"sampledValue": [{"value": "1"}]}])
    assert (absent.at, absent.at_text) == (None, "")
    (local,) = read_samples(
        [{"timestamp": "2024-05-01T14:00:00", "sampledValue": [{"value": "1"}]}], assumed_offset_minutes=120
    )
    assert local.at == read_instant(NOON)


def test_signed_data_stays_untouched() -> None:
    mixed = samples(value("100"), value(" 5 ", format="SignedData"), value("OCMF|{}|{}", format="signeddata"))
    assert [sample.raw_value for sample in signed_samples(mixed)] == [" 5 ", "OCMF|{}|{}"]
    assert [sample.value for sample in signed_samples(mixed)] == [None, None]
    assert energy_register_wh(mixed) == 100


# --- energy


def test_kilowatt_hours_and_fractions() -> None:
    assert energy_register_wh(samples(value("1.2345", unit="kWh"))) == 1234
    assert energy_register_wh(samples(value("1234.9"))) == 1234


@pytest.mark.parametrize(
    "sampled",
    [
        value("x"),
        value("1", unit="MWh"),
        value("1", measurand="Energy.Active.Export.Register"),
        value("1", measurand="Energy.Active.Import.Interval"),
        value("1", phase="N"),
        value("1", phase="L1-L2"),
        value("9" * 40),
        value("-1e20"),
        value("1e13", unit="kWh"),
    ],
)
def test_no_import_register_no_energy(sampled: dict[str, str]) -> None:
    assert energy_register_wh(samples(sampled)) is None
    assert energy_register_wh(()) is None


def test_a_register_that_no_meter_can_show_hides_no_other() -> None:
    assert energy_register_wh(samples(value("500"), value("9" * 30))) == 500
    assert energy_register_wh(samples(value("1e15"))) == 10**15


def test_the_total_wins_over_phases_in_mixed_units() -> None:
    assert (
        energy_register_wh(
            samples(value("1", phase="L1"), value("9", unit="kWh"), value("2", phase="L2"), value("3", phase="L3"))
        )
        == 9000
    )


def test_phases_are_summed_only_without_a_total() -> None:
    assert (
        energy_register_wh(
            samples(
                value("1000.6", phase="L1"),
                value("2", unit="kWh", phase="L2-N"),
                value("3000.6", phase="L3"),
                value("77", phase="N"),
            )
        )
        == 6001
    )


def test_one_phase_alone_is_the_total_and_two_labels_of_it_count_once() -> None:
    assert energy_register_wh(samples(value("500", phase="L1"))) == 500
    assert energy_register_wh(samples(value("500", phase="L1"), value("400", phase="L1-N"))) == 500
    assert energy_register_wh(samples(value("400", phase="L1-N"), value("500", phase="L1"))) == 500


def test_phases_of_different_moments_are_not_mixed() -> None:
    told = samples(value("1", phase="L1"), value("2", phase="L2")) + samples(
        value("10", phase="L1"), value("20", phase="L2"), at=LATER
    )
    assert energy_register_wh(told) == 30
    assert energy_register_wh(tuple(reversed(told))) == 30


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        (("Transaction.Begin", "Transaction.End", "Sample.Periodic"), 1),
        (("Sample.Clock", "Sample.Periodic", "Trigger"), 1),
        (("Trigger", "Sample.Clock", "Transaction.Begin"), 1),
        (("Transaction.Begin", "Transaction.Begin", "Other"), 2),
        (("Transaction.Begin",), 0),
        (("Trigger", "Other"), 1),
    ],
)
def test_the_context_decides_which_register(contexts: tuple[str, ...], expected: int) -> None:
    told = samples(*(value(str(place), context=context) for place, context in enumerate(contexts)))
    assert energy_register_wh(told) == expected


def test_a_total_of_the_begin_gives_way_to_phases_of_now() -> None:
    told = samples(value("1", context="Transaction.Begin"), value("5", phase="L1"), value("6", phase="L2"))
    assert energy_register_wh(told) == 11


def test_the_latest_of_one_context_wins_whatever_the_order() -> None:
    early, late = samples(value("1")), samples(value("2"), at=LATER)
    undated = samples(value("3"), at="?")
    assert energy_register_wh(early + late) == energy_register_wh(late + early) == 2
    assert energy_register_wh(late + undated) == 2
    assert energy_register_wh(undated + samples(value("4"), at="?")) == 4


def test_the_outlet_wins_over_the_inlet() -> None:
    assert energy_register_wh(samples(value("1"), value("2", location="Inlet"))) == 1
    assert energy_register_wh(samples(value("2", location="Inlet"))) == 2


# --- power and current


def power(number: str, **attributes: str) -> dict[str, str]:
    return value(number, measurand="Power.Active.Import", **attributes)


def current(number: str, **attributes: str) -> dict[str, str]:
    return value(number, measurand="Current.Import", **attributes)


def test_power_is_the_total_or_the_sum_of_phases_in_watts() -> None:
    assert power_watts(samples(power("7.4", unit="kW"))) == 7400
    assert power_watts(samples(power("1", phase="L1"), power("11", unit="kW"), power("3", phase="L3"))) == 11000
    assert power_watts(samples(power("1000", phase="L1"), power("2", unit="kW", phase="L2-N"))) == 3000
    assert power_watts(samples(power("1000", phase="N"), power("5", unit="hp"))) is None
    assert power_watts(()) is None


def test_power_is_that_of_the_last_moment() -> None:
    assert power_watts(samples(power("2"), at=LATER) + samples(power("1"))) == 2


def test_current_by_phase_ignores_neutral() -> None:
    told = samples(
        current("6", phase="L1"), current("7", phase="L2-N"), current("8", phase="L3"), current("1", phase="N")
    )
    assert current_amps(told) == {"L1": Decimal(6), "L2": Decimal(7), "L3": Decimal(8)}
    assert current_amps(samples(current("9"))) == {"": Decimal(9)}
    assert current_amps(samples(current("9", phase="N"))) == {}
