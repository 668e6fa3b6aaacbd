"""Which measurements load management asks of a station: the least that is needed, and the power after a refusal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.instants import Instant
from gateway.rules.desired_settings import Known, Reported, Trial, drift
from gateway.rules.load_measurements import INTERVAL_KEY, MEASURANDS_KEY, measurements_wanted

NOW = Instant(1_000_000)
CURRENT, POWER, ENERGY = "Current.Import", "Power.Active.Import", "Energy.Active.Import.Register"
TRIED = Trial(f"{CURRENT},{ENERGY}", ENERGY, "1.0", "Rejected", None, 0, NOW)


def known(*, interval: str | None = None, measurands: str | None = None, trial: Trial | None = None) -> Known:
    told = {INTERVAL_KEY: interval, MEASURANDS_KEY: measurands}
    reported = {
        key.casefold(): Reported(key, value, False, False, NOW) for key, value in told.items() if value is not None
    }
    return Known(reported, frozenset(), {MEASURANDS_KEY.casefold(): trial} if trial else {}, "1.0", NOW)


@pytest.mark.parametrize(
    ("reported", "wanted"),
    [
        (None, "10"), ("", "10"), ("0", "10"), ("31", "10"), ("900", "10"), ("often", "10"), ("-5", "10"),
        ("1", "1"), ("10", "10"), ("30", "30"), ("30.0", "30.0"),
    ],
)  # fmt: skip
def test_values_are_wanted_at_least_every_thirty_seconds(reported: str | None, wanted: str) -> None:
    assert measurements_wanted(known(interval=reported))[INTERVAL_KEY] == wanted


@pytest.mark.parametrize(
    ("reported", "wanted"),
    [
        (None, f"{CURRENT},{ENERGY}"),
        ("", f"{CURRENT},{ENERGY}"),
        (ENERGY, f"{CURRENT},{ENERGY}"),
        (f"Voltage, {ENERGY}; SoC", f"{CURRENT},{ENERGY},Voltage,SoC"),
        (f"{POWER}", f"{CURRENT},{ENERGY},{POWER}"),
        (f"Voltage,{ENERGY},current.import", f"Voltage,{ENERGY},current.import"),
    ],
)
def test_what_is_missing_is_added_and_nothing_else(reported: str | None, wanted: str) -> None:
    assert measurements_wanted(known(measurands=reported))[MEASURANDS_KEY] == wanted


def test_what_will_do_is_no_difference() -> None:
    facts = known(interval="15", measurands=f"Voltage,{ENERGY},{CURRENT}")
    assert drift(measurements_wanted(facts), facts) == ()


@pytest.mark.parametrize(
    ("trial", "asks_for"),
    [
        (TRIED, POWER),
        (replace(TRIED, result="error"), POWER),
        (replace(TRIED, result="Accepted", accepted=ENERGY), POWER),
        (replace(TRIED, result="Accepted", accepted=f"{CURRENT}"), CURRENT),
        (replace(TRIED, result="Accepted"), CURRENT),
        (replace(TRIED, result="sent"), CURRENT),
        (replace(TRIED, result="NotSupported"), CURRENT),
        (replace(TRIED, firmware_version="0.9"), CURRENT),
        (replace(TRIED, desired=f"{POWER},{ENERGY}"), POWER),
        (replace(TRIED, desired="Voltage"), CURRENT),
    ],
)
def test_the_power_is_asked_for_where_the_current_was_refused(trial: Trial, asks_for: str) -> None:
    assert measurements_wanted(known(measurands=ENERGY, trial=trial))[MEASURANDS_KEY] == f"{asks_for},{ENERGY}"


def test_after_both_were_refused_nothing_more_is_tried() -> None:
    facts = known(measurands=ENERGY, trial=replace(TRIED, desired=f"{POWER},{ENERGY}"))
    assert {one.key: one.state for one in drift(measurements_wanted(facts), facts)}[MEASURANDS_KEY] == "refused"
