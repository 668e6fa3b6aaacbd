"""Every request of a central system, sent to stations on two libraries of other people; what they answer is shown.

The station of foreign/every_message.mjs holds what it is told as the specification demands. At the end what it holds is
compared with what the gateway believes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.end_to_end.foreign_clients import Script, running_script
from tests.end_to_end.running_gateway import Document, RunningGateway, running_gateway, wait_until

TAG, FRIEND = "04A2B3C4D5E6", "FRIEND"
STATION = "WALKER"
CORE = {
    "ChangeAvailability", "ChangeConfiguration", "ClearCache", "DataTransfer", "GetConfiguration",
    "RemoteStartTransaction", "RemoteStopTransaction", "Reset", "UnlockConnector", "GetDiagnostics", "UpdateFirmware",
    "GetLocalListVersion", "SendLocalList", "CancelReservation", "ReserveNow", "ClearChargingProfile",
    "GetCompositeSchedule", "SetChargingProfile", "TriggerMessage",
}  # fmt: skip
SECURITY = {
    "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog", "InstallCertificate",
    "SignedUpdateFirmware", "CertificateSigned",
}  # fmt: skip


class Walk:
    """One station, and the operator who goes through everything with it."""

    def __init__(self, gateway: RunningGateway, script: Script) -> None:
        self.gateway = gateway
        self.script = script
        self.sent: set[str] = set()

    def order(self, action: str, payload: Document) -> Document:
        """The gateway's document of a request that the station answers with a CALLRESULT."""
        self.sent.add(action)
        outcome = self.gateway.call(STATION, action, payload)
        assert outcome["status"] == "answered", outcome
        assert "warning" not in outcome, outcome
        return outcome

    def accepted(self, action: str, payload: Document) -> Document:
        """The same, answered with the status Accepted."""
        outcome = self.order(action, payload)
        response = outcome["response"]
        assert isinstance(response, dict) and response["status"] == "Accepted", outcome
        return outcome

    def step(self, name: str) -> Document:
        """The station says that it has done this."""
        told = self.script.expect("step")
        assert told["name"] == name, told
        return told

    def station(self) -> Document:
        """The station as the API shows it."""
        return self.gateway.get(f"/stations/{STATION}")

    def job(self, kind: str) -> tuple[object, object, object, object]:
        """The newest job of a kind: status, result, file name, request id."""
        (job, *_) = self.items(f"/stations/{STATION}/jobs?kind={kind}")
        return job["status"], job["result"], job["file_name"], job["request_id"]

    def items(self, path: str) -> list[Document]:
        """The items of a collection."""
        found = self.gateway.get(path)["items"]
        assert isinstance(found, list)
        return found


@pytest.mark.parametrize("library", ["ocpp-rpc", "ocpp-ts"])
def test_every_request_to_a_station(place: Path, library: str) -> None:
    quiet: Document = {"automatic_calls": False}
    with running_gateway(place, ocpp=quiet) as gateway:
        gateway.put(f"/stations/{STATION}", {})
        for tag in (TAG, FRIEND):
            gateway.put(f"/id-tags/{tag}", {"status": "Accepted", "parent_id_tag": "FAMILY"})
        settings: Document = {"url": gateway.ocpp_url, "station": STATION, "library": library}
        with running_script("every_message.mjs", settings) as script:
            script.expect("waiting")
            walk = Walk(gateway, script)
            expected_at_the_end = [
                part(walk) for part in (_settings, _availability, _triggers, _lists, _reservations, _profiles)
            ]
            _session(walk)
            _firmware(walk)
            if library == "ocpp-rpc":
                expected_at_the_end.append(_security(walk))
            else:
                _security_unknown(walk)
            walk.accepted("Reset", {"type": "Soft"})
            walk.step("reset")
            script.go_on()
            held = script.expect("done")
        assert walk.sent == CORE | (SECURITY if library == "ocpp-rpc" else SECURITY - {"CertificateSigned"})
        assert held["complaints"] == []
        for expected in expected_at_the_end:
            assert {name: held[name] for name in expected} == expected


