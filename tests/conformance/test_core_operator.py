"""Certification cases of Core that the operator leads: remote start and stop, reset, unlock, configuration."""

from __future__ import annotations

import pytest

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

ACCEPTED = {"status": "Accepted"}


async def expected_starts(gateway: Bench) -> int:
    return len(await gateway.rows("SELECT 1 FROM remote_starts"))


@pytest.mark.case("TC_061_CSMS")
async def test_tc_061_csms_clear_authorisation_cache(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "ClearCache", {}, answered=ACCEPTED)
    assert got == {}
    assert outcome.response == ACCEPTED


@pytest.mark.both_orders
@pytest.mark.case("TC_010_CSMS")
async def test_tc_010_csms_remote_start_cable_first(gateway: Bench, station: ScriptedStation) -> None:
    assert await station.shows(1, "Preparing") == {}
    wanted = {"connectorId": 1, "idTag": "VALID"}
    got, outcome = await gateway.sends(station, "RemoteStartTransaction", wanted, answered=ACCEPTED)
    assert (got, outcome.response) == (wanted, ACCEPTED)
    assert (await station.authorizes(got["idTag"]))["status"] == "Accepted"
    assert (await station.begins(1, got["idTag"]))["idTagInfo"]["status"] == "Accepted"
    assert (await gateway.events("transaction.started"))[0]["remote_start_command"] == outcome.command_id


@pytest.mark.both_orders
@pytest.mark.case("TC_011_1_CSMS")
async def test_tc_011_1_csms_remote_start_first(gateway: Bench, station: ScriptedStation) -> None:
    got, _ = await gateway.sends(station, "RemoteStartTransaction", {"idTag": "VALID"}, answered=ACCEPTED)
    assert await gateway.transactions() == []
    transaction = await station.charges(1, got["idTag"])
    assert (await gateway.transaction(transaction))["open"] is True


@pytest.mark.case("TC_011_2_CSMS")
async def test_tc_011_2_csms_remote_start_time_out(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"connectorId": 1, "idTag": "VALID"}
    await gateway.sends(station, "RemoteStartTransaction", wanted, answered=ACCEPTED)
    assert (await station.authorizes("VALID"))["status"] == "Accepted"
    assert await station.shows(1, "Preparing") == {}
    assert await expected_starts(gateway) == 1
    gateway.clock.forward(minutes=2)
    assert await station.shows(1, "Available", timestamp="2027-01-15T08:02:00Z") == {}
    assert await expected_starts(gateway) == 0
    assert await gateway.transactions() == []


@pytest.mark.both_orders
@pytest.mark.case("TC_012_CSMS")
async def test_tc_012_csms_remote_stop(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    wanted = {"transactionId": transaction}
    got, outcome = await gateway.sends(station, "RemoteStopTransaction", wanted, answered=ACCEPTED)
    assert (got, outcome.response) == (wanted, ACCEPTED)
    assert (await gateway.transaction(transaction))["open"] is True
    assert await station.ends(transaction, reason="Remote") == {}
    assert await station.shows(1, "Available") == {}
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["reason"]) == (False, "Remote")


@pytest.mark.case("TC_013_CSMS")
async def test_tc_013_csms_hard_reset(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "Reset", {"type": "Hard"}, answered=ACCEPTED)
    assert (got, outcome.response) == ({"type": "Hard"}, ACCEPTED)
    async with gateway.station() as back:  # the old connection was never closed
        assert (await back.boots())["status"] == "Accepted"
        for connector in (0, 1, 2):
            assert await back.shows(connector, "Available") == {}


@pytest.mark.case("TC_014_CSMS")
async def test_tc_014_csms_soft_reset(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "Reset", {"type": "Soft"}, answered=ACCEPTED)
    assert (got, outcome.response) == ({"type": "Soft"}, ACCEPTED)
    assert (await station.boots())["status"] == "Accepted"  # on the same connection
    for connector in (0, 1, 2):
        assert await station.shows(connector, "Available") == {}


@pytest.mark.case("TC_017_1_CSMS")
async def test_tc_017_1_csms_unlock_without_session_detachable_cable(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"connectorId": 1}
    got, outcome = await gateway.sends(station, "UnlockConnector", wanted, answered={"status": "Unlocked"})
    assert (got, outcome.response) == (wanted, {"status": "Unlocked"})


@pytest.mark.case("TC_017_2_CSMS")
async def test_tc_017_2_csms_unlock_without_session_fixed_cable(gateway: Bench, station: ScriptedStation) -> None:
    not_supported = {"status": "NotSupported"}
    _, outcome = await gateway.sends(station, "UnlockConnector", {"connectorId": 1}, answered=not_supported)
    assert (outcome.status, outcome.response, outcome.warning) == ("answered", not_supported, None)


