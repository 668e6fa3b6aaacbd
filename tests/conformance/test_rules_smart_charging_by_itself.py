"""Rules 2.10.8 and 2.10.10 in virtual time: what is uncertain is settled by the one loop, and only where it may be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.model.identities import StationId
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.known_profiles import known_of
from tests.conformance.charging_words import profile
from tests.fakes.virtual_site import DAY, MINUTE, VirtualSite, play

CP = StationId("CP-1")
CLEAR, SET = "ClearChargingProfile", "SetChargingProfile"


async def known(site: VirtualSite) -> dict[int, bool]:
    """Profile ids of the mirror: are they certain?"""
    rows = await site.site.database.write(lambda db: known_of(db, CP))
    return {row.profile_id: row.certain for row, _ in rows}


async def set_unheard(site: VirtualSite, station: Any) -> None:
    station.never_answered = frozenset({SET})
    payload = {"connectorId": 1, "csChargingProfiles": profile(chargingProfileId=4)}
    outcome = await carry_out(site.site, station=CP, action=SET, payload=payload, actor="tester")
    assert outcome.status == "unanswered"
    assert await known(site) == {4: False}


def test_rule_2_10_10_the_loop_settles_what_was_not_answered_as_soon_as_the_station_talks(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(MINUTE)
        await set_unheard(site, station)
        await asyncio.sleep(2 * MINUTE)
        assert 1 < len(station.requests(SET)) < 5, "again, but not again and again"
        station.never_answered = frozenset()
        await station.connect()
        await asyncio.sleep(5 * MINUTE)
        assert await known(site) == {4: True}
        settled = len(station.requests(SET))
        await asyncio.sleep(2 * DAY)
        assert len(station.requests(SET)) == settled
        assert station.requests(CLEAR) == []  # quirk 3.37: nobody said so

    play(tmp_path, scene)


def test_rule_2_10_10_a_quiet_station_is_left_in_doubt(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await set_unheard(site, station)
        station.never_answered = frozenset()
        await station.connect()
        await asyncio.sleep(DAY)
        assert len(station.requests(SET)) == 1
        assert await known(site) == {4: False}

    play(tmp_path, scene, ocpp="automatic_calls = false")


def test_rule_2_10_08_another_device_is_cleared_by_the_loop(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await station.wire.boots(chargePointSerialNumber="S-1")
        await asyncio.sleep(MINUTE)
        payload = {"connectorId": 1, "csChargingProfiles": profile(chargingProfileId=4)}
        await carry_out(site.site, station=CP, action=SET, payload=payload, actor="tester")
        await station.wire.boots(chargePointSerialNumber="S-2")
        await asyncio.sleep(MINUTE)
        assert station.requests(CLEAR) == [{}]
        assert len(station.requests(SET)) == 2
        assert await known(site) == {4: True}

    play(tmp_path, scene)
