"""Rules about triggers, firmware, diagnostics, logs and security events that no certification case tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.operations.provision_stations import Provisioned, put_station
from gateway.rules.security_events import LEFT_OUT, MOST_AN_HOUR
from tests.conformance.site_under_test import Bench, bench
from tests.conformance.test_firmware_and_logs import (
    ACCEPTED,
    DIAGNOSTICS,
    LOG,
    SIGNED,
    UPDATE,
    jobs,
    only_job,
    say_firmware,
)
from tests.fakes.scripted_station import NOW, CallError, ScriptedStation

TRIGGERS = (
    "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "StatusNotification",
)  # fmt: skip
EXTENDED = (
    "BootNotification", "LogStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "SignChargePointCertificate", "StatusNotification",
)  # fmt: skip


async def say_log(station: ScriptedStation, status: str, **more: object) -> None:
    assert await station.say("LogStatusNotification", {"status": status, **more}) == {}


async def refused(gateway: Bench, station: ScriptedStation, action: str, payload: dict[str, Any], code: str) -> Any:
    """The operator sends a request that the station answers with a CALLERROR."""
    order = asyncio.create_task(gateway.order(action, payload))
    await station.expect(action)
    await station.refuse(code, "no")
    return await order


# 2.2.5


async def test_rule_2_2_05_a_trigger_for_a_boot_is_sent_only_by_hand_and_may_be_rejected(
    gateway: Bench, station: ScriptedStation
) -> None:
    wanted = {"requestedMessage": "BootNotification"}
    _, outcome = await gateway.sends(station, "TriggerMessage", wanted, answered={"status": "Rejected"})
    assert (outcome.status, outcome.response) == ("answered", {"status": "Rejected"})
    await gateway.sends(station, "TriggerMessage", wanted, answered=ACCEPTED)
    assert (await station.boots())["status"] == "Accepted"


# 2.6.5


@pytest.mark.parametrize(
    ("action", "message"),
    [*(("TriggerMessage", one) for one in TRIGGERS), *(("ExtendedTriggerMessage", one) for one in EXTENDED)],
)
@pytest.mark.parametrize("answer", ["Accepted", "Rejected", "NotImplemented"])
async def test_rule_2_6_05_every_message_can_be_triggered_and_every_answer_is_a_result(
    gateway: Bench, station: ScriptedStation, action: str, message: str, answer: str
) -> None:
    wanted = {"requestedMessage": message}
    got, outcome = await gateway.sends(station, action, wanted, answered={"status": answer})
    assert got == wanted
    assert (outcome.status, outcome.response, outcome.warning) == ("answered", {"status": answer}, None)


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
async def test_rule_2_6_05_an_error_is_a_result(gateway: Bench, station: ScriptedStation, action: str) -> None:
    outcome = await refused(gateway, station, action, {"requestedMessage": "MeterValues"}, "NotImplemented")
    assert (outcome.status, outcome.code) == ("call_error", "NotImplemented")


async def test_rule_2_6_05_what_is_not_in_the_list_goes_out_with_a_warning(gateway: Bench) -> None:
    async with gateway.station(free_payloads=True) as station:
        await station.boots()
        wanted = {"requestedMessage": "StartTransaction", "connectorId": "none"}
        got, outcome = await gateway.sends(station, "TriggerMessage", wanted, answered={"status": "NotImplemented"})
        assert got == wanted
        assert outcome.warning is not None


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
async def test_rule_2_6_05_a_trigger_never_changes_a_finished_job(
    gateway: Bench, station: ScriptedStation, action: str
) -> None:
    await gateway.sends(station, "SignedUpdateFirmware", SIGNED, answered=ACCEPTED)
    assert await station.say("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 41}) == {}
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, "UploadFailure", requestId=42)
    finished = await jobs(gateway)
    for message in ("FirmwareStatusNotification", "StatusNotification"):
        await gateway.sends(station, action, {"requestedMessage": message}, answered=ACCEPTED)
        for told in ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"):
            for status in ("Idle", "Installed", "Downloading"):
                assert await station.say(told, {"status": status}) == {}
    await say_log(station, "Idle")
    await say_log(station, "UploadFailure", requestId=42)
    assert await jobs(gateway) == finished


async def test_rule_2_6_05_a_plain_trigger_may_be_answered_with_the_plain_notification_of_a_signed_update(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "SignedUpdateFirmware", SIGNED, answered=ACCEPTED)
    await gateway.sends(
        station, "TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"}, answered=ACCEPTED
    )
    await say_firmware(station, "Downloading")
    job = await only_job(gateway)
    assert (job["kind"], job["status"], job["result"]) == ("signed_firmware", "Downloading", None)


async def test_rule_2_6_05_idle_does_not_end_a_job_that_runs(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloading", "Idle")
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["idle_time"]) == ("Downloading", None, "2027-01-15T08:00:00.000Z")
    await say_firmware(station, "Downloading")
    assert (await only_job(gateway))["idle_time"] is None


# 2.6.7, foreign stations 5


@pytest.mark.parametrize("answer", [{}, {"fileName": ""}])
async def test_rule_2_6_07_no_file_name_means_nothing_to_upload(
    gateway: Bench, station: ScriptedStation, answer: dict[str, str]
) -> None:
    _, outcome = await gateway.sends(station, "GetDiagnostics", DIAGNOSTICS, answered=answer)
    assert (outcome.status, outcome.response) == ("answered", answer)
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["file_name"]) == ("NothingToUpload", "nothing_to_upload", None)


async def test_rule_2_6_07_no_file_name_is_no_end_when_the_upload_has_begun_before_the_answer(
    gateway: Bench, station: ScriptedStation
) -> None:
    order = asyncio.create_task(gateway.order("GetDiagnostics", DIAGNOSTICS))
    await station.expect("GetDiagnostics")
    assert await station.say("DiagnosticsStatusNotification", {"status": "Uploading"}) == {}
    await station.answer({})
    await order
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("Uploading", None)


@pytest.mark.parametrize("status", ["UploadFailed", "UploadFailure", "uploadfailure"])
async def test_rule_2_6_07_both_spellings_of_a_failed_upload(
    gateway: Bench, station: ScriptedStation, status: str
) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, "Uploading", requestId=42)
    await say_log(station, status, requestId=42)
    assert (await only_job(gateway))["result"] == "failed"
    await gateway.sends(station, "GetDiagnostics", DIAGNOSTICS, answered={"fileName": "d.zip"})
    assert await station.say("DiagnosticsStatusNotification", {"status": status}) == {}
    assert {job["kind"]: job["result"] for job in await jobs(gateway)} == {"log": "failed", "diagnostics": "failed"}


@pytest.mark.parametrize("status", ["BadMessage", "NotSupportedOperation", "PermissionDenied"])
async def test_rule_2_6_07_what_ends_an_upload(gateway: Bench, station: ScriptedStation, status: str) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, status, requestId=42)
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == (status, "failed")


# 2.9.9


@pytest.mark.parametrize("written", [True, False])
async def test_rule_2_9_09_a_request_id_is_filled_in_only_when_none_is_written(
    gateway: Bench, station: ScriptedStation, written: bool
) -> None:
    firmware = SIGNED["firmware"]
    first = SIGNED if written else {"firmware": firmware}
    got, outcome = await gateway.sends(station, "SignedUpdateFirmware", first, answered=ACCEPTED)
    assert got == {"requestId": 41 if written else 1, "firmware": firmware}
    assert outcome.request == (None if written else got)
    log = {"logType": "DiagnosticsLog", "log": {"remoteLocation": "ftp://192.0.2.1/"}}
    got, outcome = await gateway.sends(station, "GetLog", log, answered=ACCEPTED)
    assert got == outcome.request == {**log, "requestId": 42 if written else 2}


@pytest.mark.parametrize("written", [10**30, "5", None, True, -1])
async def test_rule_2_9_09_any_request_id_goes_out_as_written(gateway: Bench, written: object) -> None:
    async with gateway.station(free_payloads=True) as station:
        await station.boots()
        got, outcome = await gateway.sends(station, "GetLog", {**LOG, "requestId": written}, answered=ACCEPTED)
        assert got == {**LOG, "requestId": written}
        assert outcome.status == "answered"
        await say_log(station, "Uploaded")
    assert (await only_job(gateway))["result"] == "succeeded"


@pytest.mark.parametrize("answer", ["Rejected", "InvalidCertificate", "RevokedCertificate"])
async def test_rule_2_9_09_a_refusal_is_the_result(gateway: Bench, station: ScriptedStation, answer: str) -> None:
    await gateway.sends(station, "SignedUpdateFirmware", SIGNED, answered={"status": answer})
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == (answer, "refused")


@pytest.mark.parametrize("answer", ["Accepted", "AcceptedCanceled"])
async def test_rule_2_9_09_a_new_job_ends_the_open_one(gateway: Bench, station: ScriptedStation, answer: str) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, "Uploading", requestId=42)
    await gateway.sends(station, "GetLog", {**LOG, "requestId": 43}, answered={"status": answer})
    await say_log(station, "UploadFailure", requestId=42)  # late, about the one that was given up
    await say_log(station, "Uploaded", requestId=43)
    new, old = await jobs(gateway)
    assert (old["request_id"], old["status"], old["result"]) == (42, "Uploading", "superseded")
    assert (new["request_id"], new["status"], new["result"]) == (43, "Uploaded", "succeeded")


async def test_rule_2_9_09_a_word_about_the_open_job_while_another_is_asked_for(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    order = asyncio.create_task(gateway.order("GetLog", {**LOG, "requestId": 43}))
    await station.expect("GetLog")
    await say_log(station, "Uploading")
    await station.answer({"status": "Rejected"})
    await order
    await say_log(station, "Uploaded")
    assert [(job["request_id"], job["result"]) for job in await jobs(gateway)] == [(43, "refused"), (42, "succeeded")]


async def test_rule_2_9_09_a_new_job_that_is_refused_leaves_the_open_one(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, "Uploading", requestId=42)
    await gateway.sends(station, "GetLog", {**LOG, "requestId": 43}, answered={"status": "Rejected"})
    await say_log(station, "Uploaded")
    assert [job["result"] for job in await jobs(gateway)] == ["refused", "succeeded"]


async def test_rule_2_9_09_an_unknown_request_id_is_about_the_newest_open_job(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "GetLog", LOG, answered=ACCEPTED)
    await say_log(station, "Uploading", requestId=-1)
    await say_log(station, "Preparing", requestId=10**30)
    await say_log(station, "Uploaded", requestId=10**30)
    job = await only_job(gateway)
    assert (job["request_id"], job["result"]) == (42, "succeeded")


@pytest.mark.parametrize(
    ("action", "payload", "instead"),
    [
        ("UpdateFirmware", UPDATE, "SignedUpdateFirmware"),
        ("SignedUpdateFirmware", SIGNED, "UpdateFirmware"),
        ("GetLog", LOG, "GetDiagnostics"),
        ("GetDiagnostics", DIAGNOSTICS, "GetLog"),
    ],
)
async def test_rule_2_9_09_not_supported_is_a_result_with_a_hint(
    gateway: Bench, station: ScriptedStation, action: str, payload: dict[str, Any], instead: str
) -> None:
    outcome = await refused(gateway, station, action, payload, "NotSupported")
    assert (outcome.status, outcome.code) == ("call_error", "NotSupported")
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("CallError", "refused")
    assert job["detail"].startswith("NotSupported: ")
    assert instead in job["detail"]


async def test_rule_2_9_09_statuses_may_be_left_out_or_unknown(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "SignedUpdateFirmware", SIGNED, answered=ACCEPTED)
    for status in ("DownloadScheduled", "DownloadPaused", "CertificateVerified", "Polishing", "InstallScheduled"):
        assert await station.say("SignedFirmwareStatusNotification", {"status": status}) == {}
        assert (await only_job(gateway))["status"] == status
    assert "unknown_status" in gateway.quirks()
    assert await station.say("SignedFirmwareStatusNotification", {"status": "Installed"}) == {}
    assert (await only_job(gateway))["result"] == "succeeded"


# 2.9.10


async def test_rule_2_9_10_security_events_are_always_answered_and_keep_their_own_time(
    gateway: Bench, station: ScriptedStation
) -> None:
    yesterday = {"type": "ResetOrReboot", "timestamp": "2027-01-14T03:00:00Z", "techInfo": "watchdog"}
    misspelt = {"type": "FailedToAuthenticationAtCentralSystem", "timestamp": NOW}
    never_set = {"type": "Made up by the vendor", "timestamp": "1970-01-01T00:00:09Z"}
    for event in (yesterday, misspelt, never_set):
        assert await station.say("SecurityEventNotification", event) == {}
    rows = await gateway.rows("SELECT type, critical, tech_info, happened_at, recorded_at FROM security_events")
    assert [(row["type"], row["critical"]) for row in rows] == [
        ("ResetOrReboot", 1),
        ("FailedToAuthenticationAtCentralSystem", 0),
        ("Made up by the vendor", 0),
    ]
    assert rows[0]["tech_info"] == "watchdog"
    assert rows[0]["recorded_at"] - rows[0]["happened_at"] == 29 * 3600 * 1_000_000
    assert rows[2]["recorded_at"] == rows[2]["happened_at"]
    (told, *_) = await gateway.rows("SELECT happened_at, recorded_at FROM events WHERE kind = 'station.security_event'")
    assert told == {"happened_at": rows[0]["happened_at"], "recorded_at": rows[0]["recorded_at"]}


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"type": "T" * 70, "timestamp": NOW}, "T" * 50),
        ({"type": "MemoryExhaustion", "timestamp": "yesterday"}, "MemoryExhaustion"),
        ({"type": "MemoryExhaustion"}, "MemoryExhaustion"),
        ({"type": 7, "timestamp": 1_800_000_000}, "7"),
        ({"timestamp": NOW, "techInfo": "x" * 300}, "unknown"),
    ],
)
async def test_rule_2_9_10_security_events_that_break_the_schema_are_answered_too(
    gateway: Bench, station: ScriptedStation, event: dict[str, Any], kept: str
) -> None:
    assert await station.say("SecurityEventNotification", event) == {}
    (row,) = await gateway.rows("SELECT type FROM security_events")
    assert row["type"] == kept


async def test_rule_2_9_10_a_flood_of_security_events_is_counted(gateway: Bench, station: ScriptedStation) -> None:
    for _ in range(MOST_AN_HOUR + 20):
        assert await station.say("SecurityEventNotification", {"type": "InvalidMessages", "timestamp": NOW}) == {}
    assert await station.say("SecurityEventNotification", {"type": "ResetOrReboot", "timestamp": NOW}) == {}
    rows = await gateway.rows("SELECT type, times, count(*) AS n FROM security_events GROUP BY type ORDER BY type")
    assert [tuple(row.values()) for row in rows] == [
        ("InvalidMessages", 1, MOST_AN_HOUR),
        ("ResetOrReboot", 1, 1),
        (LEFT_OUT, 20, 1),
    ]
    assert len(await gateway.events("station.security_event")) == MOST_AN_HOUR + 1
    assert [event["type"] for event in await gateway.events("gateway.security_event")] == [LEFT_OUT]
    gateway.clock.forward(minutes=61)
    assert await station.say("SecurityEventNotification", {"type": "InvalidMessages", "timestamp": NOW}) == {}
    assert len(await gateway.events("station.security_event")) == MOST_AN_HOUR + 2


# 2.11.1, 2.11.2


@pytest.mark.parametrize("reboot_first", [True, False])
async def test_rule_2_11_01_the_reboot_may_come_before_or_after_installed(
    gateway: Bench, station: ScriptedStation, reboot_first: bool
) -> None:
    await station.boots(firmwareVersion="1.0")
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloaded", "Downloading", "Installing")  # order is not guaranteed
    if reboot_first:
        await station.boots(firmwareVersion="1.1")
        await say_firmware(station, "Installed")
    else:
        await say_firmware(station, "Installed")
        await station.boots(firmwareVersion="1.1")
    await say_firmware(station, "Idle", "Installing", "Installed")
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("Installed", "succeeded")
    assert (job["version_before"], job["version_after"]) == ("1.0", "1.1")


async def test_rule_2_11_01_a_flood_of_the_same_word_is_told_once(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    for _ in range(50):
        await say_firmware(station, "Downloading")
    assert [told["status"] for told in await gateway.events("firmware.status")] == ["Accepted", "Downloading"]
    assert len(await gateway.events("station.notified")) == 1
    await say_firmware(station, "Installed")
    for status in ("Downloading", "Idle"):
        for _ in range(20):
            await say_firmware(station, status)
    told = [event["notification"]["status"] for event in await gateway.events("station.notified")]
    assert told == ["Downloading", "Installed", "Downloading", "Idle"]
    gateway.clock.forward(hours=2)
    await say_firmware(station, "Idle")
    assert len(await gateway.events("station.notified")) == 5


async def test_rule_2_11_01_a_silent_station_keeps_its_job_open_with_its_age(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, "Downloading")
    gateway.clock.forward(hours=30)
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["age_seconds"]) == ("Downloading", None, 108_000)


async def test_rule_2_11_01_what_nobody_asked_for_is_a_job_of_the_station(
    gateway: Bench, station: ScriptedStation
) -> None:
    await say_firmware(station, "Downloading", "Installing", "Installed")
    job = await only_job(gateway)
    assert (job["command_id"], job["status"], job["result"]) == (None, "Installed", "succeeded")


@pytest.mark.parametrize("word", ["Polishing", "SignatureVerified", "x" * 60])
async def test_rule_2_11_01_no_firmware_status_gets_an_error(
    gateway: Bench, station: ScriptedStation, word: str
) -> None:
    await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
    await say_firmware(station, word)
    assert (await only_job(gateway))["status"] == word


async def test_rule_2_11_01_strict_stations_get_the_letter(gateway: Bench) -> None:
    """With `strict` an unlisted status is refused, for testing a station."""
    strict = await put_station(gateway.site, "CP-1", {"strict": True}, actor="tester")
    assert isinstance(strict, Provisioned)
    async with gateway.station() as station:
        await station.boots()
        answer = await station.say("FirmwareStatusNotification", {"status": "Polishing"})
        assert isinstance(answer, CallError)
        assert answer.code == "PropertyConstraintViolation"


async def test_rule_2_11_01_an_order_that_nobody_answers_stays_uncertain(
    gateway: Bench, station: ScriptedStation
) -> None:
    gateway.wait_for_answers(seconds=0.05)
    order = asyncio.create_task(gateway.order("UpdateFirmware", UPDATE))
    await station.expect("UpdateFirmware")
    assert (await order).status == "unanswered"
    job = await only_job(gateway)
    assert (job["status"], job["result"]) == ("Asked", None)
    assert "nobody knows" in job["detail"]
    await say_firmware(station, "Downloading", "Installed")
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["detail"]) == ("Installed", "succeeded", None)


async def test_rule_2_11_01_an_order_for_a_station_that_is_away_was_not_sent(gateway: Bench) -> None:
    assert (await gateway.order("UpdateFirmware", UPDATE)).status == "not_connected"
    job = await only_job(gateway)
    assert (job["status"], job["result"], job["detail"]) == ("NotSent", "not_sent", "not_connected")


async def test_rule_2_11_01_an_order_cut_off_by_a_restart_stays_uncertain(tmp_path: Any) -> None:
    async with bench(tmp_path) as gateway, gateway.station(free_payloads=True) as station:
        await station.boots()
        order = asyncio.create_task(gateway.order("UpdateFirmware", UPDATE))
        await station.expect("UpdateFirmware")
        order.cancel()
        await asyncio.gather(order, return_exceptions=True)
    async with bench(tmp_path) as gateway:
        job = await only_job(gateway)
        assert (job["status"], job["result"]) == ("Asked", None)
        assert "nobody knows" in job["detail"]


async def test_rule_2_11_01_jobs_are_kept_over_a_restart(tmp_path: Any) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots(firmwareVersion="1.0")
        await gateway.sends(station, "UpdateFirmware", UPDATE, answered={})
        await say_firmware(station, "Downloading")
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots(firmwareVersion="1.1")
        await say_firmware(station, "Installed")
        job = await only_job(gateway)
    assert (job["result"], job["version_before"], job["version_after"]) == ("succeeded", "1.0", "1.1")


@pytest.mark.parametrize("retries", [0, 1, 7])
async def test_rule_2_11_02_retries_go_out_as_written(gateway: Bench, station: ScriptedStation, retries: int) -> None:
    wanted = {**DIAGNOSTICS, "retries": retries, "startTime": NOW, "stopTime": NOW}
    got, outcome = await gateway.sends(station, "GetDiagnostics", wanted, answered={"fileName": "d"})
    assert (got, outcome.warning) == (wanted, None)


async def test_passwords_in_addresses_are_sent_and_never_kept(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {**UPDATE, "location": "ftp://up:HushHush1@192.0.2.1/fw.bin"}
    got, _ = await gateway.sends(station, "UpdateFirmware", wanted, answered={})
    assert got == wanted
    job = await only_job(gateway)
    assert job["location"] == "ftp://up:***@192.0.2.1/fw.bin"
    await say_firmware(station, "Downloading", "Cannot log in to ftp://up:HushHush1@192.0.2.1", "DownloadFailed")
    assert (await only_job(gateway))["status"] == "DownloadFailed"
    kept = await gateway.rows("SELECT data AS text FROM events UNION ALL SELECT request FROM commands")
    assert not [row for row in kept if "HushHush1" in row["text"]]