@pytest.mark.both_orders
@pytest.mark.case("TC_018_1_CSMS")
async def test_tc_018_1_csms_unlock_with_running_session(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    await gateway.sends(station, "UnlockConnector", {"connectorId": 1}, answered={"status": "Unlocked"})
    assert (await gateway.transaction(transaction))["open"] is True
    assert await station.ends(transaction, reason="UnlockCommand") == {}
    assert await station.shows(1, "Available") == {}
    assert (await gateway.transaction(transaction))["reason"] == "UnlockCommand"


@pytest.mark.case("TC_019_1_CSMS")
async def test_tc_019_1_csms_get_all_configuration(gateway: Bench, station: ScriptedStation) -> None:
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "10"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        {"key": "AuthorizationCacheEnabled", "readonly": False},
    ]
    got, outcome = await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert not got.get("key")
    assert outcome.response == {"configurationKey": keys}
    known = await gateway.configuration()
    assert (known["NumberOfConnectors"]["value"], known["NumberOfConnectors"]["readonly"]) == ("2", True)
    assert (known["HeartbeatInterval"]["value"], known["HeartbeatInterval"]["readonly"]) == ("10", False)
    assert known["AuthorizationCacheEnabled"]["value"] is None


@pytest.mark.case("TC_019_2_CSMS")
async def test_tc_019_2_csms_get_one_configuration_key(gateway: Bench, station: ScriptedStation) -> None:
    keys = [{"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core"}]
    wanted = {"key": ["SupportedFeatureProfiles"]}
    got, _ = await gateway.sends(station, "GetConfiguration", wanted, answered={"configurationKey": keys})
    assert got == wanted


@pytest.mark.case("TC_021_CSMS")
async def test_tc_021_csms_change_configuration(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"key": "MeterValueSampleInterval", "value": "60"}
    got, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered=ACCEPTED)
    assert (got, outcome.response) == (wanted, ACCEPTED)
    assert (await gateway.configuration())["MeterValueSampleInterval"]["value"] == "60"


@pytest.mark.case("TC_026_CSMS")
async def test_tc_026_csms_remote_start_rejected(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"connectorId": 1, "idTag": "VALID"}
    rejected = {"status": "Rejected"}
    _, outcome = await gateway.sends(station, "RemoteStartTransaction", wanted, answered=rejected)
    assert (outcome.status, outcome.response) == ("answered", rejected)
    assert await gateway.transactions() == []
    assert await expected_starts(gateway) == 0


@pytest.mark.both_orders
@pytest.mark.case("TC_028_CSMS")
async def test_tc_028_csms_remote_stop_rejected(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    unknown = {"transactionId": transaction + 1000}
    got, outcome = await gateway.sends(station, "RemoteStopTransaction", unknown, answered={"status": "Rejected"})
    assert (got, outcome.response) == (unknown, {"status": "Rejected"})
    assert (await gateway.transaction(transaction))["open"] is True


@pytest.mark.case("TC_030_CSMS")
async def test_tc_030_csms_unlock_failure(gateway: Bench, station: ScriptedStation) -> None:
    failed = {"status": "UnlockFailed"}
    _, outcome = await gateway.sends(station, "UnlockConnector", {"connectorId": 1}, answered=failed)
    assert (outcome.status, outcome.response) == ("answered", failed)


@pytest.mark.case("TC_031_CSMS")
async def test_tc_031_csms_unlock_unknown_connector(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"connectorId": 99}
    got, outcome = await gateway.sends(station, "UnlockConnector", wanted, answered={"status": "NotSupported"})
    assert (got, outcome.response) == (wanted, {"status": "NotSupported"})


@pytest.mark.case("TC_040_1_CSMS")
async def test_tc_040_1_csms_change_configuration_not_supported(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"key": "NobodyKnowsThisKey", "value": "anything"}
    got, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": "NotSupported"})
    assert (got, outcome.response) == (wanted, {"status": "NotSupported"})
    assert await gateway.configuration() == {}


@pytest.mark.case("TC_040_2_CSMS")
async def test_tc_040_2_csms_change_configuration_rejected(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"key": "MeterValueSampleInterval", "value": "60"}
    await gateway.sends(station, "ChangeConfiguration", wanted, answered=ACCEPTED)
    wrong = {**wanted, "value": "-1"}
    got, outcome = await gateway.sends(station, "ChangeConfiguration", wrong, answered={"status": "Rejected"})
    assert (got, outcome.response) == (wrong, {"status": "Rejected"})
    assert (await gateway.configuration())["MeterValueSampleInterval"]["value"] == "60"
