"""The tag of a remote start that names none, over a real connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.conformance.site_under_test import STATION, bench

ACCEPTED = {"status": "Accepted"}
WITH_TAG = f'{STATION}remote_id_tag = "DEPOT"\n'


async def test_a_remote_start_without_a_tag_gets_the_stations(tmp_path: Path) -> None:
    async with bench(tmp_path, more=WITH_TAG) as gateway, gateway.station() as station:
        await station.boots()
        got, outcome = await gateway.sends(station, "RemoteStartTransaction", {"connectorId": 1}, answered=ACCEPTED)
        assert got == {"connectorId": 1, "idTag": "DEPOT"}
        assert (outcome.status, outcome.request) == ("answered", got)


async def test_a_tag_that_the_operator_names_goes_out_verbatim(tmp_path: Path) -> None:
    async with bench(tmp_path, more=WITH_TAG) as gateway, gateway.station() as station:
        await station.boots()
        order = {"connectorId": 1, "idTag": "VALID"}
        got, outcome = await gateway.sends(station, "RemoteStartTransaction", order, answered=ACCEPTED)
        assert (got, outcome.request) == (order, None)


async def test_without_the_setting_nothing_is_filled_in(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        order = asyncio.create_task(gateway.order("RemoteStartTransaction", {"connectorId": 1}))
        async with asyncio.timeout(5):
            asked = await station.requests.get()
        assert asked.payload == {"connectorId": 1}
        station._wrong.clear()  # no valid request: the operator's payload goes out as it is
        await station.send(f'[4,"{asked.message_id}","ProtocolError","idTag: missing",{{}}]')
        outcome = await order
        assert (outcome.status, outcome.request) == ("call_error", None)
