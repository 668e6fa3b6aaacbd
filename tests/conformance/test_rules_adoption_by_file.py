"""A station that knocked and was told Pending is accepted once the installer has written it into the file."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.site_under_test import bench


async def test_a_pending_station_that_the_file_names_later_is_accepted(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp='unknown_stations = "pending"') as gateway, gateway.station("NEW") as station:
        assert (await station.boots())["status"] == "Pending"
    named = '[[station]]\nid = "NEW"'
    async with (
        bench(tmp_path, ocpp='unknown_stations = "pending"', more=named) as gateway,
        gateway.station("NEW") as station,
    ):
        assert (await station.boots())["status"] == "Accepted"
        assert await station.authorizes("NOBODY") == {"status": "Invalid"}, "answered, not refused as a stranger"
