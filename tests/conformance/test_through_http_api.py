"""The tester's hands may be the HTTP API: the same cases, asked for over the web door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gateway.ocpp.v16.actions import ACTIONS, sent_to_station
from gateway.operations.manage_tokens import Role, create_token
from tests.conformance.site_under_test import Bench, bench

PEM = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n"
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "Aa" * 32, "issuerKeyHash": "bB" * 32, "serialNumber": "0F1e"}
PERIODS = [{"startPeriod": 0, "limit": 6.0, "numberPhases": 1}, {"startPeriod": 3600, "limit": 10.5}]
PROFILE = {
    "chargingProfileId": 77,
    "stackLevel": 3,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "validFrom": "2027-01-15T08:00:00Z",
    "validTo": "2027-01-16T08:00:00Z",
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2027-01-15T08:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": PERIODS,
    },
}
FIRMWARE = {
    "location": "http://f/i",
    "retrieveDateTime": "2027-01-15T08:00:00Z",
    "signingCertificate": PEM,
    "signature": "AA",
}
ACCEPTED = {"status": "Accepted"}
# Every request to a station: what the operator asks, every parameter chosen, and a right answer.
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("CancelReservation", {"reservationId": 4711}, {"status": "Rejected"}),
    ("CertificateSigned", {"certificateChain": PEM}, ACCEPTED),
    ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, {"status": "Scheduled"}),
    ("ChangeConfiguration", {"key": "NobodyKnows", "value": "-1"}, {"status": "NotSupported"}),
    ("ClearCache", {}, ACCEPTED),
    ("ClearChargingProfile", {}, {"status": "Unknown"}),
    ("ClearChargingProfile", {"id": 77}, ACCEPTED),
    (
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 3},
        ACCEPTED,
    ),
    ("DataTransfer", {"vendorId": "V", "messageId": "M", "data": '{"a": 1.0}'}, {"status": "UnknownVendorId"}),
    ("DeleteCertificate", {"certificateHashData": HASHES}, {"status": "NotFound"}),
    ("ExtendedTriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2}, {"status": "NotImplemented"}),
    (
        "GetCompositeSchedule",
        {"connectorId": 0, "duration": 600, "chargingRateUnit": "W"},
        {"status": "Rejected"},
    ),
    ("GetConfiguration", {"key": ["SupportedFeatureProfiles"]}, {"unknownKey": ["SupportedFeatureProfiles"]}),
    (
        "GetDiagnostics",
        {"location": "ftp://u:p@10.0.0.1/d", "retries": 2, "retryInterval": 30, "startTime": "2027-01-14T08:00:00Z"},
        {},
    ),
    ("GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}, {"status": "NotFound"}),
    ("GetLocalListVersion", {}, {"listVersion": -1}),
    (
        "GetLog",
        {"logType": "SecurityLog", "requestId": 12, "log": {"remoteLocation": "http://10.0.0.1/log"}},
        {"status": "Rejected"},
    ),
    (
        "InstallCertificate",
        {"certificateType": "CentralSystemRootCertificate", "certificate": PEM},
        {"status": "Failed"},
    ),
    (
        "RemoteStartTransaction",
        {
            "connectorId": 1,
            "idTag": "NEVER-SEEN",
            "chargingProfile": {**PROFILE, "chargingProfilePurpose": "TxProfile"},
        },
        {"status": "Rejected"},
    ),
    ("RemoteStopTransaction", {"transactionId": 987654}, {"status": "Rejected"}),
    (
        "ReserveNow",
        {
            "connectorId": 0,
            "expiryDate": "2027-01-15T08:05:00Z",
            "idTag": "VALID",
            "parentIdTag": "GROUP",
            "reservationId": 4711,
        },
        {"status": "Unavailable"},
    ),
    ("Reset", {"type": "Hard"}, {"status": "Rejected"}),
    (
        "SendLocalList",
        {
            "listVersion": 12,
            "updateType": "Full",
            "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted", "parentIdTag": "G"}}],
        },
        {"status": "Failed"},
    ),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
    ("SignedUpdateFirmware", {"requestId": 13, "retries": 1, "firmware": FIRMWARE}, {"status": "InvalidCertificate"}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 3}, {"status": "Rejected"}),
    ("UnlockConnector", {"connectorId": 99}, {"status": "NotSupported"}),
    ("UpdateFirmware", {"location": "http://10.0.0.1/f", "retrieveDate": "2027-01-15T08:00:00Z", "retries": 3}, {}),
]
# What no schema allows, or what cannot work: the operator may want to see what the station makes of it.
ODD: list[tuple[str, dict[str, Any]]] = [
    ("ChangeAvailability", {"connectorId": -1, "type": "Sideways"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": 60}),
    ("ClearChargingProfile", {"id": "all"}),
    ("DataTransfer", {"data": {"nested": [1.50, None]}}),
    ("DeleteCertificate", {"certificateHashData": {**HASHES, "hashAlgorithm": "MD5"}}),
    ("ExtendedTriggerMessage", {"requestedMessage": "SignV2GCertificate"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": -5, "chargingRateUnit": "VA"}),
    ("GetConfiguration", {"key": "one"}),
    ("GetInstalledCertificateIds", {"certificateType": "V2GRootCertificate"}),
    ("GetLog", {"logType": "SystemLog", "requestId": "seven", "log": {"remoteLocation": "not an address"}}),
    ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": 5}),
    ("CertificateSigned", {"certificateChain": "x" * 10_001}),
    ("RemoteStartTransaction", {"connectorId": 0, "idTag": "x" * 21}),
    ("RemoteStopTransaction", {"transactionId": -1, "more": True}),
    ("ReserveNow", {"connectorId": 99, "expiryDate": "yesterday", "idTag": "x" * 21, "reservationId": 1.5}),
    ("CancelReservation", {"reservationId": "none"}),
    ("Reset", {"type": "Warm"}),
    ("SendLocalList", {"listVersion": -1, "updateType": "Partial", "localAuthorizationList": [{"idTag": ""}]}),
    (
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {**PROFILE, "stackLevel": -1, "transactionId": 4, "recurrencyKind": "Yearly"},
        },
    ),
    ("SignedUpdateFirmware", {"requestId": 0, "firmware": {**FIRMWARE, "signature": "x" * 801}}),
    ("TriggerMessage", {"requestedMessage": "StartTransaction"}),
    ("UnlockConnector", {"connectorId": "1"}),
    ("UpdateFirmware", {"location": 7, "retrieveDate": None}),
]


@asynccontextmanager
async def operator(gateway: Bench, role: Role = "operator") -> AsyncIterator[aiohttp.ClientSession]:
    token = await create_token(gateway.site, role=role, name="tester", actor="tester")
    base = f"http://127.0.0.1:{gateway.running.addresses.web_port}"
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token.text}"}) as session:
        yield session


async def command(
    session: aiohttp.ClientSession, action: str, payload: object, *, station: str = "CP-1"
) -> tuple[int, dict[str, Any]]:
    async with session.post(f"/api/v1/stations/{station}/commands/{action}", json=payload) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_every_request_goes_out_as_it_was_written(tmp_path: Path) -> None:
    assert {action for action, _, _ in REQUESTS} == {action for action in ACTIONS if sent_to_station(action)}
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        for action, payload, answer in REQUESTS:
            asked = asyncio.create_task(command(session, action, payload))
            assert await station.expect(action) == payload
            await station.answer(answer)
            status, outcome = await asked
            assert (status, outcome["status"], outcome["response"]) == (200, "answered", answer), outcome
            assert ("warning" in outcome) == (action == "ReserveNow"), outcome  # connector 0
            assert "request" not in outcome, f"nothing was filled in: {outcome}"


async def test_what_looks_wrong_goes_out_with_a_warning(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, web=True) as gateway,
        operator(gateway) as session,
        gateway.station(free_payloads=True) as station,
    ):
        await station.boots()
        for action, payload in ODD:
            asked = asyncio.create_task(command(session, action, payload))
            assert await station.expect(action) == payload
            await station.refuse("PropertyConstraintViolation", "what is this")
            status, outcome = await asked
            assert (status, outcome["status"], outcome["code"]) == (200, "call_error", "PropertyConstraintViolation")
            assert outcome["warning"].startswith("request: "), outcome


async def test_an_invalid_signature_is_sent_as_it_is(tmp_path: Path) -> None:
    """Whether a signature fits is for the station to find out (TC_081)."""
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        wanted = {"requestId": 7, "firmware": {**FIRMWARE, "signature": "bm90IGEgc2lnbmF0dXJl"}}
        asked = asyncio.create_task(command(session, "SignedUpdateFirmware", wanted))
        assert await station.expect("SignedUpdateFirmware") == wanted
        await station.answer(ACCEPTED)
        assert (await asked)[1]["response"] == ACCEPTED
        told = {"status": "InvalidSignature", "requestId": 7}
        assert await station.say("SignedFirmwareStatusNotification", told) == {}


async def test_what_cannot_be_sent_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        assert (await command(session, "ClearCache", {}, station="NOBODY"))[0] == 404
        assert (await command(session, "MakeCoffee", {}))[0] == 422
        assert (await command(session, "Heartbeat", {}))[0] == 422  # stations send it
        assert (await command(session, "ClearCache", [1]))[0] == 422
        async with operator(gateway, "viewer") as viewer:
            for action, payload, _ in REQUESTS:
                assert (await command(viewer, action, payload))[0] == 403
        async with session.post(
            "/api/v1/stations/CP-1/commands/ClearCache", headers={"Authorization": "Bearer x"}
        ) as answer:
            assert answer.status == 401
        assert station.requests.empty()


async def test_a_connection_lost_during_a_request_ends_the_wait_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        asked = asyncio.create_task(command(session, "ClearCache", {}))
        await station.expect("ClearCache")
        station.cut()
        async with asyncio.timeout(5):
            status, outcome = await asked
        assert (status, outcome["status"]) == (504, "unanswered")


async def test_remote_start_and_stop_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        asked = asyncio.create_task(command(session, "RemoteStartTransaction", {"connectorId": 1, "idTag": "VALID"}))
        got = await station.expect("RemoteStartTransaction")
        await station.answer({"status": "Accepted"})
        status, outcome = await asked
        assert (status, outcome["status"], outcome["response"]) == (200, "answered", {"status": "Accepted"})
        transaction = await station.charges(got["connectorId"], got["idTag"])
        async with session.get(f"/api/v1/transactions/{transaction}") as answer:
            assert (await answer.json())["open"] is True
        asked = asyncio.create_task(command(session, "RemoteStopTransaction", {"transactionId": transaction}))
        assert await station.expect("RemoteStopTransaction") == {"transactionId": transaction}
        await station.answer({"status": "Accepted"})
        assert (await asked)[1]["response"] == {"status": "Accepted"}
        await station.stops(transaction, reason="Remote")
        async with session.get(f"/api/v1/transactions/{transaction}") as answer:
            document = await answer.json()
            assert (document["open"], document["reason"]) == (False, "Remote")


async def test_refused_unanswered_and_not_connected_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session:
        assert (await command(session, "ClearCache", {}))[0] == 409
        async with gateway.station() as station:
            asked = asyncio.create_task(command(session, "UnlockConnector", {"connectorId": 99}))
            assert await station.expect("UnlockConnector") == {"connectorId": 99}
            await station.refuse("NotSupported", "no lock")
            status, outcome = await asked
            assert (status, outcome["status"], outcome["code"]) == (200, "call_error", "NotSupported")
            gateway.wait_for_answers(seconds=0.05)
            status, outcome = await command(session, "Reset", {"type": "Hard"})
            assert (status, outcome["status"]) == (504, "unanswered")
            await station.expect("Reset")


async def test_a_tag_set_over_http_counts_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        assert (await station.authorizes("NEW-ONE"))["status"] == "Invalid"
        async with session.put("/api/v1/id-tags/NEW-ONE", json={"parent_id_tag": "GROUP"}) as answer:
            assert answer.status in (200, 201), await answer.text()
        assert await station.authorizes("new-one") == {"status": "Accepted", "parentIdTag": "GROUP"}


async def test_a_reservation_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        wanted = {"connectorId": 1, "expiryDate": "2027-01-15T09:00:00Z", "idTag": "VALID", "parentIdTag": "GROUP"}
        asked = asyncio.create_task(command(session, "ReserveNow", wanted))
        got = await station.expect("ReserveNow")
        await station.answer({"status": "Accepted"})
        status, outcome = await asked
        assert (status, outcome["response"], outcome["request"]) == (200, {"status": "Accepted"}, got)
        assert got == {**wanted, "reservationId": got["reservationId"]}
        async with session.get("/api/v1/reservations?station=CP-1") as answer:
            listed = await answer.json()
        assert listed == {
            "items": [
                {
                    "reservation_id": got["reservationId"],
                    "station": "CP-1",
                    "connector": 1,
                    "id_tag": "VALID",
                    "parent_id_tag": "GROUP",
                    "expiry_time": "2027-01-15T09:00:00.000Z",
                }
            ],
            "next": None,
        }
        asked = asyncio.create_task(command(session, "CancelReservation", {"reservationId": got["reservationId"]}))
        await station.expect("CancelReservation")
        await station.answer({"status": "Rejected"})
        assert (await asked)[1]["response"] == {"status": "Rejected"}
        async with session.get("/api/v1/reservations") as answer:
            assert await answer.json() == {"items": [], "next": None}
