"""Certification cases of Core that the charge point leads: boot, sessions, tags, faults, power cuts, offline."""

from __future__ import annotations

import pytest

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

FOUR_HOURS_AGO = "2027-01-15T04:00:00Z"
THREE_HOURS_AGO = "2027-01-15T05:00:00Z"


@pytest.mark.case("TC_001_CSMS")
async def test_tc_001_csms_cold_boot(gateway: Bench) -> None:
    async with gateway.station() as station:
        booted = await station.boots()
        assert booted == {"status": "Accepted", "interval": 10, "currentTime": "2027-01-15T08:00:00.000Z"}
        for connector in (0, 1, 2):
            assert await station.shows(connector, "Available") == {}
        gateway.clock.forward(seconds=booted["interval"])
        assert await station.say("Heartbeat", {}) == {"currentTime": "2027-01-15T08:00:10.000Z"}
    assert (await gateway.connector(0))["status"] == "Available"


@pytest.mark.both_orders
@pytest.mark.case("TC_003_CSMS")
async def test_tc_003_csms_charging_session_plug_in_first(gateway: Bench, station: ScriptedStation) -> None:
    assert await station.shows(1, "Preparing") == {}
    assert (await station.authorizes("VALID"))["status"] == "Accepted"
    started = await station.begins(1, "VALID")
    assert started["idTagInfo"]["status"] == "Accepted"
    assert started["transactionId"] > 0
    assert (await gateway.connector(1))["status"] == "Charging"
    assert (await gateway.transaction(started["transactionId"]))["open"] is True


@pytest.mark.both_orders
@pytest.mark.case("TC_004_1_CSMS")
async def test_tc_004_1_csms_charging_session_identification_first(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1, "VALID")
    assert transaction > 0
    assert (await gateway.transaction(transaction))["id_tag"] == "VALID"


@pytest.mark.case("TC_004_2_CSMS")
async def test_tc_004_2_csms_identification_first_connection_timeout(gateway: Bench, station: ScriptedStation) -> None:
    assert (await station.authorizes("VALID"))["status"] == "Accepted"
    assert await station.shows(1, "Preparing") == {}
    gateway.clock.forward(minutes=2)
    assert await station.shows(1, "Available", timestamp="2027-01-15T08:02:00Z") == {}
    assert (await gateway.connector(1))["status"] == "Available"
    assert await gateway.transactions() == []


@pytest.mark.both_orders
@pytest.mark.case("TC_005_1_CSMS")
async def test_tc_005_1_csms_disconnected_at_the_car(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges()
    assert await station.shows(1, "SuspendedEV") == {}
    stopped = await station.ends(transaction, reason="EVDisconnected", idTag="VALID")
    assert stopped["idTagInfo"]["status"] == "Accepted"
    assert await station.shows(1, "Available") == {}
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["reason"], recorded["energy_wh"]) == (False, "EVDisconnected", 4000)


@pytest.mark.both_orders
@pytest.mark.case("TC_007_CSMS")
async def test_tc_007_csms_start_with_a_cached_tag(station: ScriptedStation) -> None:
    assert await station.shows(1, "Preparing") == {}
    assert (await station.begins(1, "VALID"))["idTagInfo"]["status"] == "Accepted"


@pytest.mark.case("TC_023_1_CSMS")
async def test_tc_023_1_csms_unknown_tag_is_invalid(station: ScriptedStation) -> None:
    assert await station.authorizes("NEVER-SEEN") == {"status": "Invalid"}


@pytest.mark.case("TC_023_2_CSMS")
async def test_tc_023_2_csms_expired_tag_is_expired(station: ScriptedStation) -> None:
    assert (await station.authorizes("EXPIRED"))["status"] == "Expired"


@pytest.mark.case("TC_023_3_CSMS")
async def test_tc_023_3_csms_blocked_tag_is_blocked(station: ScriptedStation) -> None:
    assert (await station.authorizes("BLOCKED"))["status"] == "Blocked"


@pytest.mark.case("TC_024_CSMS")
async def test_tc_024_csms_connector_lock_failure(gateway: Bench, station: ScriptedStation) -> None:
    assert (await station.authorizes("VALID"))["status"] == "Accepted"
    assert await station.shows(1, "Preparing") == {}
    assert await station.shows(1, "Faulted", errorCode="ConnectorLockFailure") == {}
    told = (await gateway.events("connector.status"))[-1]
    assert (told["status"], told["error_code"]) == ("Faulted", "ConnectorLockFailure")
    assert (await gateway.connector(1))["error_code"] == "ConnectorLockFailure"


@pytest.mark.both_orders
@pytest.mark.case("TC_032_1_CSMS")
async def test_tc_032_1_csms_power_failure_stop_after_boot(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    station.cut()
    await gateway.gone()
    async with gateway.station() as back:
        assert (await back.boots())["status"] == "Accepted"
        assert (await gateway.transaction(transaction))["open"] is True
        assert await back.shows(2, "Available") == {}
        assert await back.ends(transaction, reason="PowerLoss") == {}
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["reason"], recorded["anomalies"]) == (False, "PowerLoss", [])


@pytest.mark.both_orders
@pytest.mark.case("TC_037_1_CSMS")
async def test_tc_037_1_csms_offline_start_with_a_valid_tag(gateway: Bench, station: ScriptedStation) -> None:
    started = await station.begins(1, "VALID", at=FOUR_HOURS_AGO)
    assert started["idTagInfo"]["status"] == "Accepted"
    recorded = await gateway.transaction(started["transactionId"])
    assert (recorded["start_time"], recorded["anomalies"]) == ("2027-01-15T04:00:00.000Z", [])


@pytest.mark.both_orders
@pytest.mark.case("TC_037_3_CSMS")
async def test_tc_037_3_csms_offline_start_with_an_invalid_tag(gateway: Bench, station: ScriptedStation) -> None:
    started = await station.begins(1, "NEVER-SEEN", at=FOUR_HOURS_AGO)
    assert started["idTagInfo"]["status"] == "Invalid"
    assert started["transactionId"] > 0
    assert await station.ends(started["transactionId"], reason="DeAuthorized") == {}
    recorded = await gateway.transaction(started["transactionId"])
    assert (recorded["open"], recorded["reason"], recorded["id_tag"]) == (False, "DeAuthorized", "NEVER-SEEN")


@pytest.mark.case("TC_039_CSMS")
async def test_tc_039_csms_whole_transaction_offline(gateway: Bench, station: ScriptedStation) -> None:
    started = await station.starts(1, "VALID", at=FOUR_HOURS_AGO)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert await station.stops(started["transactionId"], at=THREE_HOURS_AGO, reason="Local") == {}
    recorded = await gateway.transaction(started["transactionId"])
    assert recorded["start_time"] == "2027-01-15T04:00:00.000Z"
    assert recorded["stop_time"] == "2027-01-15T05:00:00.000Z"
    assert (recorded["energy_wh"], recorded["reason"], recorded["anomalies"]) == (4000, "Local", [])


@pytest.mark.case("TC_064_CSMS")
async def test_tc_064_csms_data_transfer_of_an_unknown_vendor(station: ScriptedStation) -> None:
    told = {"vendorId": "tool.vendor", "messageId": "anything", "data": "..."}
    assert await station.say("DataTransfer", told) == {"status": "UnknownVendorId"}
