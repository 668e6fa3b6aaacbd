"""Rules 2.2.4-2.2.5 and 2.6: what the gateway asks of stations by itself about their settings, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.identities import CommandId, ConnectorId, StationId, fold_tag
from gateway.model.instants import SECOND, Instant
from gateway.operations.carry_out_commands import carry_out
from gateway.store import reservations
from gateway.store.reservations import Request
from tests.fakes.keyed_station import MEASURANDS, key, usual_keys
from tests.fakes.virtual_site import HOUR, MINUTE, ONE_STATION, VirtualSite, play, wants

NEVER_IDLE = "idle_timeout_seconds = 604800"
MAY_REBOOT = f"{NEVER_IDLE}\nreboot_when_idle = true"
SECRET = "0123456789abcdef0123456789abcdef"


def test_rule_2_2_02_a_pending_station_is_asked_nothing_by_the_gateway(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station("STRANGER")
        await station.connect()
        assert (await station.wire.boots())["status"] == "Pending"
        await asyncio.sleep(12 * HOUR)
        assert station.asked == []
        assert await site.rows("SELECT * FROM commands") == [], "it was not even tried"

    play(tmp_path, scene, ocpp=f'{NEVER_IDLE}\nunknown_stations = "pending"', more="")


def test_rule_2_2_04_connectors_are_counted_by_their_status_where_the_key_is_missing(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={"HeartbeatInterval": key("300")})
        await station.boot()
        for connector in (0, 1, 2):
            await station.show("Available", connector)
        await asyncio.sleep(MINUTE)
        assert (await site.capabilities()).connectors == 2
        station.keys["NumberOfConnectors"] = key(4)
        station.firmware = "2.0"
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert (await site.capabilities()).connectors == 4

    play(tmp_path, scene)


@pytest.mark.parametrize("boots_when_asked", [True, False])
def test_rule_2_2_05_a_boot_is_asked_for_only_while_none_was_ever_accepted(
    tmp_path: Path, boots_when_asked: bool
) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(triggers="Accepted" if boots_when_asked else "Rejected")
        await station.connect()
        await asyncio.sleep(HOUR)
        asked = [payload["requestedMessage"] for payload in station.requests("TriggerMessage")]
        assert asked == ["BootNotification", "StatusNotification"]
        await station.boot()
        for _ in range(3):
            await asyncio.sleep(HOUR)
            await station.connect()
        await asyncio.sleep(HOUR)
        asked = [payload["requestedMessage"] for payload in station.requests("TriggerMessage")]
        assert asked.count("BootNotification") == 1

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_rule_2_6_01_a_reboot_that_is_needed_is_remembered_and_left_to_the_operator_by_default(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}))
        await station.boot()
        await asyncio.sleep(24 * HOUR)
        assert await site.drift() == {"HeartbeatInterval": "reboot_required"}
        assert station.changes() == [("HeartbeatInterval", "600")]
        assert station.requests("Reset") == []

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(HeartbeatInterval="600"))


def test_rule_2_6_01_availability_that_is_scheduled_is_no_error(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(availability="Scheduled")
        await station.boot()
        outcome = await carry_out(
            site.site,
            station="CP-1",
            action="ChangeAvailability",
            payload={"connectorId": 0, "type": "Inoperative"},
            actor="tester",
        )
        assert (outcome.status, outcome.response, outcome.warning) == ("answered", {"status": "Scheduled"}, None)

    play(tmp_path, scene)


def test_rule_2_6_02_a_station_that_cannot_tell_all_is_asked_for_few_at_a_time(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {**usual_keys(), "GetConfigurationMaxKeys": key("7", readonly=True)}
        station = site.station(keys=keys, tells_all_at_once=False)
        await station.boot()
        await asyncio.sleep(HOUR)
        first, second, *more = station.requests("GetConfiguration")
        assert first == {}
        assert second == {"key": ["GetConfigurationMaxKeys"]}, "the bound is asked for before it can be kept"
        assert more
        assert all(1 <= len(payload["key"]) <= 7 for payload in more)
        reported = (await site.settings()).known.reported
        assert {name.casefold() for name in keys} <= set(reported)
        assert (await site.capabilities()).feature_profiles == ("Core", "RemoteTrigger")
        asked = len(station.asked)
        await station.boot()
        await asyncio.sleep(HOUR)
        assert len(station.asked) == asked

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_rule_2_6_02_the_question_that_was_too_much_is_put_in_parts_the_next_time(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(never_answered=frozenset({"GetConfiguration"}))
        await station.boot()
        await asyncio.sleep(MINUTE + 30)
        assert station.requests("GetConfiguration") == [{}]
        station.never_answered = frozenset()
        await asyncio.sleep(10 * MINUTE)
        assert station.requests("GetConfiguration")[1] == {"key": ["GetConfigurationMaxKeys"]}
        assert station.requests("GetConfiguration").count({}) == 1
        assert (await site.capabilities()).connectors == 1

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_rule_2_6_02_a_line_that_broke_says_nothing_about_the_question(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(never_answered=frozenset({"GetConfiguration"}))
        await station.boot()
        while not station.asked:  # noqa: ASYNC110, virtual time costs nothing
            await asyncio.sleep(1)
        station.never_answered = frozenset()
        await station.connect()
        await asyncio.sleep(HOUR)
        assert station.requests("GetConfiguration") == [{}, {}]

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_rule_2_6_02_names_compare_without_case(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={"heartBEATinterval": key("300"), "METERVALUESAMPLEINTERVAL": key("30")})
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.changes() == [("MeterValueSampleInterval", "60")]
        assert await site.drift() == {}

    more = wants(HeartbeatInterval="300", MeterValueSampleInterval="60")
    play(tmp_path, scene, ocpp=NEVER_IDLE, more=more)


def test_rule_2_6_03_one_measurand_that_is_not_supported_costs_only_itself(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={MEASURANDS: key("")}, unknown_measurands=frozenset({"SoC"}))
        await station.boot()
        await asyncio.sleep(HOUR)
        tries = [value for _, value in station.changes()]
        assert tries == ["Voltage,SoC,Temperature", "Voltage", "Voltage,SoC", "Voltage,Temperature"]
        assert station.keys[MEASURANDS]["value"] == "Voltage,Temperature"
        await station.boot()
        await asyncio.sleep(HOUR)
        assert len(station.changes()) == len(tries), "remembered"

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(**{MEASURANDS: "Voltage,SoC,Temperature"}))


def test_rule_2_6_04_a_station_that_tells_its_secret_makes_nobody_know_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {**usual_keys(), "AuthorizationKey": key(SECRET), "StationPassword": key(SECRET), "WifiPassword": key(7)}
        station = site.station(keys=keys)
        await station.boot()
        await asyncio.sleep(HOUR)
        assert (await site.settings()).known.reported["stationpassword"].value == "***"
        for table in ("commands", "events", "configuration_keys", "setting_trials"):
            assert SECRET not in str(await site.rows(f"SELECT * FROM {table}"))

    caplog.set_level("DEBUG")
    play(tmp_path, scene)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("resets", ["Accepted", "Rejected"])
def test_rule_2_6_06_a_reset_that_is_allowed_is_tried_once_per_boot(tmp_path: Path, resets: str) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}), resets=resets)
        await station.boot()
        await asyncio.sleep(72 * HOUR)
        assert station.requests("Reset") == [{"type": "Soft"}]
        assert station.boots == (2 if resets == "Accepted" else 1)
        assert await site.drift() == ({} if resets == "Accepted" else {"HeartbeatInterval": "reboot_required"})
        await station.boot()
        await asyncio.sleep(24 * HOUR)
        assert len(station.requests("Reset")) == 1, "a boot is a boot, whoever made it"

    play(tmp_path, scene, ocpp=MAY_REBOOT, more=wants(HeartbeatInterval="600"))


def test_rule_2_6_06_whoever_charges_or_is_about_to_is_not_disturbed_by_a_reset(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}))
        await station.boot()
        await station.show("Preparing")
        await asyncio.sleep(HOUR)
        assert station.changes()
        started = await station.wire.starts(at="2027-01-15T09:00:00Z")
        for status in ("Charging", "SuspendedEV", "Finishing"):
            await station.show(status)
            await asyncio.sleep(HOUR)
            assert station.requests("Reset") == [], status
        await station.wire.stops(started["transactionId"], at="2027-01-15T12:00:00Z")
        await asyncio.sleep(HOUR)
        assert station.requests("Reset") == [], "the car is still there"
        await station.show("Available")
        await asyncio.sleep(HOUR)
        assert station.requests("Reset") == [{"type": "Soft"}]

    play(tmp_path, scene, ocpp=f'{MAY_REBOOT}\nunknown_tags = "accept"', more=wants(HeartbeatInterval="600"))


def test_rule_2_6_06_a_reservation_is_not_disturbed_by_a_reset(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        end = Instant(site.site.wall_clock() + 3 * 3600 * SECOND)
        request = Request(1, ConnectorId(0), "T", fold_tag("T"), None, end, None)  # of the whole: no status shows it
        await site.site.database.write(
            lambda db: reservations.ask(db, CommandId("c"), StationId("CP-1"), request, now=site.site.wall_clock())
        )
        await site.site.database.write(lambda db: reservations.set_in_force(db, 1))
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}))
        await station.boot()
        await station.show("Available")
        await asyncio.sleep(2 * HOUR)
        assert station.requests("Reset") == []
        await asyncio.sleep(2 * HOUR)
        assert station.requests("Reset") == [{"type": "Soft"}]

    play(tmp_path, scene, ocpp=MAY_REBOOT, more=wants(HeartbeatInterval="600"))


def test_rule_2_6_06_one_station_may_be_excepted_from_resets(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}))
        await station.boot()
        await asyncio.sleep(3 * HOUR)
        assert station.requests("Reset") == []

    more = wants(HeartbeatInterval="600") + "reboot_when_idle = false\n"
    play(tmp_path, scene, ocpp=MAY_REBOOT, more=more)


def test_rule_1_2_1_nothing_is_asked_right_after_connecting_nor_right_after_a_change(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(4)
        assert station.asked == [], "the station has its say first"
        await asyncio.sleep(HOUR)
        asked = len(station.asked)
        payload = {"key": "HeartbeatInterval", "value": "60"}
        await carry_out(site.site, station="CP-1", action="ChangeConfiguration", payload=payload, actor="tester")
        await asyncio.sleep(HOUR)
        assert station.asked[asked:] == [("ChangeConfiguration", payload)]

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=ONE_STATION)
