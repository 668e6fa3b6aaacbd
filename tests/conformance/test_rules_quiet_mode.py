"""Rule 1.2.1: in certification mode, and for a quiet station, no CALL leaves that nobody asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.manage_tags import put_tag
from gateway.operations.provision_stations import put_station
from tests.fakes.keyed_station import KeyedStation
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, VirtualSite, play

FIELD = 'idle_timeout_seconds = 604800\nunknown_tags = "accept"\nreboot_when_idle = true'
WANTED = 'desired_configuration = { HeartbeatInterval = "600", MeterValuesSampledData = "Voltage,SoC" }'
STATION = f'[[station]]\nid = "CP-1"\n{WANTED}\n'
MODEL = '[[station_model]]\nvendor = "*"\ndesired_configuration = { MeterValueSampleInterval = "60" }\n'


async def eventful_day(site: VirtualSite) -> KeyedStation:
    """Boots, drift, reconnects without a word, sessions, changes of tags and settings, refusals."""
    station = site.station(
        unknown_measurands=frozenset({"SoC"}), reboot_required=frozenset({"HeartbeatInterval"}), firmware="1.0"
    )
    await station.connect()
    await asyncio.sleep(5 * MINUTE)
    await station.boot()
    await asyncio.sleep(HOUR)
    await put_tag(site.site, "NEW", {}, actor="tester")
    await put_tag(site.site, "NEW", {"status": "Blocked"}, actor="tester")
    await asyncio.sleep(HOUR)
    for hour in range(10, 14):
        await station.show("Preparing")
        started = await station.wire.starts(at=f"2027-01-15T{hour}:00:00Z")
        await station.show("Charging")
        await asyncio.sleep(30 * MINUTE)
        await station.wire.stops(started["transactionId"], at=f"2027-01-15T{hour}:30:00Z")
        await station.show("Available")
        await asyncio.sleep(30 * MINUTE)
    await put_station(site.site, "CP-1", {"desired_configuration": {"HeartbeatInterval": "900"}}, actor="tester")
    await asyncio.sleep(HOUR)
    await station.connect()
    await asyncio.sleep(HOUR)
    station.firmware = "2.0"
    await station.boot(tells_status=False)
    await asyncio.sleep(DAY)
    return station


@pytest.mark.parametrize(
    ("ocpp", "station", "is_quiet"),
    [
        (f"{FIELD}\nautomatic_calls = false", STATION, True),
        (FIELD, f"{STATION}quiet = true\n", True),
        (f"{FIELD}\nautomatic_calls = false", f"{STATION}quiet = false\n", True),
        (FIELD, STATION, False),
    ],
)
def test_rule_1_2_1_a_long_day_in_quiet_mode_brings_no_request_that_nobody_asked_for(
    tmp_path: Path, ocpp: str, station: str, is_quiet: bool
) -> None:
    async def scene(site: VirtualSite) -> None:
        played = await eventful_day(site)
        if is_quiet:
            assert played.asked == []
            assert await site.rows("SELECT * FROM commands") == []
            assert {"HeartbeatInterval", "MeterValueSampleInterval"} <= set(await site.drift()), "there is reason to"
            outcome = await carry_out(site.site, station="CP-1", action="ClearCache", payload={}, actor="tester")
            assert outcome.status == "answered", "what somebody asks for is sent"
        else:
            actions = {action for action, _ in played.asked}
            assert actions >= {"GetConfiguration", "ChangeConfiguration", "TriggerMessage", "Reset"}

    play(tmp_path, scene, ocpp=ocpp, more=station + MODEL)


@pytest.mark.parametrize("quiet", [True, False])
def test_rule_1_2_1_the_corridor_itself_lets_nothing_through_to_a_quiet_station(tmp_path: Path, quiet: bool) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        outcome = await carry_out(site.site, station="CP-1", action="ClearCache", payload={}, actor="gateway")
        assert outcome.status == ("refused" if quiet else "answered")
        assert len(station.asked) == (0 if quiet else 1)

    play(tmp_path, scene, ocpp=f"automatic_calls = {str(not quiet).lower()}")


def test_rule_1_2_1_a_station_becomes_quiet_at_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        connection = site.site.connected.get(StationId("CP-1"))
        assert connection is not None
        connection.treatment = replace(connection.treatment, quiet=True)  # as `apply_settings` does after a PUT
        await asyncio.sleep(DAY)
        assert station.asked == []

    play(tmp_path, scene, ocpp=FIELD, more=STATION)
