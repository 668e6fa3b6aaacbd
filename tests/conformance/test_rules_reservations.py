"""Rules 2.7: ids that the gateway chooses, how reservations are used and how they end, what is only a warning."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.carry_out_commands import Outcome
from gateway.operations.expire_reservations import end_due
from gateway.operations.provision_stations import put_station, remove_station
from tests.conformance.site_under_test import STATION, Bench, TestClock, bench
from tests.conformance.test_reservations import ids, reserved, wanted, why_ended
from tests.fakes.scripted_station import ScriptedStation, plugged_in

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
A_MINUTE_AGO = "2027-01-15T07:59:00Z"


def later(seconds: int) -> str:
    return f"2027-01-15T08:{seconds // 60:02d}:{seconds % 60:02d}Z"


async def session(gateway: Bench, started: Mapping[str, Any]) -> Any:
    return (await gateway.transaction(started["transactionId"]))["reservation_id"]


async def refused_with(
    gateway: Bench, station: ScriptedStation, action: str, payload: dict[str, object], code: str
) -> Outcome:
    """The station answers with a CALLERROR."""
    running = asyncio.create_task(gateway.order(action, payload))
    await station.expect(action)
    await station.refuse(code)
    return await running


# 2.7.1: the id


async def test_rule_2_7_01_ids_are_chosen_per_station_and_never_go_back(tmp_path: Path) -> None:
    two = STATION + '[[station]]\nid = "CP-2"\n'
    async with bench(tmp_path, more=two) as gateway, gateway.station() as one:
        assert (await reserved(gateway, one, wanted(1)))["reservationId"] == 1
        assert (await reserved(gateway, one, wanted(2), answer="Rejected"))["reservationId"] == 2
    async with bench(tmp_path, more=two) as gateway, gateway.station() as one:
        assert (await reserved(gateway, one, wanted(2)))["reservationId"] == 3


async def test_rule_2_7_01_an_id_of_the_operator_is_sent_as_it_is_and_not_given_again(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert (await reserved(gateway, station, wanted(1, reservationId=41)))["reservationId"] == 41
    assert (await reserved(gateway, station, wanted(2)))["reservationId"] == 42


async def test_rule_2_7_01_ids_that_began_again_pass_by_those_in_use(gateway: Bench, station: ScriptedStation) -> None:
    await reserved(gateway, station, wanted(1, reservationId=1))
    await reserved(gateway, station, wanted(2, reservationId=2**31 - 3))
    await reserved(gateway, station, wanted(2))
    assert (await reserved(gateway, station, wanted(2)))["reservationId"] == 2


@pytest.mark.parametrize("connector", [1, 2])
async def test_rule_2_7_01_the_same_id_replaces(gateway: Bench, station: ScriptedStation, connector: int) -> None:
    await reserved(gateway, station, wanted(1, reservationId=7))
    await station.shows(1, "Reserved")
    await reserved(gateway, station, wanted(connector, reservationId=7, idTag="OTHER"))
    (known,) = await gateway.reservations()
    assert (known["reservation_id"], known["connector"], known["id_tag"]) == (7, connector, "OTHER")
    assert await why_ended(gateway) == ["replaced"]
    if connector == 1:  # it is Reserved all the time, and nothing tells it again
        await station.shows(1, "Available")
        assert await ids(gateway) == []


async def test_rule_2_7_01_a_refused_replacement_leaves_what_was(gateway: Bench, station: ScriptedStation) -> None:
    await reserved(gateway, station, wanted(1, reservationId=7))
    await reserved(gateway, station, wanted(2, reservationId=7, idTag="OTHER"), answer="Occupied")
    (known,) = await gateway.reservations()
    assert (known["connector"], known["id_tag"]) == (1, "VALID")


# 2.7.2: use


@pytest.mark.parametrize("connector", [1, 2])
async def test_rule_2_7_02_a_reservation_of_the_station_is_used_on_any_connector(
    gateway: Bench, station: ScriptedStation, connector: int
) -> None:
    got = await reserved(gateway, station, wanted(0))
    started = await station.starts(connector, "VALID", reservationId=got["reservationId"])
    assert await session(gateway, started) == got["reservationId"]
    (used,) = await gateway.events("reservation.used")
    assert used["used_connector"] == connector
    assert await ids(gateway) == []


@pytest.mark.parametrize("told", [{}, {"reservationId": 0}, {"reservationId": 9999}, {"reservationId": -1}])
@pytest.mark.parametrize("tag", ["member-1", "MEMBER-2"])
async def test_rule_2_7_02_without_a_known_id_the_connector_and_the_tag_or_its_group_tell(
    gateway: Bench, station: ScriptedStation, told: dict[str, int], tag: str
) -> None:
    got = await reserved(gateway, station, wanted(1, idTag="MEMBER-1", parentIdTag="group"))
    started = await station.starts(1, tag, **told)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert await session(gateway, started) == got["reservationId"]
    assert await ids(gateway) == []


@pytest.mark.parametrize(
    ("connector", "tag", "told"),
    [(1, "OTHER", {}), (2, "VALID", {}), (1, "GROUP", {}), (1, "OTHER", {"reservationId": 0})],
)
async def test_rule_2_7_02_somebody_else_does_not_use_it_up(
    gateway: Bench, station: ScriptedStation, connector: int, tag: str, told: dict[str, int]
) -> None:
    got = await reserved(gateway, station, wanted(1, parentIdTag="GROUP"))
    started = await station.starts(connector, tag, **told)
    assert await session(gateway, started) is None
    assert await ids(gateway) == [got["reservationId"]]
    passed_over = await gateway.events("reservation.passed_over")
    assert len(passed_over) == (1 if connector == 1 else 0)


async def test_rule_2_7_02_who_may_charge_on_a_reserved_connector_is_the_stations_affair(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reserved(gateway, station, wanted(1))
    assert (await station.authorizes("OTHER"))["status"] == "Accepted"
    assert (await station.starts(1, "OTHER"))["idTagInfo"]["status"] == "Accepted"


async def test_rule_2_7_02_the_id_counts_whatever_the_tag_and_the_connector(
    gateway: Bench, station: ScriptedStation
) -> None:
    got = await reserved(gateway, station, wanted(1))
    started = await station.starts(2, "BLOCKED", reservationId=got["reservationId"])
    assert started["idTagInfo"]["status"] == "Blocked"
    assert await session(gateway, started) == got["reservationId"]
    assert await ids(gateway) == []


async def test_rule_2_7_02_the_id_of_another_station_uses_nothing_up(tmp_path: Path) -> None:
    two = STATION + '[[station]]\nid = "CP-2"\n'
    async with bench(tmp_path, more=two) as gateway, gateway.station() as one, gateway.station("CP-2") as other:
        got = await reserved(gateway, one, wanted(1))
        started = await other.starts(1, "VALID", reservationId=got["reservationId"])
        assert await session(gateway, started) == got["reservationId"]  # the station's words
        assert await ids(gateway) == [got["reservationId"]]
        assert await gateway.events("reservation.used") == []


async def test_rule_2_7_02_a_start_told_again_uses_nothing_more(gateway: Bench, station: ScriptedStation) -> None:
    await reserved(gateway, station, wanted(1))
    first = await station.starts(1, "VALID")
    await station.stops(first["transactionId"])
    got = await reserved(gateway, station, wanted(1))
    assert await station.starts(1, "VALID") == first
    assert await ids(gateway) == [got["reservationId"]]


async def test_rule_2_7_02_a_session_from_before_the_reservation_does_not_use_it_up(
    gateway: Bench, station: ScriptedStation
) -> None:
    got = await reserved(gateway, station, wanted(1))
    started = await station.starts(1, "VALID", at=A_MINUTE_AGO)
    assert await session(gateway, started) is None
    assert await ids(gateway) == [got["reservationId"]]
    assert await gateway.events("reservation.passed_over") == []


@pytest.mark.parametrize("told", [True, False])
async def test_rule_2_7_02_a_session_told_after_the_end_is_linked_all_the_same(
    gateway: Bench, station: ScriptedStation, told: bool
) -> None:
    got = await reserved(gateway, station, wanted(1, expiryDate=later(60)))
    gateway.clock.forward(minutes=10)
    await end_due(gateway.site)
    assert await why_ended(gateway) == ["expired"]
    more = {"reservationId": got["reservationId"]} if told else {}
    started = await station.starts(1, "VALID", at=later(50), **more)
    assert await session(gateway, started) == got["reservationId"]
    assert len(await gateway.events("reservation.used")) == 1


async def test_rule_2_7_02_an_old_session_with_an_id_that_was_given_again(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reserved(gateway, station, wanted(1, reservationId=7))
    gateway.clock.forward(minutes=1)
    await reserved(gateway, station, wanted(2, reservationId=7))
    await station.starts(1, "VALID", at=later(10), reservationId=7)
    assert [one["connector"] for one in await gateway.reservations()] == [2]


# 2.7.3: the end


@pytest.mark.parametrize(
    ("connector", "status", "why"),
    [
        (1, "Available", "freed"),
        (1, "Faulted", "out_of_service"),
        (1, "Unavailable", "out_of_service"),
        (0, "Faulted", "out_of_service"),
        (0, "Unavailable", "out_of_service"),
    ],
)
async def test_rule_2_7_03_a_status_ends_a_reservation(
    gateway: Bench, station: ScriptedStation, connector: int, status: str, why: str
) -> None:
    await reserved(gateway, station, wanted(1))
    await station.shows(1, "Reserved")
    await station.shows(connector, status)
    assert await ids(gateway) == []
    assert await why_ended(gateway) == [why]


@pytest.mark.parametrize(
    ("connector", "status"), [(2, "Available"), (2, "Faulted"), (0, "Available"), (1, "Preparing")]
)
async def test_rule_2_7_03_other_statuses_end_nothing(
    gateway: Bench, station: ScriptedStation, connector: int, status: str
) -> None:
    got = await reserved(gateway, station, wanted(1))
    await station.shows(1, "Reserved")
    await station.shows(connector, status)
    assert await ids(gateway) == [got["reservationId"]]


@pytest.mark.parametrize("status", ["Available", "Faulted", "Unavailable"])
async def test_rule_2_7_03_a_status_from_before_the_request_ends_nothing(
    gateway: Bench, station: ScriptedStation, status: str
) -> None:
    gateway.clock.forward(minutes=1)
    got = await reserved(gateway, station, wanted(1))
    await station.shows(1, "Reserved", timestamp=later(10))  # of the reservation before
    await station.shows(1, status, timestamp=later(20))
    assert await ids(gateway) == [got["reservationId"]]
    await station.shows(1, "Reserved", timestamp=later(60))
    await station.shows(1, "Available", timestamp=later(61))
    assert await ids(gateway) == []


async def test_rule_2_7_03_statuses_without_time_that_were_late(gateway: Bench, station: ScriptedStation) -> None:
    got = await reserved(gateway, station, wanted(1))
    gateway.clock.forward(seconds=1)
    for status in ("Reserved", "Faulted", "Available"):
        await station.shows(1, status, timestamp=None)
    assert await ids(gateway) == []
    await station.shows(1, "Reserved", timestamp=None)  # so it stands after all
    assert await ids(gateway) == [got["reservationId"]]
    assert [event["revived"] for event in await gateway.events("reservation.made")] == [False, True]


async def test_rule_2_7_03_a_station_whose_clock_is_slow(gateway: Bench) -> None:
    async with gateway.station() as station:
        for connector in (0, 1, 2):
            await station.shows(connector, "Available", timestamp="2027-01-15T07:00:00Z")
        await reserved(gateway, station, wanted(1))
        await station.shows(1, "Reserved", timestamp="2027-01-15T07:00:01Z")
        await station.shows(1, "Available", timestamp="2027-01-15T07:00:02Z")
        assert await ids(gateway) == []


@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_rule_2_7_03_cancelled_or_already_gone(gateway: Bench, station: ScriptedStation, answer: str) -> None:
    got = await reserved(gateway, station, wanted(1))
    cancel = {"reservationId": got["reservationId"]}
    await gateway.sends(station, "CancelReservation", cancel, answered={"status": answer})
    await station.shows(1, "Reserved")  # told late
    assert await ids(gateway) == []


async def test_rule_2_7_03_an_unanswered_cancellation_leaves_doubt(gateway: Bench, station: ScriptedStation) -> None:
    got = await reserved(gateway, station, wanted(1))
    await station.shows(1, "Reserved")
    gateway.wait_for_answers(seconds=0.05)
    outcome = await gateway.order("CancelReservation", {"reservationId": got["reservationId"]})
    await station.expect("CancelReservation")
    assert outcome.status == "unanswered"
    assert await ids(gateway) == []
    assert [one["reservation_id"] for one in await gateway.reservations(uncertain=True)] == [got["reservationId"]]
    await station.shows(1, "Reserved", timestamp=later(1))
    assert await ids(gateway) == [got["reservationId"]]


@pytest.mark.parametrize("answer", [{"status": "Who knows"}, {}])
async def test_rule_2_7_03_an_unreadable_answer_leaves_doubt(
    gateway: Bench, station: ScriptedStation, answer: dict[str, str]
) -> None:
    _, outcome = await gateway.sends(station, "ReserveNow", wanted(1), answered=answer)
    assert outcome.warning is not None
    assert await ids(gateway) == []
    assert len(await gateway.reservations(uncertain=True)) == 1


@pytest.mark.parametrize("after", ["Reserved", "start", "nothing"])
async def test_rule_2_7_03_an_unanswered_request_may_be_in_force(
    gateway: Bench, station: ScriptedStation, after: str
) -> None:
    gateway.wait_for_answers(seconds=0.05)
    outcome = await gateway.order("ReserveNow", wanted(1))
    got = await station.expect("ReserveNow")
    assert outcome.status == "unanswered"
    assert await ids(gateway) == []
    assert len(await gateway.reservations(uncertain=True)) == 1
    match after:
        case "Reserved":
            await station.shows(1, "Reserved", timestamp=later(1))
            assert await ids(gateway) == [got["reservationId"]]
        case "start":
            started = await station.starts(1, "VALID", at=later(1), reservationId=got["reservationId"])
            assert await session(gateway, started) == got["reservationId"]
        case _:
            gateway.clock.forward(hours=1)
            await end_due(gateway.site)
            assert await why_ended(gateway) == ["expired"]
    assert await gateway.reservations(uncertain=True) == []


async def test_rule_2_7_03_shown_before_the_answer_got_lost(gateway: Bench, station: ScriptedStation) -> None:
    gateway.wait_for_answers(seconds=0.3)
    order = asyncio.create_task(gateway.order("ReserveNow", wanted(1)))
    got = await station.expect("ReserveNow")
    await station.shows(1, "Reserved", timestamp=later(1))
    assert (await order).status == "unanswered"
    assert await ids(gateway) == [got["reservationId"]]
    assert [event["confirmed_by"] for event in await gateway.events("reservation.made")] == ["status"]


async def test_rule_2_7_03_a_session_before_the_answer(gateway: Bench, station: ScriptedStation) -> None:
    order = asyncio.create_task(gateway.order("ReserveNow", wanted(1)))
    got = await station.expect("ReserveNow")
    started = await station.starts(1, "VALID", reservationId=got["reservationId"])
    await station.answer(ACCEPTED)
    await order
    assert await session(gateway, started) == got["reservationId"]
    assert await ids(gateway) == []


@pytest.mark.parametrize("now_it_is", ["Reserved", "Available"])
async def test_rule_2_7_03_statuses_before_the_answer_count_with_it(
    gateway: Bench, station: ScriptedStation, now_it_is: str
) -> None:
    order = asyncio.create_task(gateway.order("ReserveNow", wanted(1)))
    await station.expect("ReserveNow")
    gateway.clock.forward(seconds=1)
    await station.shows(1, "Reserved", timestamp=later(1))
    await station.shows(1, now_it_is, timestamp=later(1))
    assert await ids(gateway) == []
    await station.answer(ACCEPTED)
    await order
    assert await ids(gateway) == ([1] if now_it_is == "Reserved" else [])


async def test_rule_2_7_03_a_status_explained_by_a_request_that_was_then_refused(
    gateway: Bench, station: ScriptedStation
) -> None:
    got = await reserved(gateway, station, wanted(1))
    gateway.clock.forward(seconds=1)
    for status in ("Reserved", "Available"):
        await station.shows(1, status, timestamp=None)  # late, of another reservation before
    order = asyncio.create_task(gateway.order("ReserveNow", wanted(1)))
    await station.expect("ReserveNow")
    gateway.clock.forward(seconds=1)
    await station.shows(1, "Reserved", timestamp=None)
    await station.answer({"status": "Occupied"})
    await order
    assert await ids(gateway) == [got["reservationId"]]


async def test_rule_2_7_03_a_request_on_its_way_is_not_what_was_cancelled(
    gateway: Bench, station: ScriptedStation
) -> None:
    cancel = asyncio.create_task(gateway.order("CancelReservation", {"reservationId": 5}))
    await station.expect("CancelReservation")
    reserve = asyncio.create_task(gateway.order("ReserveNow", wanted(1, reservationId=5)))
    seen = 0
    while not await gateway.reservations(uncertain=True):
        seen = await gateway.site.journal_signal.newer_than(seen)
    await station.answer(REJECTED)
    await cancel
    await station.expect("ReserveNow")
    await station.answer(ACCEPTED)
    await reserve
    assert await ids(gateway) == [5]


async def test_rule_2_7_03_a_replacement_nobody_knows_of_ends_with_its_connector(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reserved(gateway, station, wanted(1, reservationId=5))
    await station.shows(1, "Reserved")
    gateway.wait_for_answers(seconds=0.05)
    await gateway.order("ReserveNow", wanted(1, reservationId=5, idTag="OTHER"))
    await station.expect("ReserveNow")
    assert [one["id_tag"] for one in await gateway.reservations()] == ["VALID"]
    assert [one["id_tag"] for one in await gateway.reservations(uncertain=True)] == ["OTHER"]
    await station.shows(1, "Available")
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []


async def test_rule_2_7_03_of_two_unanswered_ones_the_status_tells_which(
    gateway: Bench, station: ScriptedStation
) -> None:
    gateway.wait_for_answers(seconds=0.05)
    for connector in (1, 2):
        await gateway.order("ReserveNow", wanted(connector, reservationId=5))
        await station.expect("ReserveNow")
    await station.shows(1, "Reserved", timestamp=later(1))
    assert [one["connector"] for one in await gateway.reservations()] == [1]
    assert [one["connector"] for one in await gateway.reservations(uncertain=True)] == [2]
    await station.shows(2, "Reserved", timestamp=later(1))
    assert [one["connector"] for one in await gateway.reservations()] == [2]
    assert await gateway.reservations(uncertain=True) == []


@pytest.mark.parametrize("action", ["ReserveNow", "CancelReservation"])
async def test_rule_2_7_03_a_callerror_changes_nothing(gateway: Bench, station: ScriptedStation, action: str) -> None:
    got = await reserved(gateway, station, wanted(1))
    payload = wanted(2) if action == "ReserveNow" else {"reservationId": got["reservationId"]}
    outcome = await refused_with(gateway, station, action, payload, "InternalError")
    assert outcome.status == "call_error"
    assert await ids(gateway) == [got["reservationId"]]
    assert await gateway.reservations(uncertain=True) == []


async def test_rule_2_7_03_a_station_that_is_away_reserves_nothing(gateway: Bench) -> None:
    outcome = await gateway.order("ReserveNow", wanted(1))
    assert (outcome.status, outcome.request) == ("not_connected", {**wanted(1), "reservationId": 1})
    assert await gateway.reservations(uncertain=True) == []


async def test_rule_2_7_03_the_end_survives_a_restart(tmp_path: Path) -> None:
    clock = TestClock()
    async with bench(tmp_path, clock=clock) as gateway, gateway.station() as station:
        await reserved(gateway, station, wanted(1, expiryDate=later(60)))
        await reserved(gateway, station, wanted(2))
    clock.forward(minutes=2)
    async with bench(tmp_path, clock=clock) as gateway:
        assert (await gateway.eventually_event("reservation.ended"))["reason"] == "expired"
        assert [one["connector"] for one in await gateway.reservations()] == [2]


async def test_rule_2_7_03_a_request_cut_off_by_a_restart_is_uncertain(tmp_path: Path) -> None:
    clock = TestClock()
    async with bench(tmp_path, clock=clock) as gateway:
        rows = (
            "INSERT INTO reservations (command_id, station, reservation_id, connector, id_tag, folded_tag, expiry_at,"
            f" asked_at, standing) VALUES ('c', 'CP-1', 5, 1, 'VALID', 'valid', {clock.now + 10**9}, 0, 'asked')"
        )
        asked = (
            "INSERT INTO commands (command_id, station, action, request, actor, asked_at, status)"
            " VALUES ('c', 'CP-1', 'ReserveNow', '{}', 'test', 0, 'running')"
        )
        await gateway.site.database.write(lambda db: [db.execute(sql) for sql in (asked, rows)] and None)
        assert len(await gateway.reservations(uncertain=True)) == 1
    async with bench(tmp_path, clock=clock) as gateway, gateway.station() as station:
        assert [row["standing"] for row in await gateway.rows("SELECT standing FROM reservations")] == ["uncertain"]
        await gateway.sends(station, "CancelReservation", {"reservationId": 5}, answered=REJECTED)
        assert await gateway.reservations(uncertain=True) == []


@pytest.mark.parametrize("back_as", ["Available", "Reserved"])
async def test_rule_2_7_03_after_a_reboot_the_statuses_tell(
    gateway: Bench, station: ScriptedStation, back_as: str
) -> None:
    got = await reserved(gateway, station, wanted(1))  # never shown
    await station.boots()
    assert await ids(gateway) == [got["reservationId"]]
    await station.shows(0, "Available", timestamp=later(30))
    assert await ids(gateway) == [got["reservationId"]]
    await station.shows(1, back_as, timestamp=later(30))
    assert await ids(gateway) == ([got["reservationId"]] if back_as == "Reserved" else [])


@pytest.mark.parametrize("serial", ["A", "B"])
async def test_rule_2_7_03_another_device_holds_nothing(gateway: Bench, station: ScriptedStation, serial: str) -> None:
    await station.boots(chargePointSerialNumber="A")
    await reserved(gateway, station, wanted(1))
    await station.boots(chargePointSerialNumber=serial)
    assert await why_ended(gateway) == (["station_replaced"] if serial == "B" else [])


async def test_rule_2_7_03_a_removed_station_holds_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, more="") as gateway:
        await put_station(gateway.site, "CP-1", {}, actor="tester")
        async with plugged_in(gateway.url()) as station:
            await reserved(gateway, station, wanted(1))
            await remove_station(gateway.site, "CP-1", actor="tester")
        assert await gateway.reservations() == []
        assert await why_ended(gateway) == ["station_removed"]


async def test_rule_2_7_03_on_a_station_with_one_connector_its_status_tells_of_the_whole(
    gateway: Bench,
) -> None:
    async with gateway.station() as station:
        await station.shows(1, "Available")
        await reserved(gateway, station, wanted(0))
        await station.shows(1, "Reserved")
        await station.shows(0, "Available")
        assert len(await ids(gateway)) == 1
        await station.shows(1, "Available")
        assert await why_ended(gateway) == ["freed"]


async def test_rule_2_7_03_with_several_connectors_a_free_one_ends_no_reservation_of_the_whole(
    gateway: Bench, station: ScriptedStation
) -> None:
    got = await reserved(gateway, station, wanted(0))
    for status in ("Reserved", "Available", "Faulted"):
        await station.shows(1, status)
    assert await ids(gateway) == [got["reservationId"]]


# 2.7.4: warnings


@pytest.mark.parametrize(("supported", "warned"), [(None, True), ("false", True), ("true", False), ("True", False)])
async def test_rule_2_7_04_connector_zero_is_warned_of_and_sent(
    gateway: Bench, station: ScriptedStation, supported: str | None, warned: bool
) -> None:
    if supported is not None:
        key = {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": supported}
        await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})
    _, outcome = await gateway.sends(station, "ReserveNow", wanted(0), answered=ACCEPTED)
    assert (outcome.warning is not None and "ReserveConnectorZeroSupported" in outcome.warning) is warned


@pytest.mark.parametrize(("profiles", "warned"), [("Core", True), ("Core,Reservation", False)])
async def test_rule_2_7_04_a_station_without_the_profile_is_warned_of_and_asked(
    gateway: Bench, station: ScriptedStation, profiles: str, warned: bool
) -> None:
    key = {"key": "SupportedFeatureProfiles", "readonly": True, "value": profiles}
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})
    _, outcome = await gateway.sends(station, "ReserveNow", wanted(1), answered=REJECTED)
    assert (outcome.warning is not None) is warned


async def test_rule_2_7_04_an_expiry_in_the_past_is_warned_of_and_sent(
    gateway: Bench, station: ScriptedStation
) -> None:
    _, outcome = await gateway.sends(station, "ReserveNow", wanted(1, expiryDate=A_MINUTE_AGO), answered=ACCEPTED)
    assert outcome.warning is not None and "expiryDate is in the past" in outcome.warning
    assert await gateway.reservations() == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"connectorId": "1"},
        {"connectorId": -1, "idTag": "VALID"},
        {"connectorId": 1},
        {"connectorId": 2**70, "idTag": "VALID"},
        {"connectorId": True, "idTag": "VALID"},
        {"connectorId": 1, "idTag": "VALID", "reservationId": "seven"},
        {"connectorId": 1, "idTag": "VALID", "reservationId": None},
    ],
)
async def test_rule_2_7_04_what_cannot_be_kept_is_sent_all_the_same(gateway: Bench, payload: dict[str, object]) -> None:
    async with gateway.station(free_payloads=True) as station:
        got, outcome = await gateway.sends(station, "ReserveNow", payload, answered=ACCEPTED)
        assert got == payload | {"reservationId": got["reservationId"]}
        assert outcome.warning is not None
        assert await gateway.reservations() == []
        cancel = {"reservationId": payload.get("reservationId", "x")}
        got, _ = await gateway.sends(station, "CancelReservation", cancel, answered=REJECTED)
        assert got == cancel


@pytest.mark.parametrize("expiry", [None, "soon", 5])
async def test_rule_2_7_04_without_a_readable_end_it_is_believed_for_a_day(gateway: Bench, expiry: object) -> None:
    async with gateway.station(free_payloads=True) as station:
        payload = {"connectorId": 1, "idTag": "VALID", "parentIdTag": " ", "expiryDate": expiry}
        await gateway.sends(station, "ReserveNow", payload, answered=ACCEPTED)
        (known,) = await gateway.reservations()
        assert (known["expiry_time"], known["parent_id_tag"]) == ("2027-01-16T08:00:00.000Z", None)


# 2.7.5: every answer is a result


@pytest.mark.parametrize("answer", ["Faulted", "Occupied", "Rejected", "Unavailable", "occupied"])
async def test_rule_2_7_05_a_refusal_is_a_result(gateway: Bench, station: ScriptedStation, answer: str) -> None:
    _, outcome = await gateway.sends(station, "ReserveNow", wanted(1), answered={"status": answer})
    assert (outcome.status, outcome.response) == ("answered", {"status": answer})
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []


async def test_rule_2_7_05_a_busy_or_unknown_connector_is_asked_for_all_the_same(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.charges(1)
    for connector in (1, 99):
        got, outcome = await gateway.sends(station, "ReserveNow", wanted(connector), answered={"status": "Occupied"})
        assert (got["connectorId"], outcome.warning) == (connector, None)
