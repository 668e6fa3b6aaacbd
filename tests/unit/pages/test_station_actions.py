"""What a station is asked for by forms: every deed reaches it, and its answer is told."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.model.calls import Answered, CallErrored, Unanswered
from gateway.pages.station_deeds_listed import DEEDS
from gateway.pages.typed_numbers import ZERO
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import Sight, read
from tests.unit.pages.test_station import much
from tests.unit.web.conftest import PlayedConnection

ACTIONS = "/stations/FILE-1/actions"
IN = "2027-01-15T08:30:00Z"
SINGLE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}]}


async def send(reader: Reader, deed: str, fields: Mapping[str, str], *, expect: int = 200, **more: object) -> Sight:
    response = await reader.send(f"{ACTIONS}/{deed}", fields, expect=expect, **more)
    return read(await response.text())


async def test_forms_for_whom_may_use_them(reader: Reader) -> None:
    await reader.see(ACTIONS, role="viewer", expect=403)
    sight = await reader.see(ACTIONS, role="operator")
    assert "The station is not connected now." in sight.text
    assert "No session runs on this station." in sight.text
    assert "There is no image that can be used." in sight.text
    there = {form.action.partition("#")[0].rpartition("/")[2] for form in sight.forms}
    assert there & DEEDS.keys() == DEEDS.keys() - {"stop", "cancel", "firmware"}
    asked = {
        each[1]["action"].rpartition("#")[2]: each[1].get("data-question-when", "always")
        for each in sight.elements if each[1].get("data-question")
    }  # fmt: skip
    always = ("unlock", "reset", "clear-profiles", "profile", "by-hand")
    assert asked == dict.fromkeys(always, "always") | {"availability": "kind=^Inoperative$", "limit": f"limit={ZERO}"}
    assert DEEDS["stop"].question and DEEDS["firmware"].question


@pytest.mark.parametrize(
    ("deed", "fields", "action", "payload"),
    [
        ("start", {"connector": "0", "tag": "T"}, "RemoteStartTransaction", {"idTag": "T"}),
        ("start", {"connector": "2", "tag": "T"}, "RemoteStartTransaction", {"connectorId": 2, "idTag": "T"}),
        ("stop", {"transaction": "7"}, "RemoteStopTransaction", {"transactionId": 7}),
        ("reset", {"kind": "Hard"}, "Reset", {"type": "Hard"}),
        ("unlock", {"connector": "1"}, "UnlockConnector", {"connectorId": 1}),
        ("availability", {"connector": "0", "kind": "Inoperative"}, "ChangeAvailability",
         {"connectorId": 0, "type": "Inoperative"}),
        ("trigger", {"message": "Heartbeat"}, "TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ("trigger", {"message": "MeterValues", "connector": "1"}, "TriggerMessage",
         {"requestedMessage": "MeterValues", "connectorId": 1}),
        ("clear-cache", {}, "ClearCache", {}),
        ("limit", {"limit": "16,5", "purpose": "TxDefaultProfile"}, "SetChargingProfile",
         {"connectorId": 0, "csChargingProfiles": {
             "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
             "chargingProfileKind": "Relative", "chargingSchedule": SINGLE}}),
        ("limit", {"limit": "16.5", "purpose": "TxProfile", "transaction": "7", "connector": "1", "minutes": "30"},
         "SetChargingProfile",
         {"connectorId": 1, "csChargingProfiles": {
             "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "transactionId": 7,
             "chargingProfileKind": "Absolute", "validTo": IN,
             "chargingSchedule": {**SINGLE, "startSchedule": "2027-01-15T08:00:00Z"}}}),
        ("limit", {"limit": "16.5", "purpose": "ChargePointMaxProfile", "connector": "1", "unit": "A"},
         "SetChargingProfile",
         {"connectorId": 0, "csChargingProfiles": {
             "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "ChargePointMaxProfile",
             "chargingProfileKind": "Absolute",
             "chargingSchedule": {**SINGLE, "startSchedule": "2027-01-15T08:00:00Z"}}}),
        ("profile", {"connector": "1", "profile": '{"chargingProfileId": 5}'}, "SetChargingProfile",
         {"connectorId": 1, "csChargingProfiles": {"chargingProfileId": 5}}),
        ("clear-profiles", {}, "ClearChargingProfile", {}),
        ("clear-profiles", {"profile": "3", "purpose": "TxProfile"}, "ClearChargingProfile",
         {"id": 3, "chargingProfilePurpose": "TxProfile"}),
        ("cancel", {"reservation": "3"}, "CancelReservation", {"reservationId": 3}),
        ("data-transfer", {"vendor": "V", "data": "d"}, "DataTransfer", {"vendorId": "V", "data": "d"}),
        ("by-hand", {"action": "GetConfiguration", "payload": '{"key": ["A"]}'}, "GetConfiguration", {"key": ["A"]}),
    ],
)  # fmt: skip
async def test_a_deed_reaches_the_station(
    reader: Reader, deed: str, fields: dict[str, str], action: str, payload: object
) -> None:
    await reader.site.database.write(much)
    connection = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    sight = await send(reader, deed, fields, role="operator")
    assert connection.asked[:1] == [(action, payload)]
    assert sight.by_id(deed)[1].get("open") == ""
    assert "Accepted" in sight.text


async def test_a_reservation_gets_its_number_from_the_gateway(reader: Reader) -> None:
    connection = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Occupied"})))
    sight = await send(reader, "reserve", {"connector": "1", "tag": "T", "minutes": "30", "parent": "P"})
    ((action, payload),) = connection.asked
    assert action == "ReserveNow"
    assert payload.items() >= {"connectorId": 1, "idTag": "T", "expiryDate": IN, "parentIdTag": "P"}.items()
    assert "The connector is in use." in sight.text


@pytest.mark.parametrize(
    ("deed", "fields", "name"),
    [
        ("start", {"tag": ""}, "tag"),
        ("limit", {"limit": "1.2.3"}, "limit"),
        ("limit", {"limit": "²"}, "limit"),
        ("limit", {"limit": "6", "profile": "-1"}, "profile"),
        ("reserve", {"tag": "T", "minutes": ""}, "minutes"),
        ("profile", {"profile": "[]"}, "profile"),
        ("by-hand", {"action": "Reset", "payload": "{"}, "payload"),
        ("by-hand", {"action": "", "payload": "{}"}, "action"),
    ],
)
async def test_mistakes_are_told_and_nothing_is_sent(
    reader: Reader, deed: str, fields: dict[str, str], name: str
) -> None:
    connection = reader.connected.play(PlayedConnection("FILE-1"))
    sight = await send(reader, deed, fields, expect=422)
    assert sight.by_id(f"{deed}-{name}")[1]["aria-invalid"] == "true"
    assert sight.by_id(f"{deed}-{name}-mistake")
    assert connection.asked == []
    form = sight.form_to(f"{ACTIONS}/{deed}#{deed}")
    assert form.fields.get(name, "").strip() == fields.get(name, "")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Unanswered(), "Nobody knows whether it did it"),
        (CallErrored("FormationViolation", "<bad>", {}), "there is a mistake in the request. <bad>"),
        (Answered({"status": "Sideways"}), "Sideways"),
        (Answered({"status": ["odd"]}), "odd"),
    ],
)
async def test_odd_answers_are_told(reader: Reader, reply: object, text: str) -> None:
    reader.connected.play(PlayedConnection("FILE-1", reply=reply))  # type: ignore[arg-type]
    response = await reader.send(f"{ACTIONS}/clear-cache", {}, expect=200, headers={"HX-Request": "true"})
    sight = read(await response.text())
    assert text in sight.text
    assert "Skip to the content" not in sight.text, "htmx gets the form alone"


async def test_what_the_api_refuses_is_told(reader: Reader) -> None:
    assert "nothing was sent" in (await send(reader, "reset", {"kind": "Soft"})).text
    sight = await send(reader, "by-hand", {"action": "Fly/away", "payload": ""})
    assert "OCPP 1.6 has no request 'Fly/away' to a station" in sight.text
    assert "'nothing'" in (await send(reader, "firmware", {"image": "nothing"})).text
    await send(reader, "dance", {}, expect=404)
    await send(reader, "reset", {}, role="viewer", expect=403)


async def test_the_plans_of_both_are_shown(reader: Reader) -> None:
    schedule = {
        "startPeriod": 0, "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000}, {"startPeriod": "x"}, 3],
    }  # fmt: skip
    reply = Answered({"status": "Accepted", "scheduleStart": "2027-01-15T08:00:00Z", "chargingSchedule": schedule})
    connection = reader.connected.play(PlayedConnection("FILE-1", reply=reply))
    sight = await send(reader, "schedule", {"connector": "1", "hours": "2", "unit": "A"})
    assert connection.asked == [("GetCompositeSchedule", {"connectorId": 1, "duration": 7200, "chargingRateUnit": "A"})]
    assert "The station says" in sight.text and "11.0\N{NO-BREAK SPACE}kW" in sight.text.replace(" kW", "\xa0kW")
    assert "The gateway reckons" in sight.text and "no limit" in sight.text
    connection.reply = Answered({"status": "Rejected"})
    assert "It told no plan." in (await send(reader, "schedule", {"connector": "1"})).text


async def test_diagnostics_and_lists_are_asked_for(reader: Reader) -> None:
    connection = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"fileName": "d.zip"})))
    await send(reader, "diagnostics", {"log": "diagnostics", "reason": "it hums"})
    assert connection.asked[0][0] == "GetDiagnostics"
    await send(reader, "diagnostics", {"log": "diagnostics", "from": "2027-01-14T09:00", "to": "2027-01-15T09:00:30"})
    times = {name: connection.asked[-1][1][name] for name in ("startTime", "stopTime")}
    assert times == {"startTime": "2027-01-14T09:00:00.000Z", "stopTime": "2027-01-15T09:00:30.000Z"}
    wrong = await send(reader, "diagnostics", {"log": "diagnostics", "from": "soon"}, expect=422)
    assert wrong.by_id("diagnostics-from-mistake")
    connection.reply = Answered({"status": "Accepted"})
    sight = await send(reader, "local-list", {"kind": "Full"})
    assert connection.asked[-1][0] == "SendLocalList"
    assert "The station has the list now." in sight.text
