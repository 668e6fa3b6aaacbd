"""Reading and repairing the configuration keys of stations, and what is learned from their refusals; virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.operations.provision_stations import put_station
from tests.fakes.keyed_station import MEASURANDS, KeyedStation, key, usual_keys
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, ONE_STATION, VirtualSite, play, wants

pytestmark = pytest.mark.slow  # weeks of automatic requests in virtual time

MODELS = '[[station_model]]\nvendor = "mak*"\ndesired_configuration = { HeartbeatInterval = "600", FromModel = "1" }\n'


def test_all_keys_are_read_after_the_first_boot_and_not_again_before_a_week(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert station.asked == [("GetConfiguration", {})]
        capabilities = await site.capabilities()
        assert (capabilities.feature_profiles, capabilities.connectors) == (("Core", "RemoteTrigger"), 1)
        await station.boot()
        await asyncio.sleep(3 * DAY)
        assert len(station.asked) == 1
        await station.show("Available")  # whoever says nothing for a week is hung up on
        await asyncio.sleep(5 * DAY)
        assert len(station.asked) == 2

    play(tmp_path, scene, ocpp="idle_timeout_seconds = 604800")


def test_other_firmware_is_asked_anew_and_its_refusals_are_forgotten(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(not_done=frozenset({"TriggerMessage", "GetConfiguration"}))
        await station.boot(tells_status=False)
        await asyncio.sleep(DAY)
        assert (await site.capabilities()).unsupported == ("GetConfiguration", "TriggerMessage")
        asked = len(station.asked)
        await station.boot(tells_status=False)
        await asyncio.sleep(HOUR)
        assert len(station.asked) == asked, "it said that it does neither"
        station.firmware, station.not_done = "2.0", frozenset()
        await station.boot(tells_status=False)
        await asyncio.sleep(HOUR)
        assert (await site.capabilities()).unsupported == ()
        assert [action for action, _ in station.asked[asked:]] == ["GetConfiguration", "TriggerMessage"]

    play(tmp_path, scene)


def test_another_model_under_the_same_name_is_another_station(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={**usual_keys(), "OldVendorKey": key("1")})
        await station.boot()
        await asyncio.sleep(MINUTE)
        await station.wire.boots(chargePointModel="Other", firmwareVersion="1.0")
        station.keys = usual_keys()
        await asyncio.sleep(MINUTE)
        assert "oldvendorkey" not in (await site.settings()).known.reported
        assert len(station.requests("GetConfiguration")) == 2

    play(tmp_path, scene)


def test_wanted_keys_come_from_model_file_and_run_time(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={**usual_keys(), "FromModel": key("0")})
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert station.changes() == [("FromModel", "1"), ("heartbeatinterval", "900")]
        await put_station(site.site, "CP-1", {"desired_configuration": {"HeartbeatInterval": "1200"}}, actor="tester")
        await asyncio.sleep(MINUTE)
        assert station.changes()[2:] == [("HeartbeatInterval", "1200")]
        assert await site.drift() == {}

    play(tmp_path, scene, more=wants(heartbeatinterval="900") + MODELS)


def test_only_what_differs_is_written_and_nothing_is_read_back_at_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.asked == [
            ("GetConfiguration", {}),
            ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "60"}),
        ]

    play(tmp_path, scene, more=wants(HeartbeatInterval="300.0", MeterValueSampleInterval="60"))


def test_a_day_later_only_the_wanted_keys_are_looked_at(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(MINUTE)
        station.keys["HeartbeatInterval"] = key("77")  # somebody at its own display
        await asyncio.sleep(DAY + MINUTE)
        assert station.requests("GetConfiguration")[1:] == [{"key": ["HeartbeatInterval"]}]
        assert station.changes() == [("HeartbeatInterval", "300")]

    play(tmp_path, scene, more=wants(HeartbeatInterval="300"), ocpp="idle_timeout_seconds = 604800")


@pytest.mark.parametrize("oddity", ["rejected", "unknown", "readonly", "error"])
def test_what_is_refused_is_not_sent_again(tmp_path: Path, oddity: str) -> None:
    def odd(site: VirtualSite) -> KeyedStation:
        match oddity:
            case "rejected":
                return site.station(read_only_in_truth=frozenset({"HeartbeatInterval"}))
            case "readonly":
                return site.station(keys={**usual_keys(), "HeartbeatInterval": key("1", readonly=True)})
            case "error":
                return site.station(not_done=frozenset({"ChangeConfiguration"}))
        return site.station(keys={"MeterValueSampleInterval": key("1")})

    async def scene(site: VirtualSite) -> None:
        station = odd(site)
        for _ in range(5):
            await station.boot()
            await asyncio.sleep(7 * HOUR)
        tries = {"rejected": 1, "error": 1, "readonly": 0, "unknown": 0}[oddity]
        assert station.changes() == [("HeartbeatInterval", "600")] * tries
        state = {"rejected": "refused", "unknown": "unsupported", "readonly": "readonly", "error": "refused"}[oddity]
        assert await site.drift() == {"HeartbeatInterval": state}
        if oddity == "rejected":
            station.firmware, station.read_only_in_truth = "2.0", frozenset()
            await station.boot()
            await asyncio.sleep(MINUTE)
            assert await site.drift() == {}

    play(tmp_path, scene, more=wants(HeartbeatInterval="600"), ocpp="idle_timeout_seconds = 604800")


def test_a_change_is_not_sent_while_the_station_is_silent(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(never_answered=frozenset({"ChangeConfiguration"}))
        await station.boot()
        await asyncio.sleep(DAY)
        assert len(station.changes()) == 1, "nobody knows whether it did it: until its next boot"
        station.never_answered = frozenset()
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert len(station.changes()) == 2
        assert await site.drift() == {}

    play(tmp_path, scene, more=wants(HeartbeatInterval="600"), ocpp="idle_timeout_seconds = 604800")


def test_what_cannot_be_read_is_written_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {**usual_keys(), "GetConfigurationMaxKeys": key("0")}
        station = site.station(keys=keys, tells_all_at_once=False)
        for _ in range(3):
            await station.boot()
            await asyncio.sleep(9 * HOUR)
        assert station.changes() == [("HeartbeatInterval", "600")]
        assert await site.drift() == {}

    play(tmp_path, scene, more=wants(HeartbeatInterval="600"), ocpp="idle_timeout_seconds = 604800")


def test_the_list_that_is_accepted_in_part_is_left_in_peace(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(unknown_measurands=frozenset({"Voltage", "SoC"}))
        for _ in range(4):
            await station.boot()
            await asyncio.sleep(9 * HOUR)
        assert len(station.changes()) == 4  # the whole, then one more item each beside what it has
        assert station.keys[MEASURANDS]["value"] == "Energy.Active.Import.Register,Power.Active.Import"
        assert await site.drift() == {MEASURANDS: "partly"}

    wanted = "Voltage,Energy.Active.Import.Register,SoC,Power.Active.Import"
    play(tmp_path, scene, more=wants(**{MEASURANDS: wanted}), ocpp="idle_timeout_seconds = 604800")


def test_a_list_is_never_longer_than_the_station_allows(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={**usual_keys(), f"{MEASURANDS}MaxLength": key("2", readonly=True)})
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert station.changes() == [(MEASURANDS, "Voltage,SoC")]
        assert await site.drift() == {MEASURANDS: "partly"}

    play(tmp_path, scene, more=wants(**{MEASURANDS: "Voltage,SoC,Temperature"}))


def test_no_part_of_the_list_is_accepted(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(read_only_in_truth=frozenset({MEASURANDS}))
        for _ in range(3):
            await station.boot()
            await asyncio.sleep(HOUR)
        assert [value for _, value in station.changes()] == ["Voltage,SoC", "Voltage", "SoC"]
        assert await site.drift() == {MEASURANDS: "refused"}

    play(tmp_path, scene, more=wants(**{MEASURANDS: "Voltage,SoC"}))


def test_extra_items_are_taken_away_although_the_rest_is_refused(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {**usual_keys(), MEASURANDS: key("Voltage,Temperature")}
        station = site.station(keys=keys, unknown_measurands=frozenset({"SoC"}))
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert [value for _, value in station.changes()] == ["Voltage,SoC", "Voltage"]

    play(tmp_path, scene, more=wants(**{MEASURANDS: "Voltage,SoC"}))


def test_a_station_that_falls_silent_while_its_list_is_tried_is_not_asked_on(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(unknown_measurands=frozenset({"SoC"}))

        def falls_silent(changed: str, value: str) -> bool:
            station.never_answered = frozenset({"ChangeConfiguration"})
            return False

        station.boots_after = falls_silent
        await station.boot()
        await asyncio.sleep(DAY)
        assert [value for _, value in station.changes()] == ["Voltage,SoC,Current.Import", "Voltage", "Voltage,SoC"]

    play(
        tmp_path, scene, more=wants(**{MEASURANDS: "Voltage,SoC,Current.Import"}), ocpp="idle_timeout_seconds = 604800"
    )


def test_a_quiet_station_is_shown_to_differ_and_left_alone(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(DAY)
        assert station.asked == []
        assert await site.drift() == {"HeartbeatInterval": "unread"}

    more = wants(HeartbeatInterval="600") + "quiet = true\n"
    play(tmp_path, scene, more=more, ocpp="idle_timeout_seconds = 604800")


def test_without_wanted_keys_nothing_is_changed(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        for _ in range(3):
            await station.boot()
            await asyncio.sleep(6 * HOUR)
        assert {action for action, _ in station.asked} == {"GetConfiguration"}

    play(tmp_path, scene, more=ONE_STATION, ocpp="idle_timeout_seconds = 604800")


def test_a_station_with_many_keys_is_asked_once(tmp_path: Path) -> None:
    """lbbrhzn/ocpp 1662: a hundred and sixty-eight keys, some of which hide limits."""

    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={**usual_keys(), **{f"Vendor.Limit{number}": key(number) for number in range(168)}})
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.asked == [("GetConfiguration", {})]
        assert (await site.settings()).known.reported["vendor.limit13"].value == "13"

    play(tmp_path, scene)
