"""lbbrhzn/ocpp 1275: the charger boots whenever it gets too many measurands, and is given them after each boot.

Here a change that is followed by a boot twice is blamed for it and left alone; everything else is still set.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.provision_stations import put_station
from tests.fakes.keyed_station import MEASURANDS, key, usual_keys
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, VirtualSite, play, wants

NEVER_IDLE = "idle_timeout_seconds = 604800"
MANY = "Energy.Active.Import.Register,Power.Active.Import,Voltage,Current.Import"


def boots_of_too_many(name: str, value: str) -> bool:
    return name == MEASURANDS and value.count(",") >= 3


def test_the_change_that_makes_it_boot_is_left_alone(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()

        def forgets_and_boots(name: str, value: str) -> bool:
            boots = boots_of_too_many(name, value)
            if boots:
                station.keys[MEASURANDS] = key("Energy.Active.Import.Register")
            return boots

        station.boots_after = forgets_and_boots
        await station.boot()
        await asyncio.sleep(2 * DAY)
        assert station.boots == 3, "twice because of the change"
        assert station.changes().count((MEASURANDS, MANY)) == 2
        assert await site.drift() == {MEASURANDS: "blamed"}
        assert station.keys["HeartbeatInterval"]["value"] == "600"
        assert station.keys["MeterValueSampleInterval"]["value"] == "60"
        for _ in range(3):
            await station.boot()
            await asyncio.sleep(HOUR)
        assert station.changes().count((MEASURANDS, MANY)) == 2

        few = {"desired_configuration": {MEASURANDS: "Voltage"}}
        await put_station(site.site, "CP-1", few, actor="tester")
        await asyncio.sleep(MINUTE)
        assert station.keys[MEASURANDS]["value"] == "Voltage", "another value is another change"

    more = wants(HeartbeatInterval="600", MeterValueSampleInterval="60", MeterValuesSampledData=MANY)
    play(tmp_path, scene, ocpp=NEVER_IDLE, more=more)


def test_a_station_that_boots_before_it_answers_is_recognised_too(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(never_answered=frozenset({"ChangeConfiguration"}))
        await station.boot()
        for _ in range(6):
            before = len(station.changes())
            await asyncio.sleep(MINUTE)
            if len(station.changes()) > before:
                await station.boot()
        assert len(station.changes()) == 2
        assert await site.drift() == {MEASURANDS: "blamed"}

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(**{MEASURANDS: MANY}))


def test_boots_that_somebody_ordered_blame_nothing(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        for _ in range(4):
            await asyncio.sleep(MINUTE)
            assert station.keys[MEASURANDS]["value"] == MANY
            station.keys = usual_keys()  # it forgets them whenever it boots
            await carry_out(site.site, station="CP-1", action="Reset", payload={"type": "Hard"}, actor="tester")
            await asyncio.sleep(MINUTE)
        await asyncio.sleep(MINUTE)
        assert station.keys[MEASURANDS]["value"] == MANY
        assert await site.drift() == {}

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(**{MEASURANDS: MANY}))
