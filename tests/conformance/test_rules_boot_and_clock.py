"""Rules 2.2: registration, what it allows, and clocks that are wrong. No certification case looks at these."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.operations.apply_settings import apply_settings
from gateway.operations.keep_house import end_abandoned_sessions
from gateway.operations.provision_stations import put_station
from tests.conformance.site_under_test import CERTIFICATION, Bench, bench
from tests.fakes.scripted_station import NOW, CallError, ScriptedStation

PENDING = CERTIFICATION + '\nunknown_stations = "pending"'


async def test_rule_2_2_01_the_interval_is_the_configured_heartbeat_and_never_zero(station: ScriptedStation) -> None:
    assert (await station.boots())["interval"] == 10


async def test_rule_2_2_02_a_pending_station_is_kept_connected_and_may_be_configured(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        booted = await station.boots()
        assert booted["status"] == "Pending"
        assert booted["interval"] > 0
        keys = {"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]}
        _, outcome = await gateway.sends(station, "GetConfiguration", {}, answered=keys)
        assert outcome.status == "answered"
        trigger = {"requestedMessage": "BootNotification"}
        _, outcome = await gateway.sends(station, "TriggerMessage", trigger, answered={"status": "Accepted"})
        assert outcome.status == "answered"


@pytest.mark.parametrize(
    ("action", "payload"),
    [("RemoteStartTransaction", {"idTag": "VALID"}), ("RemoteStopTransaction", {"transactionId": 1})],
)
async def test_rule_2_2_02_no_remote_start_or_stop_while_pending(
    tmp_path: Path, action: str, payload: dict[str, object]
) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        await station.boots()
        outcome = await gateway.order(action, payload)
        assert outcome.status == "refused"
        assert outcome.description
        assert await station.say("Heartbeat", {})  # nothing was sent before this was answered
        assert station.requests.empty()


async def test_rule_2_2_03_before_acceptance_nobody_is_authorized_and_nothing_is_charged(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        for answer in (
            await station.starts(),
            await station.stops(1),
            await station.say("Authorize", {"idTag": "VALID"}),
            await station.say("DataTransfer", {"vendorId": "V"}),
        ):
            assert isinstance(answer, CallError)
            assert answer.code == "SecurityError"
        assert await gateway.transactions() == []
        assert await gateway.events("authorization.decided") == []


async def test_rule_2_2_02_what_a_trigger_asks_of_a_pending_station_is_taken(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        assert (await station.boots())["status"] == "Pending"
        assert "currentTime" in await station.say("Heartbeat", {})
        trigger = {"requestedMessage": "StatusNotification", "connectorId": 1}
        await gateway.sends(station, "TriggerMessage", trigger, answered={"status": "Accepted"})
        assert await station.shows(1, "Faulted") == {}
        assert (await gateway.connector(1))["status"] == "Faulted"
        assert await station.measures(1, [{"value": "1000"}]) == {}
        for action in ("DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"):
            assert await station.say(action, {"status": "Idle"}) == {}
        assert len(await gateway.events("station.notified")) == 3
        assert await gateway.rows("SELECT connector FROM meter_frames") == [{"connector": 1}]


async def test_rule_2_2_02_adopting_a_pending_station_accepts_its_next_boot(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        assert (await station.boots())["status"] == "Pending"
        await put_station(gateway.site, "CP-1", {}, actor="tester")
        assert (await station.boots())["status"] == "Accepted"
        assert await station.shows(1, "Available") == {}
        assert await station.charges() > 0


async def test_rule_2_2_02_an_adopted_station_may_charge_over_the_connection_it_has(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway, gateway.station() as station:
        assert (await station.boots())["status"] == "Pending"
        await apply_settings(gateway.site, "CP-1")
        assert isinstance(await station.starts(), CallError), "still pending"
        await put_station(gateway.site, "CP-1", {}, actor="tester")
        await apply_settings(gateway.site, "CP-1")
        assert await station.charges() > 0


async def test_rule_2_2_02_pending_and_adopted_both_outlive_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway:
        async with gateway.station("ADOPTED") as station:
            await station.boots()
            await put_station(gateway.site, "ADOPTED", {}, actor="tester")
        async with gateway.station("WAITING") as station:
            await station.boots()
    async with bench(tmp_path, ocpp=PENDING, more="") as gateway:
        async with gateway.station("ADOPTED") as station:
            assert await station.charges() > 0  # without a boot
        async with gateway.station("WAITING") as station:
            assert isinstance(await station.starts(), CallError)
            assert (await station.boots())["status"] == "Pending"


async def test_rule_2_2_02_a_station_that_nobody_knows_any_more_is_rejected(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.boots()
        await gateway.site.database.write(lambda db: db.execute("DELETE FROM stations"))
        booted = await station.boots()
        assert booted["status"] == "Rejected"
        assert booted["interval"] > 0


async def test_rule_2_2_04_connectors_are_learned_from_what_is_told_after_the_boot(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.boots()
        for connector in (0, 1, 2, 3):
            await station.shows(connector, "Available")
        rows = await gateway.rows("SELECT connector FROM connectors WHERE station = 'CP-1' ORDER BY connector")
        assert [row["connector"] for row in rows] == [0, 1, 2, 3]


async def test_rule_2_2_05_in_certification_mode_nothing_is_sent_that_nobody_asked_for(gateway: Bench) -> None:
    """Not after a connect, a boot, a setting that changed, a session, a restart of either side."""
    for _ in range(2):
        async with gateway.station() as station:  # leaving fails when there was a request that nobody expected
            assert (await station.boots())["status"] == "Accepted"
            assert (await station.boots())["status"] == "Accepted"
            for connector in (0, 1, 2):
                await station.shows(connector, "Available")
            change = {"key": "MeterValueSampleInterval", "value": "60"}
            await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "RebootRequired"})
            await gateway.sends(station, "Reset", {"type": "Soft"}, answered={"status": "Accepted"})
            transaction = await station.charges(1)
            gateway.clock.forward(hours=25)
            await station.stops(transaction, at="2027-01-16T08:00:00Z")
            await station.say("Heartbeat", {})
            assert station.requests.empty()


async def test_rule_2_1_11_a_station_accepted_once_needs_no_boot_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        transaction = await station.charges()
    async with bench(tmp_path) as gateway, gateway.station() as station:
        assert (await station.authorizes("OTHER"))["status"] == "Accepted"
        assert await station.stops(transaction) == {}
        assert (await gateway.transaction(transaction))["open"] is False


async def test_rule_2_2_06_our_time_ends_in_z_with_at_most_three_decimals(gateway: Bench) -> None:
    gateway.clock.now += 123_456
    async with gateway.station() as station:
        for told in (await station.boots(), await station.say("Heartbeat", {})):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.123Z", told["currentTime"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2027-01-15T07:30:00Z", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15T07:30:00.1234567Z", "2027-01-15T07:30:00.123Z"),
        ("2027-01-15T08:30:00+01:00", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15T09:30:00+02", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15T09:30:00+0200", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15t07:30:00z", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15 07:30:00Z", "2027-01-15T07:30:00.000Z"),
        ("2027-01-15T07:30:00", "2027-01-15T07:30:00.000Z"),
    ],
)
async def test_rule_2_2_06_many_ways_to_write_a_time(
    gateway: Bench, station: ScriptedStation, written: str, meant: str
) -> None:
    transaction = (await station.starts(at=written))["transactionId"]
    recorded = await gateway.transaction(transaction)
    assert (recorded["start_time"], recorded["anomalies"]) == (meant, [])
    (kept,) = await gateway.rows("SELECT start_text, start_received_at FROM transactions")
    assert kept == {"start_text": written, "start_received_at": gateway.clock.now}


async def test_clock_skew_a_start_in_1970_is_recorded_as_written_and_marked(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = (await station.starts(at="1970-01-01T00:03:00Z"))["transactionId"]
    recorded = await gateway.transaction(transaction)
    assert recorded["start_time"] == "1970-01-01T00:03:00.000Z"
    assert recorded["anomalies"] == ["clock_not_set"]
    assert await station.stops(transaction, at=NOW) == {}
    assert (await gateway.transaction(transaction))["energy_wh"] == 4000


async def test_clock_skew_a_status_of_1970_or_of_the_future_counts_by_its_receipt(
    gateway: Bench, station: ScriptedStation
) -> None:
    for status, timestamp in (("Preparing", "1970-01-01T00:00:09Z"), ("Charging", "2031-01-01T00:00:00Z")):
        gateway.clock.forward(seconds=10)
        assert await station.shows(1, status, timestamp=timestamp) == {}
        assert (await gateway.connector(1))["status"] == status
    gateway.clock.forward(seconds=10)
    assert await station.shows(1, "Finishing", timestamp="2027-01-15T08:00:30Z") == {}
    assert (await gateway.connector(1))["status"] == "Finishing"


async def test_clock_skew_setting_a_clock_back_by_half_a_minute_hides_no_status(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert await station.shows(1, "Preparing", timestamp="2027-01-15T08:00:40Z") == {}
    gateway.clock.forward(seconds=5)
    await station.say("Heartbeat", {})  # from which the station learns the time
    gateway.clock.forward(seconds=5)
    assert await station.shows(1, "Charging", timestamp="2027-01-15T08:00:10Z") == {}
    assert (await gateway.connector(1))["status"] == "Charging"


async def test_clock_skew_is_estimated_per_station(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.shows(1, "Available", timestamp="2027-01-15T07:59:30Z")
    (row,) = await gateway.rows("SELECT clock_offset_ms FROM stations WHERE station = 'CP-1'")
    assert row["clock_offset_ms"] == -30_000


async def test_clock_skew_a_session_of_a_station_that_lives_tomorrow_locks_nobody_out(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = (await station.starts(1, "VALID", at="2027-01-16T09:00:00Z"))["transactionId"]
    assert (await gateway.transaction(transaction))["anomalies"] == ["clock_ahead"]
    gateway.clock.forward(minutes=30)  # the stop is lost
    assert await station.shows(1, "Available", timestamp="2027-01-16T09:30:00Z") == {}
    assert (await station.starts(2, "VALID", at="2027-01-16T09:31:00Z"))["idTagInfo"]["status"] == "Accepted"
    gateway.clock.forward(minutes=61)
    await station.say("Heartbeat", {})
    await end_abandoned_sessions(gateway.site)
    assert (await gateway.transaction(transaction))["open"] is False