def _settings(walk: Walk) -> Document:
    walk.order("GetConfiguration", {})
    walk.accepted("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "10"})
    refused = walk.order("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "5"})
    assert refused["response"] == {"status": "Rejected"}
    keys = walk.station()["configuration"]
    assert isinstance(keys, list)
    shown = {key["key"]: key["value"] for key in keys}
    assert (shown["MeterValueSampleInterval"], shown["NumberOfConnectors"]) == ("10", "2")
    walk.accepted("ClearCache", {})
    told = walk.accepted("DataTransfer", {"vendorId": "Foreign", "messageId": "echo", "data": "loud"})
    assert told["response"] == {"status": "Accepted", "data": "LOUD"}
    return {}


def _availability(walk: Walk) -> Document:
    for kind, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        walk.accepted("ChangeAvailability", {"connectorId": 2, "type": kind})
        walk.step("availability")
        assert walk.gateway.connector_status(STATION, 2) == status
    unlocked = walk.order("UnlockConnector", {"connectorId": 1})
    assert unlocked["response"] == {"status": "Unlocked"}
    return {}


def _triggers(walk: Walk) -> Document:
    for message in (
        "BootNotification",
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
    ):
        connector: Document = {"connectorId": 1} if message in ("StatusNotification", "MeterValues") else {}
        walk.accepted("TriggerMessage", {"requestedMessage": message, **connector})
        walk.step(f"triggered {message}")
    refused = walk.order("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 9})
    assert refused["response"] == {"status": "Rejected"}
    return {}


def _lists(walk: Walk) -> Document:
    """Two entries at a time: a Full and a Differential for the rest; then what has changed."""
    walk.sent |= {"SendLocalList"}
    gateway = walk.gateway
    gateway.put("/id-tags/THIRD", {"status": "Blocked"})
    assert walk.order("GetLocalListVersion", {})["response"] == {"listVersion": 0}
    first = _send_list(gateway, "Full")
    gateway.put("/id-tags/THIRD", {"status": "Accepted"})
    assert gateway.ask("DELETE", f"/id-tags/{FRIEND}").status == 204
    second = _send_list(gateway, "Differential")
    assert isinstance(first["version"], int) and isinstance(second["version"], int)
    assert 1 < first["version"] < second["version"]
    known = {"status": "Accepted"}
    return {"list": {TAG: {**known, "parentIdTag": "FAMILY"}, "THIRD": known}, "listVersion": second["version"]}


def _send_list(gateway: RunningGateway, update_type: str) -> Document:
    answer = gateway.ask("POST", f"/stations/{STATION}/local-list", {"update_type": update_type})
    assert answer.status == 200 and isinstance(answer.document, dict), answer
    assert answer.document["status"] == "Accepted", answer
    return answer.document


def _reservations(walk: Walk) -> Document:
    expiry = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = [
        walk.accepted("ReserveNow", {"connectorId": connector, "expiryDate": expiry, "idTag": TAG})
        for connector in (1, 2)
    ]
    for _ in made:
        walk.step("reserved")
    occupied = walk.order("ReserveNow", {"connectorId": 2, "expiryDate": expiry, "idTag": TAG})
    assert occupied["response"] == {"status": "Occupied"}
    one, two = (_number(outcome, "reservationId") for outcome in made)
    assert [item["reservation_id"] for item in walk.items("/reservations")] == [one, two]
    walk.accepted("CancelReservation", {"reservationId": one})
    walk.step("released")
    unknown = walk.order("CancelReservation", {"reservationId": 4711})
    assert unknown["response"] == {"status": "Rejected"}
    (left,) = walk.items("/reservations")
    assert (left["reservation_id"], left["connector"], left["id_tag"], left["expiry_time"]) == (
        two,
        2,
        TAG,
        _ms(expiry),
    )
    return {"reservations": [two]}


def _profiles(walk: Walk) -> Document:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.5}]}
    profile = {"stackLevel": 1, "chargingProfileKind": "Relative", "chargingSchedule": schedule}
    whole = walk.accepted(
        "SetChargingProfile",
        {"connectorId": 0, "csChargingProfiles": {**profile, "chargingProfilePurpose": "ChargePointMaxProfile"}},
    )
    single = walk.accepted(
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": {**profile, "chargingProfilePurpose": "TxDefaultProfile"}},
    )
    asked = walk.accepted("GetCompositeSchedule", {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"})
    said = asked["response"]
    assert isinstance(said, dict)
    own = walk.gateway.get(f"/stations/{STATION}/composite-schedule?connector=1&duration=600&unit=A")
    assert own["periods"] == [{"start_seconds": 0, "limit": 10.5, "number_phases": 3}]
    assert said["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10.5}]
    walk.accepted("ClearChargingProfile", {"id": _profile_number(single)})
    unknown = walk.order("ClearChargingProfile", {"id": 4711})
    assert unknown["response"] == {"status": "Unknown"}
    (left,) = walk.items(f"/charging-profiles?station={STATION}")
    assert (left["connector"], left["charging_profile_id"]) == (0, _profile_number(whole))
    return {"profiles": [{"connectorId": 0, "profile": left["profile"]}]}


def _session(walk: Walk) -> None:
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6000.0}]}
    profile = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    walk.accepted("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG, "chargingProfile": profile})
    told = walk.step("charging")
    of_session = [item for item in walk.items(f"/charging-profiles?station={STATION}") if item["connector"] == 1]
    assert [item["charging_profile_id"] for item in of_session] == [told["profile"]]
    walk.accepted("RemoteStopTransaction", {"transactionId": told["transactionId"]})
    walk.step("stopped")
    (session,) = walk.gateway.transactions(STATION)
    assert (session["energy_wh"], session["reason"], session["id_tag"]) == (750, "Remote", TAG)
    assert all(item["connector"] != 1 for item in walk.items(f"/charging-profiles?station={STATION}"))


def _firmware(walk: Walk) -> None:
    walk.order("UpdateFirmware", {"location": "http://127.0.0.1/image", "retrieveDate": "2027-01-15T08:00:00Z"})
    walk.step("firmware")
    told = walk.order("GetDiagnostics", {"location": "http://127.0.0.1/in"})
    assert told["response"] == {"fileName": "diagnostics.zip"}
    walk.step("diagnostics")
    assert walk.job("firmware") == ("Installed", "succeeded", None, None)
    assert walk.job("diagnostics") == ("Uploaded", "succeeded", "diagnostics.zip", None)


def _security(walk: Walk) -> Document:
    walk.accepted("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert walk.step("triggered SignChargePointCertificate")["answer"] == "Accepted"
    walk.step("certificate")
    walk.sent |= {"CertificateSigned"}  # by the gateway itself
    wait_until(lambda: _issued(walk) == [(STATION, "accepted")], "the certificate to be known as accepted")
    _roots(walk)
    _signed_jobs(walk)
    return {"certificates": []}


def _issued(walk: Walk) -> list[tuple[object, object]]:
    found = walk.gateway.get(f"/stations/{STATION}/certificates")["issued"]
    assert isinstance(found, list)
    return [(one["common_name"], one["state"]) for one in found]


def _installed(walk: Walk) -> list[str]:
    found = walk.gateway.get(f"/stations/{STATION}/certificates")["installed"]
    assert isinstance(found, list)
    return [one["issuer_name_hash"] for one in found]


def _roots(walk: Walk) -> None:
    """Our own root is installed, told back with odd letter case, and deleted by exactly those words."""
    root: Document = {"certificateType": "CentralSystemRootCertificate"}
    authority = walk.gateway.get("/pki")["authority"]
    assert isinstance(authority, dict)
    walk.accepted("InstallCertificate", {**root, "certificate": authority["root"]})
    told = walk.accepted("GetInstalledCertificateIds", root)["response"]
    assert isinstance(told, dict)
    (hashes,) = told["certificateHashData"]
    assert _installed(walk) == [hashes["issuerNameHash"]]
    walk.sent.add("DeleteCertificate")
    deleted = walk.gateway.call(STATION, "DeleteCertificate", {"certificateHashData": hashes})
    assert deleted["response"] == {"status": "Accepted"}
    assert "last" in str(deleted["warning"])
    assert walk.order("GetInstalledCertificateIds", root)["response"] == {"status": "NotFound"}
    assert _installed(walk) == []
    refused = walk.gateway.call(STATION, "InstallCertificate", {**root, "certificate": "no certificate"})
    assert refused["response"] == {"status": "Rejected"}
    walk.step("security event")
    told_of = [event["type"] for event in walk.items(f"/security-events?station={STATION}&source=station")]
    assert told_of == ["InvalidCentralSystemCertificate"]


def _signed_jobs(walk: Walk) -> None:
    address: Document = {"remoteLocation": "http://127.0.0.1/in"}
    asked = walk.accepted("GetLog", {"logType": "SecurityLog", "log": address})
    walk.step("log")
    assert walk.job("log") == ("Uploaded", "succeeded", "security.log", _number(asked, "requestId"))
    image: Document = {
        "location": "http://127.0.0.1/image",
        "retrieveDateTime": "2027-01-15T08:00:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "bm90IGEgc2lnbmF0dXJl",
    }
    asked = walk.accepted("SignedUpdateFirmware", {"firmware": image})
    walk.step("signed firmware")
    assert walk.job("signed_firmware") == ("Installed", "succeeded", None, _number(asked, "requestId"))


def _security_unknown(walk: Walk) -> None:
    """A station without the security extension refuses each of its requests, which is a result as any other."""
    hashes: Document = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
    requests: dict[str, Document] = {
        "DeleteCertificate": {"certificateHashData": hashes},
        "ExtendedTriggerMessage": {"requestedMessage": "Heartbeat"},
        "GetInstalledCertificateIds": {"certificateType": "ManufacturerRootCertificate"},
        "GetLog": {"logType": "SecurityLog", "log": {"remoteLocation": "http://127.0.0.1/in"}},
        "InstallCertificate": {"certificateType": "ManufacturerRootCertificate", "certificate": "none"},
        "SignedUpdateFirmware": {"firmware": {}},
    }
    for action, payload in requests.items():
        walk.sent.add(action)
        assert walk.gateway.call(STATION, action, payload)["status"] == "call_error", action
    assert walk.job("log")[1] == "refused"


def _number(outcome: Document, name: str) -> int:
    """An id that the gateway has filled in."""
    request = outcome["request"]
    assert isinstance(request, dict)
    return int(request[name])


def _profile_number(outcome: Document) -> int:
    request = outcome["request"]
    assert isinstance(request, dict)
    return int(request["csChargingProfiles"]["chargingProfileId"])


def _ms(text: str) -> str:
    return text.replace("Z", ".000Z")
