"""Stations that load limits manage are asked for currents, often enough, with as few words as can be; virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.operations.provision_stations import put_station
from tests.fakes.keyed_station import MEASURANDS, KeyedStation, key, usual_keys
from tests.fakes.virtual_site import MINUTE, ONE_STATION, VirtualSite, play

INTERVAL = "MeterValueSampleInterval"
CURRENT, POWER, ENERGY = "Current.Import", "Power.Active.Import", "Energy.Active.Import.Register"
CIRCUIT = '[[circuit]]\nname = "main"\nlimit_amps = 63\n'
MANAGED = f'{CIRCUIT}{ONE_STATION}circuit = "main"\n'
PATIENT = "idle_timeout_seconds = 604800"


def told_rarely(**more: object) -> dict[str, dict[str, object]]:
    return {**usual_keys(), INTERVAL: key("60"), **{name: key(value) for name, value in more.items()}}


async def time_goes_by(station: KeyedStation) -> None:
    """A station that forgets nothing, boots now and then."""
    for _ in range(3):
        await station.boot()
        await asyncio.sleep(10 * MINUTE)


def test_a_managed_station_is_told_to_report_currents_every_ten_seconds_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys=told_rarely(**{MEASURANDS: f"{ENERGY},Voltage"}))
        await time_goes_by(station)
        assert sorted(station.changes()) == [(INTERVAL, "10"), (MEASURANDS, f"{CURRENT},{ENERGY},Voltage")]
        assert await site.drift() == {}

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(ONE_STATION, id="no circuits"),
        pytest.param(f"{CIRCUIT}{ONE_STATION}", id="not on a circuit"),
        pytest.param(f'{MANAGED}quiet = true\n', id="quiet"),
    ],
)  # fmt: skip
def test_stations_that_are_not_managed_or_quiet_are_left_alone(tmp_path: Path, more: str) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys=told_rarely())
        await time_goes_by(station)
        assert station.changes() == []

    play(tmp_path, scene, more=more, ocpp=PATIENT)


def test_without_automatic_calls_nothing_is_changed(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys=told_rarely())
        await time_goes_by(station)
        assert station.asked == []

    play(tmp_path, scene, more=MANAGED, ocpp=f"{PATIENT}\nautomatic_calls = false")


def test_what_will_do_is_left_as_it_is(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        measurands = f"Voltage,{CURRENT},{ENERGY}"
        station = site.station(keys={**usual_keys(), INTERVAL: key("15"), MEASURANDS: key(measurands)})
        await time_goes_by(station)
        assert station.changes() == []
        station.keys[INTERVAL] = key("300")  # somebody changed it at the station
        await station.boot()
        await asyncio.sleep(10 * MINUTE)
        assert station.changes() == [(INTERVAL, "10")]

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


def test_what_the_installer_wrote_wins(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys=told_rarely())
        await time_goes_by(station)
        assert sorted(station.changes()) == [(MEASURANDS.upper(), POWER), (INTERVAL, "25")]

    model = f'[[station_model]]\ndesired_configuration = {{ {MEASURANDS.upper()} = "{POWER}" }}\n'
    own = f'desired_configuration = {{ {INTERVAL} = "25" }}\n'
    play(tmp_path, scene, more=MANAGED + own + model, ocpp=PATIENT)


def test_the_power_is_asked_for_where_the_current_is_not_known(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(unknown_measurands=frozenset({CURRENT}))
        await station.boot()
        await asyncio.sleep(MINUTE)
        assert station.changes() == [(MEASURANDS, f"{CURRENT},{ENERGY}"), (MEASURANDS, f"{POWER},{ENERGY}")]
        await time_goes_by(station)
        assert len(station.changes()) == 2
        assert await site.drift() == {}

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


def test_after_two_refusals_nothing_more_is_tried_until_its_firmware_changes(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(read_only_in_truth=frozenset({MEASURANDS, INTERVAL}), keys=told_rarely())
        await time_goes_by(station)
        tried = [value for name, value in station.changes() if name == MEASURANDS]
        assert [CURRENT in value for value in tried].count(True) == 1
        assert [POWER in value for value in tried].count(True) == 1
        assert len([1 for name, _ in station.changes() if name == INTERVAL]) == 1
        before = len(station.changes())
        station.firmware, station.read_only_in_truth = "2.0", frozenset()
        await station.boot()
        await asyncio.sleep(10 * MINUTE)
        assert sorted(station.changes()[before:]) == [(INTERVAL, "10"), (MEASURANDS, f"{CURRENT},{ENERGY}")]

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


def test_a_list_with_a_bound_keeps_what_load_limits_need(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = told_rarely(**{MEASURANDS: f"Voltage,SoC,{ENERGY}", f"{MEASURANDS}MaxLength": "3"})
        station = site.station(keys=keys)
        await time_goes_by(station)
        assert (MEASURANDS, f"{CURRENT},{ENERGY},Voltage") in station.changes()
        assert len(station.changes()) == 2

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


def test_a_station_that_boots_after_a_longer_list_is_left_alone_with_it(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(boots_after=lambda name, value: name == MEASURANDS)
        station.keys[MEASURANDS] = key(ENERGY)

        async def forgets() -> None:
            while True:
                await asyncio.sleep(20)
                station.keys[MEASURANDS] = key(ENERGY)

        forgetting = asyncio.create_task(forgets())
        try:
            await time_goes_by(station)
        finally:
            forgetting.cancel()
        assert len(station.changes()) == 2
        assert await site.drift() == {MEASURANDS: "blamed"}

    play(tmp_path, scene, more=MANAGED, ocpp=PATIENT)


def test_a_station_that_gets_a_circuit_at_run_time_is_asked_soon(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys=told_rarely())
        await station.boot()
        await asyncio.sleep(10 * MINUTE)
        assert station.changes() == []
        await put_station(site.site, "CP-1", {"circuit": "main"}, actor="test")
        await asyncio.sleep(MINUTE)
        assert len(station.changes()) == 2

    play(tmp_path, scene, more=CIRCUIT + ONE_STATION, ocpp=PATIENT)
