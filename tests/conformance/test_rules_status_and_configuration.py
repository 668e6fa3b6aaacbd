"""Rules 2.5 and 2.6: connectors, availability, configuration keys, resets, messages about uploads and firmware."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

STATUSES = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)


@pytest.mark.parametrize("status", STATUSES)
async def test_rule_2_5_01_every_status_of_a_connector(gateway: Bench, station: ScriptedStation, status: str) -> None:
    assert await station.shows(1, status) == {}
    assert (await gateway.connector(1))["status"] == status
    assert gateway.quirks() == set()


async def test_rule_2_5_01_the_status_of_the_station_says_nothing_about_its_connectors(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.shows(1, "Charging")
    await station.shows(0, "Unavailable")
    assert (await gateway.connector(1))["status"] == "Charging"
    assert (await gateway.connector(2))["status"] == "Available"
    assert (await gateway.connector(0))["status"] == "Unavailable"


async def test_rule_2_5_01_a_connector_that_was_never_told_of_may_start(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert (await station.starts(7, "VALID"))["idTagInfo"]["status"] == "Accepted"
    assert await station.shows(7, "Charging") == {}
    assert (await gateway.connector(7))["status"] == "Charging"


@pytest.mark.parametrize("connector", [-1, -(2**40), 2**70])
async def test_rule_2_5_01_a_connector_that_cannot_be_is_answered(
    gateway: Bench, station: ScriptedStation, connector: int
) -> None:
    assert await station.shows(connector, "Available") == {}
    assert await station.measures(connector, [{"value": "1"}]) == {}
    started = await station.starts(connector, "VALID")
    assert "connector_out_of_range" in (await gateway.transaction(started["transactionId"]))["anomalies"]


async def test_rule_2_5_02_an_error_without_fault_is_a_warning_and_all_vendor_fields_are_told(
    gateway: Bench, station: ScriptedStation
) -> None:
    vendor = {"info": "i" * 50, "vendorId": "v" * 255, "vendorErrorCode": "e" * 50}
    assert await station.shows(1, "Charging", errorCode="HighTemperature", **vendor) == {}
    shown = await gateway.connector(1)
    assert (shown["status"], shown["error_code"]) == ("Charging", "HighTemperature")
    assert (shown["info"], shown["vendor_id"], shown["vendor_error_code"]) == tuple(vendor.values())


@pytest.mark.parametrize("answer", ["Accepted", "Rejected", "Scheduled"])
@pytest.mark.parametrize("connector", [0, 1])
async def test_rule_2_5_04_availability_changes_with_the_status_only(
    gateway: Bench, station: ScriptedStation, connector: int, answer: str
) -> None:
    transaction = await station.charges(1)
    wanted = {"connectorId": connector, "type": "Inoperative"}
    got, outcome = await gateway.sends(station, "ChangeAvailability", wanted, answered={"status": answer})
    assert (got, outcome.response) == (wanted, {"status": answer})
    assert (await gateway.connector(1))["status"] == "Charging"
    assert (await gateway.transaction(transaction))["open"] is True
    await station.stops(transaction)
    await station.shows(1, "Unavailable")
    assert (await gateway.connector(1))["status"] == "Unavailable"


async def test_rule_2_6_01_reboot_required_is_a_success_and_is_remembered_until_the_next_boot(
    gateway: Bench, station: ScriptedStation
) -> None:
    wanted = {"key": "WebSocketPingInterval", "value": "30"}
    _, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": "RebootRequired"})
    assert outcome.response == {"status": "RebootRequired"}
    key = (await gateway.configuration())["WebSocketPingInterval"]
    assert (key["value"], key["reboot_required"]) == ("30", True)
    await station.boots()
    key = (await gateway.configuration())["WebSocketPingInterval"]
    assert (key["value"], key["reboot_required"]) == ("30", False)


@pytest.mark.parametrize("value", ["", "60", "true", "a,b,c", "x" * 500, "Ünï"])
async def test_rule_2_6_01_a_value_goes_out_as_it_was_given(
    gateway: Bench, station: ScriptedStation, value: str
) -> None:
    wanted = {"key": "VendorKey", "value": value}
    got, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": "Accepted"})
    assert got == wanted
    assert outcome.warning is None


async def test_rule_2_6_02_keys_compare_case_insensitively(gateway: Bench, station: ScriptedStation) -> None:
    for spelling, value in (("HeartbeatInterval", "10"), ("heartbeatinterval", "20")):
        keys = {"configurationKey": [{"key": spelling, "readonly": False, "value": value}]}
        await gateway.sends(station, "GetConfiguration", {}, answered=keys)
    await gateway.sends(
        station,
        "ChangeConfiguration",
        {"key": "HEARTBEATINTERVAL", "value": "30"},
        answered={"status": "Accepted"},
    )
    assert [key["value"] for key in (await gateway.configuration()).values()] == ["30"]


@pytest.mark.parametrize("answer", [{}, {"unknownKey": ["A", "B"]}, {"configurationKey": [], "unknownKey": []}])
async def test_rule_2_6_02_lists_may_be_missing(
    gateway: Bench, station: ScriptedStation, answer: dict[str, Any]
) -> None:
    _, outcome = await gateway.sends(station, "GetConfiguration", {"key": ["A", "B"]}, answered=answer)
    assert (outcome.status, outcome.response) == ("answered", answer)


async def test_rule_2_6_04_the_value_of_a_secret_is_stored_nowhere(gateway: Bench, station: ScriptedStation) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    wanted = {"key": "AuthorizationKey", "value": secret}
    got, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": "Accepted"})
    assert got == wanted
    keys = [{"key": "AuthorizationKey", "readonly": False, "value": secret}]
    _, outcome = await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert secret not in str(outcome)
    for table in ("commands", "events", "configuration_keys"):
        assert secret not in str(await gateway.rows(f"SELECT * FROM {table}"))


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_rule_2_6_06_a_rejected_reset_is_a_result(gateway: Bench, station: ScriptedStation, kind: str) -> None:
    _, outcome = await gateway.sends(station, "Reset", {"type": kind}, answered={"status": "Rejected"})
    assert (outcome.status, outcome.response) == ("answered", {"status": "Rejected"})


async def test_rule_2_6_06_a_hard_reset_may_tell_its_stop_after_the_boot(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await gateway.sends(station, "Reset", {"type": "Hard"}, answered={"status": "Accepted"})
    async with gateway.station() as back:
        await back.boots()
        await back.shows(1, "Available")
        assert await back.stops(transaction, reason="HardReset") == {}
    assert (await gateway.transaction(transaction))["reason"] == "HardReset"


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
        ("DiagnosticsStatusNotification", {"status": "UploadFailed"}),
        ("FirmwareStatusNotification", {"status": "Installed"}),
        ("LogStatusNotification", {"status": "UploadFailure", "requestId": 1}),
        ("LogStatusNotification", {"status": "UploadFailed"}),
        ("SignedFirmwareStatusNotification", {"status": "InstallRebooting"}),
    ],
)
async def test_rule_2_6_07_notices_are_answered_and_told(
    gateway: Bench, station: ScriptedStation, action: str, payload: dict[str, Any]
) -> None:
    assert await station.say(action, payload) == {}
    (told,) = await gateway.events("station.notified")
    assert told["action"] == action


@pytest.mark.parametrize("payload", [{"vendorId": "v"}, {"vendorId": "v", "messageId": "m", "data": "d" * 1000}])
async def test_rule_2_11_03_data_transfer_is_always_answered_without_data(
    gateway: Bench, station: ScriptedStation, payload: dict[str, Any]
) -> None:
    assert await station.say("DataTransfer", payload) == {"status": "UnknownVendorId"}
    assert (await gateway.events("station.data_transfer"))[0]["data"] == payload.get("data")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("UnlockConnector", {"connectorId": 0}),
        ("RemoteStartTransaction", {"connectorId": 0, "idTag": "x" * 30}),
        ("ChangeConfiguration", {"key": "k" * 60, "value": 7}),
        ("Reset", {"type": "Sideways", "more": [1.5, None]}),
    ],
)
async def test_what_looks_wrong_is_a_warning_and_no_veto(gateway: Bench, action: str, payload: dict[str, Any]) -> None:
    async with gateway.station(free_payloads=True) as station:
        got, outcome = await gateway.sends(station, action, payload, answered={"status": "Rejected"})
        assert got == payload
        assert outcome.status == "answered"
        if action != "UnlockConnector":  # which is valid by its schema
            assert outcome.warning
