"""Certification cases of the profile Reservation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.operations.expire_reservations import end_due
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

ACCEPTED = {"status": "Accepted"}
IN_AN_HOUR = "2027-01-15T09:00:00Z"


def wanted(connector: int = 1, **more: object) -> dict[str, object]:
    """ReserveNow.req without reservationId: the gateway chooses it."""
    return {"connectorId": connector, "expiryDate": IN_AN_HOUR, "idTag": "VALID", **more}


async def reserved(
    gateway: Bench, station: ScriptedStation, request: Mapping[str, object], *, answer: str = "Accepted"
) -> dict[str, Any]:
    """The operator reserves; the request as the station got it, held against what was asked for."""
    got, outcome = await gateway.sends(station, "ReserveNow", request, answered={"status": answer})
    assert got == {**request, "reservationId": got["reservationId"]}
    assert isinstance(got["reservationId"], int)
    assert (outcome.status, outcome.response) == ("answered", {"status": answer})
    assert outcome.request == (None if "reservationId" in request else got)
    return got


async def ids(gateway: Bench) -> list[int]:
    return [one["reservation_id"] for one in await gateway.reservations()]


async def why_ended(gateway: Bench) -> list[str]:
    return [event["reason"] for event in await gateway.events("reservation.ended")]


@pytest.mark.both_orders
@pytest.mark.case("TC_046_CSMS")
async def test_tc_046_csms_reserve_a_connector_then_charge(gateway: Bench, station: ScriptedStation) -> None:
    got = await reserved(gateway, station, wanted(1))
    assert await station.shows(1, "Reserved") == {}
    (known,) = await gateway.reservations()
    assert known == {
        "reservation_id": got["reservationId"],
        "station": "CP-1",
        "connector": 1,
        "id_tag": "VALID",
        "parent_id_tag": None,
        "expiry_time": "2027-01-15T09:00:00.000Z",
    }
    assert (await station.authorizes(got["idTag"]))["status"] == "Accepted"
    assert await station.shows(1, "Preparing") == {}
    started = await station.begins(1, got["idTag"], reservationId=got["reservationId"])
    assert started["idTagInfo"]["status"] == "Accepted"
    assert await gateway.reservations() == []
    assert (await gateway.transaction(started["transactionId"]))["reservation_id"] == got["reservationId"]
    (used,) = await gateway.events("reservation.used")
    assert (used["reservation_id"], used["transaction_id"]) == (got["reservationId"], started["transactionId"])
    (told,) = await gateway.events("transaction.started")
    assert told["reservation_id"] == got["reservationId"]


@pytest.mark.case("TC_047_CSMS")
@pytest.mark.parametrize("station_is_first", [True, False])
async def test_tc_047_csms_a_reservation_expires(
    gateway: Bench, station: ScriptedStation, station_is_first: bool
) -> None:
    await reserved(gateway, station, wanted(1, expiryDate="2027-01-15T08:01:00Z"))
    assert await station.shows(1, "Reserved") == {}
    gateway.clock.forward(seconds=59)
    await end_due(gateway.site)
    assert len(await ids(gateway)) == 1
    if station_is_first:
        assert await station.shows(1, "Available", timestamp="2027-01-15T08:00:59Z") == {}
        assert await why_ended(gateway) == ["freed"]
    else:
        gateway.clock.forward(seconds=1)
        assert await ids(gateway) == []  # whoever asks before the loop has looked
        await end_due(gateway.site)
        assert await station.shows(1, "Available", timestamp="2027-01-15T08:01:00Z") == {}
        assert await why_ended(gateway) == ["expired"]
    assert await ids(gateway) == []


@pytest.mark.case("TC_048_1_CSMS")
async def test_tc_048_1_csms_reservation_faulted(gateway: Bench, station: ScriptedStation) -> None:
    await reserved(gateway, station, wanted(1), answer="Faulted")
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []


@pytest.mark.case("TC_048_2_CSMS")
async def test_tc_048_2_csms_reservation_occupied(gateway: Bench, station: ScriptedStation) -> None:
    assert await station.shows(1, "Preparing") == {}
    await reserved(gateway, station, wanted(1), answer="Occupied")
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []


@pytest.mark.case("TC_048_3_CSMS")
async def test_tc_048_3_csms_reservation_unavailable(gateway: Bench, station: ScriptedStation) -> None:
    change = {"connectorId": 1, "type": "Inoperative"}
    got, _ = await gateway.sends(station, "ChangeAvailability", change, answered=ACCEPTED)
    assert got == change
    assert await station.shows(1, "Unavailable") == {}
    await reserved(gateway, station, wanted(1), answer="Unavailable")
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []


@pytest.mark.case("TC_048_4_CSMS")
async def test_tc_048_4_csms_reservation_rejected(gateway: Bench, station: ScriptedStation) -> None:
    await reserved(gateway, station, wanted(1), answer="Rejected")
    assert await gateway.reservations() == await gateway.reservations(uncertain=True) == []
    assert await gateway.events("reservation.made") == []


@pytest.mark.case("TC_049_CSMS")
@pytest.mark.parametrize("supported", [None, "false", "true"])
@pytest.mark.parametrize("shown_on", [0, 1])
async def test_tc_049_csms_reserve_the_whole_charge_point(
    gateway: Bench, station: ScriptedStation, supported: str | None, shown_on: int
) -> None:
    if supported is not None:
        key = {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": supported}
        await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})
    got = await reserved(gateway, station, wanted(0))
    assert await station.shows(shown_on, "Reserved") == {}
    assert [one["connector"] for one in await gateway.reservations()] == [0]
    transaction = await station.starts(2, "VALID", reservationId=got["reservationId"])
    assert (await gateway.transaction(transaction["transactionId"]))["reservation_id"] == got["reservationId"]
    assert await gateway.reservations() == []


@pytest.mark.case("TC_051_CSMS")
async def test_tc_051_csms_cancel_a_reservation(gateway: Bench, station: ScriptedStation) -> None:
    got = await reserved(gateway, station, wanted(1))
    assert await station.shows(1, "Reserved") == {}
    cancel = {"reservationId": got["reservationId"]}
    cancelled, outcome = await gateway.sends(station, "CancelReservation", cancel, answered=ACCEPTED)
    assert (cancelled, outcome.response) == (cancel, ACCEPTED)
    assert await gateway.reservations() == []
    assert await station.shows(1, "Available") == {}
    assert await why_ended(gateway) == ["cancelled"]


@pytest.mark.case("TC_052_CSMS")
async def test_tc_052_csms_cancel_rejected_of_another_id(gateway: Bench, station: ScriptedStation) -> None:
    """Revision 2024-04: the operator cancels an id that was never reserved."""
    got = await reserved(gateway, station, wanted(1))
    assert await station.shows(1, "Reserved") == {}
    cancel = {"reservationId": got["reservationId"] + 1000}
    cancelled, outcome = await gateway.sends(station, "CancelReservation", cancel, answered={"status": "Rejected"})
    assert (cancelled, outcome.response) == (cancel, {"status": "Rejected"})
    assert await ids(gateway) == [got["reservationId"]]


@pytest.mark.case("TC_052_CSMS")
async def test_tc_052_csms_cancel_rejected_of_the_same_id(gateway: Bench, station: ScriptedStation) -> None:
    """Revision 2025-11: somebody has cancelled it at the station."""
    got = await reserved(gateway, station, wanted(1))
    assert await station.shows(1, "Reserved") == {}
    cancel = {"reservationId": got["reservationId"]}
    await gateway.sends(station, "CancelReservation", cancel, answered={"status": "Rejected"})
    assert await gateway.reservations() == []
    assert await why_ended(gateway) == ["unknown_to_station"]


@pytest.mark.both_orders
@pytest.mark.case("TC_053_CSMS")
async def test_tc_053_csms_a_reserved_connector_is_used_by_the_same_group(
    gateway: Bench, station: ScriptedStation
) -> None:
    got = await reserved(gateway, station, wanted(1, idTag="MEMBER-1", parentIdTag="GROUP"))
    assert await station.shows(1, "Reserved") == {}
    info = {"status": "Accepted", "parentIdTag": got["parentIdTag"]}
    assert await station.authorizes("MEMBER-2") == info
    assert await station.shows(1, "Preparing") == {}
    started = await station.begins(1, "MEMBER-2", reservationId=got["reservationId"])
    assert started["idTagInfo"] == info
    assert await gateway.reservations() == []
    assert await station.authorizes("MEMBER-1") == info  # the other tag of the group ends the session
    stopped = await station.ends(started["transactionId"], idTag="MEMBER-1")
    assert stopped == {"idTagInfo": info}
    session = await gateway.transaction(started["transactionId"])
    assert (session["reservation_id"], session["open"]) == (got["reservationId"], False)
