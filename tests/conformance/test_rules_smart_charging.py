"""Rules 2.10.1 to 2.10.5 and 2.10.7: where profiles belong, which replaces which, stacks, kinds, clearing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.charging_words import (
    ACCEPTED,
    DEFAULT,
    MAX,
    TX,
    absolute,
    clears,
    composite,
    in_force,
    profile,
    sets,
    warning,
)
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

UNKNOWN = {"status": "Unknown"}


async def settings(gateway: Bench, station: ScriptedStation, **values: str) -> None:
    """The station tells these settings."""
    keys = [{"key": key, "readonly": True, "value": value} for key, value in values.items()]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})


# 2.10.1


@pytest.mark.parametrize(
    ("connector", "wrong", "said"),
    [
        (1, profile(MAX), "connectorId: a ChargePointMaxProfile belongs on connector 0"),
        (0, profile(TX, transactionId=1), "connectorId: a TxProfile needs a connector above 0"),
        (1, profile(TX), "transactionId: a TxProfile needs the transaction that it is for"),
        (1, profile(TX, transactionId=99), "transactionId: transaction 99 does not run on connector 1"),
        (2, profile(TX, transactionId=1), "transactionId: transaction 1 does not run on connector 2"),
        (1, profile(DEFAULT, transactionId=1), "transactionId: belongs to a TxProfile only"),
    ],
)
async def test_rule_2_10_01_a_profile_in_the_wrong_place_is_warned_of_and_sent(
    gateway: Bench, station: ScriptedStation, connector: int, wrong: dict[str, Any], said: str
) -> None:
    assert await station.charges(1) == 1
    assert said in (await warning(gateway, station, connector, wrong) or "")


async def test_rule_2_10_01_a_profile_in_its_place_brings_no_warning(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    for connector, right in (
        (0, profile(MAX)),
        (0, profile()),
        (2, profile()),
        (1, profile(TX, transactionId=transaction)),
    ):
        assert await warning(gateway, station, connector, right) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (profile(), "chargingProfilePurpose: only a TxProfile"),
        (profile(TX, transactionId=3), "transactionId: must be absent"),
    ],
)
async def test_rule_2_10_01_a_remote_start_carries_a_tx_profile_without_transaction(
    gateway: Bench, station: ScriptedStation, wrong: dict[str, Any], said: str
) -> None:
    wanted = {"connectorId": 1, "idTag": "VALID", "chargingProfile": {"chargingProfileId": 5, **wrong}}
    got, outcome = await gateway.sends(station, "RemoteStartTransaction", wanted, answered={"status": "Rejected"})
    assert got == wanted
    assert said in (outcome.warning or "")


async def test_rule_2_10_01_a_default_on_0_is_every_connector_s_until_one_has_its_own(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 0, profile(DEFAULT, 16))
    await sets(gateway, station, 1, profile(DEFAULT, 20))
    assert (await composite(gateway, 1), await composite(gateway, 2)) == ([(0, 20)], [(0, 16)])


# 2.10.2


async def test_rule_2_10_02_the_same_id_replaces_also_in_another_place(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=4))
    said = await warning(gateway, station, 2, profile(DEFAULT, 10, chargingProfileId=4))
    assert said == "chargingProfileId: 4 is that of the TxDefaultProfile on connector 1, which goes"
    await sets(gateway, station, 2, profile(DEFAULT, 10, chargingProfileId=4))
    assert await in_force(gateway) == [4]
    assert (await composite(gateway, 1), await composite(gateway, 2)) == ([(0, None)], [(0, 10)])


async def test_rule_2_10_02_the_same_level_and_purpose_replaces_in_the_same_place_only(
    gateway: Bench, station: ScriptedStation
) -> None:
    for number, (connector, purpose, level) in enumerate(
        [(1, DEFAULT, 0), (2, DEFAULT, 0), (0, DEFAULT, 0), (0, MAX, 0), (1, DEFAULT, 1)], 1
    ):
        await sets(gateway, station, connector, profile(purpose, level=level, chargingProfileId=number))
    assert await in_force(gateway) == [1, 2, 3, 4, 5]
    await sets(gateway, station, 1, profile(DEFAULT, chargingProfileId=6))
    await sets(gateway, station, 0, profile(MAX, chargingProfileId=7))
    assert await in_force(gateway) == [2, 3, 5, 6, 7]


async def test_rule_2_10_02_chosen_ids_are_unique_in_the_station_and_above_the_operator_s(
    gateway: Bench, station: ScriptedStation
) -> None:
    chosen = [(await sets(gateway, station, 1, profile(level=level)))["chargingProfileId"] for level in (0, 1)]
    assert chosen == [1, 2]
    await sets(gateway, station, 1, profile(level=2, chargingProfileId=40))
    assert (await sets(gateway, station, 2, profile()))["chargingProfileId"] == 41
    await clears(gateway, station, {})
    assert (await sets(gateway, station, 2, profile()))["chargingProfileId"] == 42


async def test_rule_2_10_02_what_is_rejected_replaces_nothing(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=4))
    for status in ("Rejected", "NotSupported"):
        await sets(gateway, station, 1, profile(DEFAULT, 10, chargingProfileId=4), {"status": status})
    assert await composite(gateway) == [(0, 16)]


# 2.10.3


async def test_rule_2_10_03_the_highest_level_counts_until_its_duration_is_over(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, level=0))
    await sets(gateway, station, 1, absolute(DEFAULT, 20, level=2, schedule={"duration": 28_800 + 60}))
    await sets(gateway, station, 1, absolute(DEFAULT, 10, level=1, schedule={"duration": 28_800 + 100}))
    assert await composite(gateway) == [(0, 20), (60, 10), (100, 16)]


async def test_rule_2_10_03_without_duration_it_never_falls_back_and_after_the_last_nothing_limits(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, level=0, schedule={"duration": 60}))
    assert await composite(gateway) == [(0, 16), (60, None)]
    await sets(gateway, station, 1, profile(DEFAULT, 20, level=1))
    assert await composite(gateway) == [(0, 20)]


async def test_rule_2_10_03_a_tx_profile_beats_every_default_until_it_is_over(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await sets(gateway, station, 1, profile(DEFAULT, 10, level=8))
    own = profile(TX, 20, level=0, transactionId=transaction, schedule={"duration": 600})
    await sets(gateway, station, 1, own)
    assert await composite(gateway) == [(0, 20), (600, 10)]


async def test_rule_2_10_03_validity_counts_and_a_gap_is_warned_of(gateway: Bench, station: ScriptedStation) -> None:
    later = {"validFrom": "2027-01-15T08:01:00Z", "validTo": "2027-01-15T08:02:00Z"}
    await sets(gateway, station, 1, profile(DEFAULT, 10, chargingProfileId=4))
    said = await warning(gateway, station, 1, profile(DEFAULT, 8, chargingProfileId=4, **later))
    assert said == "validFrom: the old profile goes at once, so nothing limits until then"
    await sets(gateway, station, 1, profile(DEFAULT, 8, chargingProfileId=4, **later))
    assert await composite(gateway) == [(0, None), (60, 8), (120, None)]


async def test_rule_2_10_03_levels_and_numbers_beyond_what_the_station_told_are_warned_of(
    gateway: Bench, station: ScriptedStation
) -> None:
    await settings(
        gateway,
        station,
        ChargeProfileMaxStackLevel="8",
        MaxChargingProfilesInstalled="1",
        ChargingScheduleMaxPeriods="2",
    )
    assert await warning(gateway, station, 1, profile(level=8)) is None
    said = await warning(gateway, station, 1, profile(level=9))
    assert said == "stackLevel: the station's highest is 8 (ChargeProfileMaxStackLevel)"
    said = await warning(gateway, station, 1, profile(DEFAULT, (0, 6.0), (1, 7.0), (2, 8.0)))
    assert said == "chargingSchedulePeriod: the station takes at most 2 periods (ChargingScheduleMaxPeriods)"
    await sets(gateway, station, 1, profile(chargingProfileId=4))
    said = await warning(gateway, station, 1, profile(level=1))
    assert said == "the station keeps at most 1 profiles (MaxChargingProfilesInstalled)"
    assert await warning(gateway, station, 1, profile(level=0)) is None


# 2.10.4


async def test_rule_2_10_04_recurring_begins_again_at_its_own_hour_and_is_cut(
    gateway: Bench, station: ScriptedStation
) -> None:
    daily = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    start = {"startSchedule": "2027-01-10T09:30:00Z", "duration": 90_000}  # now it is Friday, 08:00
    await sets(gateway, station, 1, profile(DEFAULT, (0, 6.0), (3600, 16.0), (86_400, 1.0), schedule=start, **daily))
    assert await composite(gateway) == [(0, 16), (5400, 6), (9000, 16)]
    weekly = {"chargingProfileKind": "Recurring", "recurrencyKind": "Weekly"}
    start = {"startSchedule": "2026-12-18T08:10:00Z", "duration": 60}
    await sets(gateway, station, 1, profile(DEFAULT, 7, level=1, schedule=start, **weekly))
    assert await composite(gateway, seconds=3600) == [(0, 16), (600, 7), (660, 16)]


async def test_rule_2_10_04_a_change_of_the_wall_clock_moves_no_recurrence(
    gateway: Bench, station: ScriptedStation
) -> None:
    gateway.clock.forward(hours=71 * 24 + 4)  # 2027-03-27 12:00 UTC; summer time begins in the night
    daily = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    start = {"startSchedule": "2027-03-01T17:00:00Z", "duration": 3600}
    await sets(gateway, station, 1, profile(DEFAULT, 6, schedule=start, **daily))
    starts = [second for second, limit in await composite(gateway, seconds=3 * 86_400) if limit == 6]
    assert {later - earlier for earlier, later in pairwise(starts)} == {86_400}
    assert (gateway.clock.now // 1_000_000 + starts[0]) % 86_400 == 17 * 3600


async def test_rule_2_10_04_relative_runs_from_the_start_of_the_session(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await sets(gateway, station, 1, profile(TX, (0, 6.0), (900, 16.0), transactionId=transaction))
    gateway.clock.forward(minutes=10)
    assert await composite(gateway) == [(0, 6), (300, 16)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (profile(chargingProfileKind="Absolute"), "startSchedule: Absolute needs one"),
        (profile(chargingProfileKind="Recurring", recurrencyKind="Daily"), "startSchedule: Recurring needs one"),
        (absolute(chargingProfileKind="Relative"), "startSchedule: must be absent"),
        (absolute(chargingProfileKind="Recurring"), "recurrencyKind: Recurring needs Daily or Weekly"),
        (absolute(recurrencyKind="Daily"), "recurrencyKind: belongs to the kind Recurring only"),
        (
            absolute(chargingProfileKind="Recurring", recurrencyKind="Daily", schedule={"duration": 90_000}),
            "chargingSchedule: what is longer than the recurrence is cut off",
        ),
        (absolute(validTo="2027-01-15T07:00:00Z"), "chargingProfile: it is over already"),
        (absolute(validFrom="2027-01-17T00:00:00Z"), "validTo: is not after validFrom"),
    ],
)
async def test_rule_2_10_04_kinds_and_times_that_do_not_agree_are_warned_of(
    gateway: Bench, station: ScriptedStation, wrong: dict[str, Any], said: str
) -> None:
    assert said in (await warning(gateway, station, 1, wrong) or "")


# 2.10.5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (profile(DEFAULT, (5, 6.0)), "startPeriod: the first must be 0"),
        (profile(DEFAULT, (0, 6.0), (60, 7.0), (30, 8.0)), "startPeriod: must ascend"),
        (profile(DEFAULT, 6.25), "limit: expected a multiple of 0.1"),
        (profile(level=-1), "stackLevel: the lowest is 0"),
    ],
)
async def test_rule_2_10_05_periods_out_of_order_and_fine_limits_are_warned_of(
    gateway: Bench, station: ScriptedStation, wrong: dict[str, Any], said: str
) -> None:
    found = await warning(gateway, station, 1, wrong) or ""
    station._wrong.clear()  # the operator may send what no schema allows
    assert said in found


@pytest.mark.parametrize(
    ("told", "taken", "refused"),
    [("Current", "A", "W"), ("Power", "W", "A"), ("A", "A", "W"), ("W", "W", "A"), (" power ", "W", "A")],
)
async def test_rule_2_10_05_a_unit_that_the_station_does_not_take_is_warned_of(
    gateway: Bench, station: ScriptedStation, told: str, taken: str, refused: str
) -> None:
    await settings(gateway, station, ChargingScheduleAllowedChargingRateUnit=told)
    assert await warning(gateway, station, 1, profile(schedule={"chargingRateUnit": taken})) is None
    said = await warning(gateway, station, 1, profile(schedule={"chargingRateUnit": refused}))
    assert said == f"chargingRateUnit: the station takes only {taken} (ChargingScheduleAllowedChargingRateUnit)"


@pytest.mark.parametrize("told", ["Current,Power", "A, W", "", "Horsepower"])
async def test_rule_2_10_05_with_both_units_or_none_told_nothing_is_warned_of(
    gateway: Bench, station: ScriptedStation, told: str
) -> None:
    await settings(gateway, station, ChargingScheduleAllowedChargingRateUnit=told)
    for unit in ("A", "W"):
        assert await warning(gateway, station, 1, profile(schedule={"chargingRateUnit": unit})) is None


async def test_rule_2_10_05_limits_go_out_as_written(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, (0, 21.4), (60, 6.0), (120, 16), (180, 0.1)))
    station._wrong.clear()  # a validator that counts in binary takes 21.4 for no multiple of 0.1
    sent = station.texts[-1]
    assert all(f'"limit":{limit}' in sent for limit in ("21.4}", "6.0}", "16}", "0.1}"))


async def test_rule_2_10_05_amperes_are_per_phase_and_watts_in_total(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16))
    assert await composite(gateway, unit="W") == [(0, 11_040)]
    one_phase = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 3680, "numberPhases": 1}],
    }
    await sets(gateway, station, 2, profile(schedule=one_phase))
    assert await composite(gateway, 2) == [(0, 16)]
    await sets(
        gateway,
        station,
        2,
        profile(schedule={"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11_000}]}),
    )
    assert await composite(gateway, 2) == [(0, 15.942)]  # cut, never above


# 2.10.7


async def test_rule_2_10_07_an_id_decides_alone(gateway: Bench, station: ScriptedStation) -> None:
    for number, connector in enumerate((1, 2), 1):
        await sets(gateway, station, connector, profile(chargingProfileId=number))
    wanted = {"id": 1, "connectorId": 2, "stackLevel": 7, "chargingProfilePurpose": MAX}
    got, outcome = await gateway.sends(station, "ClearChargingProfile", wanted, answered=ACCEPTED)
    assert (got, outcome.warning) == (wanted, "id: with it, every other member is ignored")
    assert await in_force(gateway) == [2]


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({}, []),
        ({"connectorId": 0}, [3, 4, 5]),
        ({"connectorId": 1}, [1, 2, 5]),
        ({"chargingProfilePurpose": DEFAULT}, [1]),
        ({"stackLevel": 1}, [1, 2, 3]),
        ({"stackLevel": 1, "connectorId": 1}, [1, 2, 3, 5]),
        ({"stackLevel": 1, "connectorId": 1, "chargingProfilePurpose": MAX}, [1, 2, 3, 4, 5]),
    ],
)
@pytest.mark.parametrize("answer", [ACCEPTED, UNKNOWN])
async def test_rule_2_10_07_criteria_are_joined_and_0_means_on_0(
    gateway: Bench, station: ScriptedStation, criteria: dict[str, Any], left: list[int], answer: dict[str, str]
) -> None:
    for number, (connector, purpose, level) in enumerate(
        [(0, MAX, 0), (0, DEFAULT, 0), (1, DEFAULT, 0), (1, DEFAULT, 1), (2, DEFAULT, 1)], 1
    ):
        await sets(gateway, station, connector, profile(purpose, level=level, chargingProfileId=number))
    await clears(gateway, station, criteria, answer)
    assert await in_force(gateway) == left


async def test_rule_2_10_07_unknown_takes_away_what_was_believed(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(chargingProfileId=4))
    await clears(gateway, station, {"id": 4}, UNKNOWN)
    assert await in_force(gateway) == []
