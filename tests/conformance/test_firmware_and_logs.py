"""Certification cases of firmware, diagnostics, logs, triggers and security events, and what is kept of the jobs."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from gateway.store import reports_jobs
from gateway.store.reports_jobs import JobFilters
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import NOW, ScriptedStation

ACCEPTED = {"status": "Accepted"}
UPDATE = {"location": "http://192.0.2.1/fw/a.bin", "retries": 2, "retrieveDate": NOW, "retryInterval": 10}
DIAGNOSTICS = {"location": "ftp://192.0.2.1/in", "retries": 1}
SIGNED = {
    "requestId": 41,
    "firmware": {
        "location": "https://192.0.2.1/fw/a.bin",
        "retrieveDateTime": NOW,
        "signingCertificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "signature": "c2lnbmF0dXJl",
    },
}
LOG = {"logType": "SecurityLog", "requestId": 42, "log": {"remoteLocation": "ftp://192.0.2.1/logs"}}


async def jobs(gateway: Bench, **filters: Any) -> list[dict[str, Any]]:
    """The jobs of CP-1, newest first."""
    asked = JobFilters(station="CP-1", **filters)
    return await reports_jobs.page(gateway.site.readers, asked, before=None, limit=100, now=gateway.clock())


async def only_job(gateway: Bench) -> dict[str, Any]:
    (job,) = await jobs(gateway)
    return job


async def say_firmware(station: ScriptedStation, *statuses: str) -> None:
    for status in statuses:
        assert await station.say("FirmwareStatusNotification", {"status": status}) == {}


async def all_show(station: ScriptedStation, status: str) -> None:
    for connector in (0, 1, 2):
        assert await station.shows(connector, status) == {}


@pytest.mark.case("TC_044_1_CSMS")
async def test_tc_044_1_csms_firmware_update(gateway: Bench, station: ScriptedStation) -> None:
    await station.boots(firmwareVersion="1.0")
    got, outcome = await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    assert (got, outcome.response, outcome.warning) == (UPDATE, {}, None)
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["location"]) == ("Accepted", None, UPDATE["location"])
    await say_firmware(station, "Downloading", "Downloaded")
    await all_show(station, "Unavailable")
    await say_firmware(station, "Installing")
    assert (await station.boots(firmwareVersion="1.1"))["status"] == "Accepted"
    await all_show(station, "Available")
    await say_firmware(station, "Installed")
    job = await only_job(gateway)
    assert (job["kind"], job["status"], job["result"]) == ("firmware", "Installed", "succeeded")
    assert (job["command_id"], job["version_before"], job["version_after"]) == (outcome.command_id, "1.0", "1.1")


@pytest.mark.case("TC_044_2_CSMS")
async def test_tc_044_2_csms_firmware_update_download_failed(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloading", "DownloadFailed")
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("DownloadFailed", "failed")


@pytest.mark.case("TC_044_3_CSMS")
async def test_tc_044_3_csms_firmware_update_installation_failed(gateway: Bench, station: ScriptedStation) -> None:
    await station.boots(firmwareVersion="1.0")
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloading", "Downloaded")
    await all_show(station, "Unavailable")
    await say_firmware(station, "Installing")
    assert (await station.boots(firmwareVersion="1.0"))["status"] == "Accepted"
    await all_show(station, "Available")
    await say_firmware(station, "InstallationFailed")
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("InstallationFailed", "failed")
    assert (job["version_before"], job["version_after"]) == ("1.0", "1.0")


@pytest.mark.case("TC_045_1_CSMS")
async def test_tc_045_1_csms_get_diagnostics(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "GetDiagnostics", DIAGNOSTICS, answered={"fileName": "d.zip"})
    assert (got, outcome.response, outcome.warning) == (DIAGNOSTICS, {"fileName": "d.zip"}, None)
    for status in ("Uploading", "Uploaded"):
        assert await station.say("DiagnosticsStatusNotification", {"status": status}) == {}
    job = await only_job(gateway)
    assert (job["kind"], job["status"], job["result"]) == ("diagnostics", "Uploaded", "succeeded")
    assert (job["location"], job["file_name"]) == (DIAGNOSTICS["location"], "d.zip")


@pytest.mark.case("TC_045_2_CSMS")
async def test_tc_045_2_csms_get_diagnostics_upload_failed(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "GetDiagnostics", DIAGNOSTICS, answered={"fileName": "d.zip"})
    for status in ("Uploading", "UploadFailed"):
        assert await station.say("DiagnosticsStatusNotification", {"status": status}) == {}
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("UploadFailed", "failed")


@pytest.mark.case("TC_054_CSMS")
@pytest.mark.parametrize("answer", ["Accepted", "NotImplemented"])
async def test_tc_054_csms_trigger_messages(gateway: Bench, station: ScriptedStation, answer: str) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloading", "DownloadFailed")
    await gateway.sends(station, "GetDiagnostics", DIAGNOSTICS, answered={"fileName": "d.zip"})
    assert await station.say("DiagnosticsStatusNotification", {"status": "Uploaded"}) == {}
    finished = await jobs(gateway)

    wanted: dict[str, object] = {"requestedMessage": "MeterValues", "connectorId": 1}
    got, outcome = await gateway.sends(station, "TriggerMessage", wanted, answered=ACCEPTED)
    assert (got, outcome.response, outcome.warning) == (wanted, ACCEPTED, None)
    assert await station.measures(1, [{"value": "1000", "context": "Trigger"}]) == {}
    wanted = {"requestedMessage": "Heartbeat"}
    got, _ = await gateway.sends(station, "TriggerMessage", wanted, answered=ACCEPTED)
    assert got == wanted
    assert (await station.say("Heartbeat", {}))["currentTime"].endswith("Z")
    wanted = {"requestedMessage": "StatusNotification", "connectorId": 1}
    got, _ = await gateway.sends(station, "TriggerMessage", wanted, answered=ACCEPTED)
    assert got == wanted
    assert await station.shows(1, "Available") == {}
    for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        wanted = {"requestedMessage": message}
        got, outcome = await gateway.sends(station, "TriggerMessage", wanted, answered={"status": answer})
        assert (got, outcome.status, outcome.response) == (wanted, "answered", {"status": answer})
        assert await station.say(message, {"status": "Idle"}) == {}
    assert await jobs(gateway) == finished


@pytest.mark.case("TC_055_CSMS")
@pytest.mark.parametrize("more", [{}, {"connectorId": 3}, {"connectorId": 0}])
async def test_tc_055_csms_trigger_rejected(gateway: Bench, station: ScriptedStation, more: dict[str, int]) -> None:
    wanted = {"requestedMessage": "MeterValues", **more}
    got, outcome = await gateway.sends(station, "TriggerMessage", wanted, answered={"status": "Rejected"})
    assert (got, outcome.status, outcome.response) == (wanted, "answered", {"status": "Rejected"})


@pytest.mark.case("TC_079_CSMS")
async def test_tc_079_csms_get_security_log(gateway: Bench, station: ScriptedStation) -> None:
    answered = {"status": "Accepted", "filename": "security.log"}
    got, outcome = await gateway.sends(station, "GetLog", LOG, answered=answered)
    assert (got, outcome.response, outcome.warning, outcome.request) == (LOG, answered, None, None)
    for status in ("Uploading", "Uploaded"):
        assert await station.say("LogStatusNotification", {"status": status, "requestId": 42}) == {}
    job = await only_job(gateway)
    assert (job["kind"], job["status"], job["result"]) == ("log", "Uploaded", "succeeded")
    assert (job["request_id"], job["file_name"], job["location"]) == (42, "security.log", "ftp://192.0.2.1/logs")


LAST_FOUR = ("boot", "security event", "available", "Installed")


@pytest.mark.case("TC_080_CSMS")
@pytest.mark.parametrize("numbered", [True, False], ids=["with requestId", "without"])
@pytest.mark.parametrize("order", list(permutations(LAST_FOUR)), ids=",".join)
async def test_tc_080_csms_secure_firmware_update(
    gateway: Bench, station: ScriptedStation, order: tuple[str, ...], numbered: bool
) -> None:
    await station.boots(firmwareVersion="1.0")
    got, outcome = await gateway.sends(station, "SignedUpdateFirmware", SIGNED, answered=ACCEPTED)
    assert (got, outcome.response, outcome.warning) == (SIGNED, ACCEPTED, None)
    number = {"requestId": 41} if numbered else {}

    async def says(status: str) -> None:
        assert await station.say("SignedFirmwareStatusNotification", {"status": status, **number}) == {}

    for status in ("Downloading", "Downloaded", "SignatureVerified"):
        await says(status)
    await all_show(station, "Unavailable")
    await says("Installing")
    await says("InstallRebooting")
    for step in order:
        if step == "boot":
            assert (await station.boots(firmwareVersion="1.1"))["status"] == "Accepted"
        elif step == "security event":
            event = {"type": "FirmwareUpdated", "timestamp": NOW}
            assert await station.say("SecurityEventNotification", event) == {}
        elif step == "available":
            await all_show(station, "Available")
        else:
            await says("Installed")
    job = await only_job(gateway)
    assert (job["kind"], job["status"], job["result"]) == ("signed_firmware", "Installed", "succeeded")
    assert (job["request_id"], job["version_before"], job["version_after"]) == (41, "1.0", "1.1")
    (event,) = await gateway.rows("SELECT type, critical FROM security_events")
    assert event == {"type": "FirmwareUpdated", "critical": 1}


@pytest.mark.case("TC_081_CSMS")
async def test_tc_081_csms_secure_firmware_update_bad_signature(gateway: Bench, station: ScriptedStation) -> None:
    firmware = {**SIGNED["firmware"], "signature": "INVALID"}  # type: ignore[dict-item]
    wanted = {**SIGNED, "firmware": firmware}
    got, outcome = await gateway.sends(station, "SignedUpdateFirmware", wanted, answered=ACCEPTED)
    assert (got, outcome.status, outcome.warning) == (wanted, "answered", None)
    for status in ("Downloading", "Downloaded", "InvalidSignature"):
        told = {"status": status, "requestId": 41}
        assert await station.say("SignedFirmwareStatusNotification", told) == {}
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("InvalidSignature", "failed")


async def test_tc_078_csms_the_security_event_is_answered(gateway: Bench, station: ScriptedStation) -> None:
    """The part of the case that is about the event; the certificate has a test of its own."""
    wanted = {"certificateType": "CentralSystemRootCertificate", "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n"}
    got, outcome = await gateway.sends(station, "InstallCertificate", wanted, answered={"status": "Rejected"})
    assert (got, outcome.response) == (wanted, {"status": "Rejected"})
    event = {"type": "InvalidCentralSystemCertificate", "timestamp": NOW}
    assert await station.say("SecurityEventNotification", event) == {}
    (told,) = await gateway.events("station.security_event")
    assert (told["type"], told["critical"]) == ("InvalidCentralSystemCertificate", True)
