"""Rules 2.10.6 and 2.10.8 to 2.10.10: composites, sessions, reboots, other devices, refusals, silence, offline."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.operations.describe_profiles import describe_composite_schedule, describe_profiles
from gateway.operations.keep_backups import back_up, receiving_place, restore
from gateway.operations.reconcile_profiles import reconcile_profiles
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
    uncertain,
)
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation

UNKNOWN = {"status": "Unknown"}
REJECTED = {"status": "Rejected"}


async def set_unanswered(gateway: Bench, station: ScriptedStation, connector: int, one: dict[str, Any]) -> None:
    """The operator sets it, and the station says nothing in time."""
    gateway.wait_for_answers(seconds=0.05)
    order = asyncio.create_task(
        gateway.order("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": one})
    )
    await station.expect("SetChargingProfile")
    assert (await order).status == "unanswered"
    gateway.wait_for_answers(seconds=5)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between requests that nobody asked for."""
    monkeypatch.setattr("gateway.operations.ask_by_itself._REST_SECONDS", 0)


def automatic_requests_are_allowed(gateway: Bench) -> None:
    """For CP-1, from now on. The loop's own turn would come some seconds after the boot."""
    connection = gateway.connection()
    connection.treatment = replace(connection.treatment, quiet=False)


async def reconciled(gateway: Bench, station: ScriptedStation, *answers: tuple[str, object]) -> list[dict[str, Any]]:
    """The automatic function runs; what the station got, in order, each answered."""
    automatic_requests_are_allowed(gateway)
    working = asyncio.create_task(reconcile_profiles(gateway.site, StationId("CP-1")))
    got = []
    for action, answer in answers:
        got.append(await station.expect(action))
        await station.answer(answer)
    await working
    return got


# 2.10.6


async def test_rule_2_10_06_the_station_s_lid_is_a_lid_on_every_connector(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 0, absolute(MAX, 10, schedule={"duration": 28_800 + 60}))
    assert await composite(gateway) == [(0, 10), (60, None)]
    await sets(gateway, station, 1, profile(DEFAULT, (0, 16), (30, 8)))
    assert await composite(gateway) == [(0, 10), (30, 8)]


async def test_rule_2_10_06_connector_0_is_what_the_station_may_draw_from_the_grid(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert await composite(gateway, 0) == [(0, None)]
    await sets(gateway, station, 1, profile(DEFAULT, 16))
    assert await composite(gateway, 0) == [(0, None)]  # connector 2 may draw what it likes
    await sets(gateway, station, 0, profile(DEFAULT, 10, level=1, schedule={"duration": 60}))
    await sets(gateway, station, 0, absolute(MAX, 32))
    assert await composite(gateway, 0) == [(0, 20), (60, 32), (57_600, None)]
    assert await composite(gateway, 0, unit="W") == [(0, 13_800), (60, 22_080), (57_600, None)]


async def test_rule_2_10_06_what_the_station_answers_is_shown_beside_and_changes_nothing(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16))
    answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": "2027-01-15T08:00:00Z"}
    wanted = {"connectorId": 1, "duration": 60}
    await gateway.sends(station, "GetCompositeSchedule", wanted, answered=answer)
    document = await describe_composite_schedule(gateway.site, "CP-1", connector=1, duration_seconds=60, unit="A")
    assert document == {
        "station": "CP-1",
        "connector": 1,
        "start_time": "2027-01-15T08:00:00.000Z",
        "duration_seconds": 60,
        "unit": "A",
        "periods": [{"start_seconds": 0, "limit": 16, "number_phases": 3}],
        "uncertain": False,
        "reported": {"time": "2027-01-15T08:00:00.000Z", "request": wanted, "response": answer},
    }


# 2.10.8


async def test_rule_2_10_08_a_tx_profile_dies_with_its_session_and_no_other(
    gateway: Bench, station: ScriptedStation
) -> None:
    first, second = await station.charges(1), await station.charges(2, "OTHER")
    await sets(gateway, station, 1, profile(TX, 10, transactionId=first, chargingProfileId=1))
    await sets(gateway, station, 2, profile(TX, 10, transactionId=second, chargingProfileId=2))
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=3))
    await station.stops(first)
    assert await in_force(gateway) == [2, 3]
    assert await composite(gateway, 1) == [(0, 16)]


