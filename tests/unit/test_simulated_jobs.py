"""Firmware, diagnostics and logs of the simulated station: every step is told, as a real one would."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.test_simulated_station import Central, booted, site

pytestmark = pytest.mark.slow


def statuses(central: Central, action: str) -> list[str]:
    return [told["status"] for told in central.all_of(action)]


async def test_a_firmware_update_ends_with_a_boot_of_the_new_version() -> None:
    async with site() as (central, station):
        await booted(central, station)
        wanted = {"location": "ftp://h/post-3.1.4.bin", "retrieveDate": "2027-01-15T08:00:00Z"}
        assert await central.ask("UpdateFirmware", wanted) == {}
        await central.until_heard("SecurityEventNotification")
        assert statuses(central, "FirmwareStatusNotification") == [
            "Downloading",
            "Downloaded",
            "Installing",
            "Installed",
        ]
        assert central.all_of("SecurityEventNotification")[0]["type"] == "FirmwareUpdated"
        assert [boot["firmwareVersion"] for boot in central.all_of("BootNotification")] == ["1.0.0", "3.1.4"]
        assert "Unavailable" in statuses(central, "StatusNotification")
        await central.until(lambda: statuses(central, "StatusNotification")[-1] == "Available")


async def test_an_update_waits_for_the_driver() -> None:
    async with site() as (central, station):
        await booted(central, station)
        driver = asyncio.create_task(station.visit(1, "TAG"))
        await central.until_heard("StartTransaction")
        await central.ask("UpdateFirmware", {"location": "http://h/fw.bin", "retrieveDate": "x"})
        await central.until(lambda: "Downloaded" in statuses(central, "FirmwareStatusNotification"))
        await central.ask("ClearCache", {})
        assert "Installing" not in statuses(central, "FirmwareStatusNotification")
        station.end(1)
        await driver
        await central.until(lambda: "Installed" in statuses(central, "FirmwareStatusNotification"))
        assert station.jobs.firmware_version == "2.0.0"


@pytest.mark.parametrize(
    ("changes", "answer", "told"),
    [
        ({}, "Accepted", ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]),
        ({"signature": "!"}, "Accepted", ["Downloading", "Downloaded", "InvalidSignature"]),
        ({"location": "nowhere"}, "Accepted", ["Downloading", "DownloadFailed"]),
        ({"signingCertificate": "none"}, "InvalidCertificate", []),
    ],
)
async def test_a_signed_update_is_told_with_its_number(changes: dict[str, str], answer: str, told: list[str]) -> None:
    async with site() as (central, station):
        await booted(central, station)
        firmware = {
            "location": "https://h/a-1.1.bin",
            "signingCertificate": "-----BEGIN CERTIFICATE",
            "signature": "c2ln",
        }
        wanted = {"requestId": 9, "firmware": {**firmware, **changes}}
        assert await central.ask("SignedUpdateFirmware", wanted) == {"status": answer}
        await central.until_heard("SignedFirmwareStatusNotification", len(told))
        assert central.all_of("SignedFirmwareStatusNotification") == [{"status": one, "requestId": 9} for one in told]


async def test_diagnostics_and_logs_are_uploaded_as_far_as_one_can_tell() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("GetDiagnostics", {"location": "ftp://h/"}) == {"fileName": "diagnostics-SIM 1.txt"}
        await central.until_heard("DiagnosticsStatusNotification", 2)
        assert statuses(central, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
        await central.ask("GetDiagnostics", {"location": "nowhere"})
        await central.until(lambda: statuses(central, "DiagnosticsStatusNotification")[-1] == "UploadFailed")
        log = {"logType": "SecurityLog", "log": {"remoteLocation": "http://h/"}}
        accepted = await central.ask("GetLog", {**log, "requestId": 1})
        assert accepted == {"status": "Accepted", "filename": "SecurityLog-SIM 1.txt"}
        await central.until_heard("LogStatusNotification")
        instead = await central.ask("GetLog", {**log, "requestId": 2})
        assert instead["status"] == "AcceptedCanceled"
        await central.until_heard("LogStatusNotification", 3)
        assert central.all_of("LogStatusNotification") == [
            {"status": "Uploading", "requestId": 1},
            {"status": "Uploading", "requestId": 2},
            {"status": "Uploaded", "requestId": 2},
        ]


async def test_a_notification_waits_until_the_gateway_is_back() -> None:
    async with site() as (central, station):
        await booted(central, station)
        central.silent_to = {"DiagnosticsStatusNotification"}
        await central.ask("GetDiagnostics", {"location": "ftp://h/"})
        await central.until_heard("DiagnosticsStatusNotification")
        central.silent_to = set()
        await central.until(lambda: "Uploaded" in statuses(central, "DiagnosticsStatusNotification"))
        central.refuses["DiagnosticsStatusNotification"] = 1
        await central.ask("GetDiagnostics", {"location": "ftp://h/"})
        await central.until(lambda: statuses(central, "DiagnosticsStatusNotification").count("Uploaded") == 2)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("LogStatusNotification", "LogStatusNotification"),
        ("Heartbeat", "Heartbeat"),
    ],
)
async def test_extended_triggers_send_what_was_asked(message: str, told: str) -> None:
    async with site() as (central, station):
        await booted(central, station)
        wanted = {"requestedMessage": message}
        assert await central.ask("ExtendedTriggerMessage", wanted) == {"status": "Accepted"}
        await central.until_heard(told)
        wanted = {"requestedMessage": "DiagnosticsStatusNotification"}
        assert await central.ask("ExtendedTriggerMessage", wanted) == {"status": "NotImplemented"}