async def test_rule_2_10_08_an_answer_that_comes_with_the_end_of_the_session_installs_nothing(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    payload = {"connectorId": 1, "csChargingProfiles": profile(TX, 10, transactionId=transaction)}
    order = asyncio.create_task(gateway.order("SetChargingProfile", payload))
    await station.expect("SetChargingProfile")
    await station.stops(transaction)
    await station.answer(ACCEPTED)
    assert (await order).response == ACCEPTED
    assert await in_force(gateway) == []


async def test_rule_2_10_08_profiles_survive_a_reboot(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(chargingProfileId=4))
    await station.boots()
    assert await in_force(gateway) == [4]
    assert await reconciled(gateway, station) == []


async def test_rule_2_10_08_a_new_default_counts_for_a_session_that_runs(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.charges(1)
    await sets(gateway, station, 0, profile(DEFAULT, 10))
    assert await composite(gateway, 1) == [(0, 10)]


async def test_rule_2_10_08_another_device_is_cleared_first_and_told_what_was_wanted(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.boots(chargePointSerialNumber="S-1")
    await sets(gateway, station, 0, profile(MAX, 20, chargingProfileId=4))
    await station.boots(chargePointSerialNumber="S-1")
    assert await in_force(gateway) == [4]
    await station.boots(chargePointSerialNumber="S-2")
    assert await in_force(gateway) == []
    assert await uncertain(gateway) == {4: True}
    (told,) = await gateway.events("charging_profiles.doubted")
    assert (told["serial_number_before"], told["serial_number"]) == ("S-1", "S-2")
    assert told["profiles"][0]["profile"]["chargingProfileId"] == 4
    got = await reconciled(gateway, station, ("ClearChargingProfile", UNKNOWN), ("SetChargingProfile", ACCEPTED))
    assert got[0] == {}
    assert got[1]["csChargingProfiles"]["chargingProfileId"] == 4
    assert await in_force(gateway) == [4]
    assert await reconciled(gateway, station) == []


async def test_rule_2_10_08_a_restored_backup_is_not_believed(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(chargingProfileId=4))
    with receiving_place(gateway.site) as copy:
        async with back_up(gateway.site) as made:
            copy.write_bytes(made.read_bytes())
        await clears(gateway, station, {"id": 4})
        await restore(gateway.site, copy, actor="tester")
    await station.hung_up()
    assert await uncertain(gateway) == {4: True}
    async with gateway.station() as back:
        await reconciled(gateway, back, ("ClearChargingProfile", ACCEPTED), ("SetChargingProfile", ACCEPTED))
    assert await in_force(gateway) == [4]


async def test_rule_2_10_08_a_session_that_only_we_take_for_ended_is_cleared_of_its_profile(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await sets(gateway, station, 1, profile(TX, 10, transactionId=transaction, chargingProfileId=4))
    gateway.clock.forward(minutes=1)
    await station.starts(1, "OTHER", at="2027-01-15T08:01:00Z")  # the stop never came
    assert await uncertain(gateway) == {4: False}
    assert await reconciled(gateway, station, ("ClearChargingProfile", UNKNOWN)) == [{"id": 4}]
    assert await uncertain(gateway) == {}


# 2.10.9


async def test_rule_2_10_09_errors_and_refusals_are_answers_and_change_nothing(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=4))
    payload = {"connectorId": 1, "csChargingProfiles": profile(DEFAULT, 6, chargingProfileId=5)}
    for code in ("NotSupported", "PropertyConstraintViolation"):
        order = asyncio.create_task(gateway.order("SetChargingProfile", payload))
        await station.expect("SetChargingProfile")
        await station.refuse(code)
        outcome = await order
        assert (outcome.status, outcome.code) == ("call_error", code)
    await sets(gateway, station, 1, profile(DEFAULT, 6, chargingProfileId=5), {"status": "NotSupported"})
    assert (await in_force(gateway), await uncertain(gateway)) == ([4], {})


async def test_rule_2_10_09_a_station_without_smart_charging_holds_nothing_to_be_settled(
    gateway: Bench, station: ScriptedStation
) -> None:
    await set_unanswered(gateway, station, 1, profile(chargingProfileId=4))
    automatic_requests_are_allowed(gateway)
    working = asyncio.create_task(reconcile_profiles(gateway.site, StationId("CP-1")))
    for action in ("SetChargingProfile", "ClearChargingProfile"):
        await station.expect(action)
        await station.refuse("NotSupported")
    await working
    assert await uncertain(gateway) == {}
    assert await reconciled(gateway, station) == []


# 2.10.10, and what is left open by silence


async def test_rule_2_10_10_what_was_set_last_stays_in_force_while_the_station_is_away(
    gateway: Bench,
) -> None:
    async with gateway.station() as station:
        await station.boots()
        await sets(gateway, station, 0, profile(MAX, 10))  # the floor
        await sets(gateway, station, 0, absolute(MAX, 25, level=1, validTo="2027-01-15T09:00:00Z"))
    await gateway.gone()
    assert await composite(gateway) == [(0, 25), (3600, 10)]
    gateway.clock.forward(hours=2)
    assert await composite(gateway) == [(0, 10)]
    assert await in_force(gateway) == [1]
    async with gateway.station() as station:
        assert await reconciled(gateway, station) == []
    assert len(await gateway.rows("SELECT 1 FROM charging_profiles")) == 1  # what is over is forgotten


async def test_rule_2_10_10_an_unanswered_profile_is_kept_as_a_possibility_and_sent_again(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=4))
    await set_unanswered(gateway, station, 1, profile(DEFAULT, 10, chargingProfileId=5))
    assert (await in_force(gateway), await uncertain(gateway)) == ([], {4: True, 5: True})
    document = await describe_composite_schedule(gateway.site, "CP-1", connector=1, duration_seconds=60, unit="A")
    assert document is not None and document["uncertain"] is True
    (got,) = await reconciled(gateway, station, ("SetChargingProfile", ACCEPTED))
    assert got["csChargingProfiles"]["chargingProfileId"] == 5
    assert (await in_force(gateway), await uncertain(gateway)) == ([5], {})


async def test_rule_2_10_10_what_is_refused_at_the_second_try_is_cleared_and_the_old_one_set_again(
    gateway: Bench, station: ScriptedStation
) -> None:
    await sets(gateway, station, 1, profile(DEFAULT, 16, chargingProfileId=4))
    await set_unanswered(gateway, station, 1, profile(DEFAULT, 10, level=0, chargingProfileId=5))
    got = await reconciled(gateway, station, ("SetChargingProfile", REJECTED), ("SetChargingProfile", ACCEPTED))
    assert [one["csChargingProfiles"]["chargingProfileId"] for one in got] == [5, 4]
    assert (await in_force(gateway), await uncertain(gateway)) == ([4], {})


async def test_rule_2_10_10_an_unanswered_clear_is_repeated(gateway: Bench, station: ScriptedStation) -> None:
    await sets(gateway, station, 1, profile(chargingProfileId=4))
    gateway.wait_for_answers(seconds=0.05)
    order = asyncio.create_task(gateway.order("ClearChargingProfile", {"connectorId": 1}))
    await station.expect("ClearChargingProfile")
    assert (await order).status == "unanswered"
    gateway.wait_for_answers(seconds=5)
    assert await uncertain(gateway) == {4: False}
    assert await reconciled(gateway, station, ("ClearChargingProfile", UNKNOWN)) == [{"id": 4}]
    assert await uncertain(gateway) == {}


async def test_rule_2_10_10_a_station_that_stays_silent_is_left_alone_until_the_next_time(
    gateway: Bench, station: ScriptedStation
) -> None:
    await set_unanswered(gateway, station, 1, profile(chargingProfileId=4))
    gateway.wait_for_answers(seconds=0.05)
    automatic_requests_are_allowed(gateway)
    working = asyncio.create_task(reconcile_profiles(gateway.site, StationId("CP-1")))
    await station.expect("SetChargingProfile")
    await working
    assert await uncertain(gateway) == {4: True}


async def test_rule_2_10_10_in_quiet_mode_nothing_is_settled_unasked(gateway: Bench, station: ScriptedStation) -> None:
    await set_unanswered(gateway, station, 1, profile(chargingProfileId=4))
    assert (await gateway.events("charging_profiles.uncertain"))[0]["profiles"] == [4]
    await reconcile_profiles(gateway.site, StationId("CP-1"))
    assert await uncertain(gateway) == {4: True}


async def test_rule_2_10_10_the_profile_of_a_remote_start_is_sent_again_with_its_transaction(
    gateway: Bench, station: ScriptedStation
) -> None:
    gateway.wait_for_answers(seconds=0.05)
    wanted = {"connectorId": 1, "idTag": "VALID", "chargingProfile": profile(TX, 10, chargingProfileId=4)}
    order = asyncio.create_task(gateway.order("RemoteStartTransaction", wanted))
    await station.expect("RemoteStartTransaction")
    assert (await order).status == "unanswered"
    transaction = await station.charges(1)
    assert await uncertain(gateway) == {4: True}
    gateway.wait_for_answers(seconds=5)
    (got,) = await reconciled(gateway, station, ("SetChargingProfile", ACCEPTED))
    assert got["csChargingProfiles"] == {**wanted["chargingProfile"], "transactionId": transaction}  # type: ignore[dict-item]
    assert await in_force(gateway) == [4]


async def test_rule_2_10_10_a_command_that_ran_when_the_gateway_died_is_a_possibility(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        payload = {"connectorId": 1, "csChargingProfiles": profile(chargingProfileId=4)}
        order = asyncio.create_task(gateway.order("SetChargingProfile", payload))
        await station.expect("SetChargingProfile")
        order.cancel()  # nobody writes down an outcome
        await asyncio.gather(order, return_exceptions=True)
    async with bench(tmp_path) as gateway:
        found, open_ones, _ = await describe_profiles(gateway.site, "CP-1")
        assert (found, [one["charging_profile_id"] for one in open_ones]) == ([], [4])
