"""The simulated station and reservations, against the same tiny central system in raw JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.simulated_station import Habits
from tests.unit.test_simulated_station import QUICK, Central, booted, site

TWO = Habits(busy=False, connectors=2, speed=200.0, reboot_seconds=10.0, patience_seconds=0.5)
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


def wanted(number: int = 5, connector: int = 1, *, seconds: float = 600, **more: object) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"reservationId": number, "connectorId": connector, "expiryDate": until, "idTag": "MINE", **more}


async def shown(central: Central, connector: int, status: str) -> None:
    """Wait until the connector's newest status is this one."""

    def newest() -> str | None:
        told = [one["status"] for one in central.all_of("StatusNotification") if one["connectorId"] == connector]
        return told[-1] if told else None

    await central.until(lambda: newest() == status)


async def test_only_the_tag_may_charge_and_uses_it_up() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("ReserveNow", wanted()) == ACCEPTED
        await shown(central, 1, "Reserved")
        assert await central.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "OTHER"}) == REJECTED
        assert await central.ask("RemoteStartTransaction", {"idTag": "OTHER"}) == REJECTED
        assert await station.visit(1, "OTHER", seconds=1) is None
        await shown(central, 1, "Reserved")
        assert await station.visit(1, "mine", seconds=1) is not None
        (start,) = central.all_of("StartTransaction")
        assert start["reservationId"] == 5
        await shown(central, 1, "Available")
        assert await station.visit(1, "OTHER", seconds=1) is not None
        assert "reservationId" not in central.all_of("StartTransaction")[1]


async def test_a_tag_of_the_same_group_may_charge() -> None:
    async with site() as (central, station):
        await booted(central, station)
        central.parents = {"FRIEND": "group", "OTHER": "another"}
        await central.ask("ReserveNow", wanted(parentIdTag="GROUP"))
        assert await station.visit(1, "OTHER", seconds=1) is None
        assert await station.visit(1, "FRIEND", seconds=1) is not None
        assert central.all_of("StartTransaction")[0]["reservationId"] == 5


async def test_it_ends_by_its_time() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("ReserveNow", wanted(seconds=-1)) == REJECTED
        assert await central.ask("ReserveNow", wanted(seconds=0.3)) == ACCEPTED
        await shown(central, 1, "Reserved")
        await shown(central, 1, "Available")
        assert await central.ask("CancelReservation", {"reservationId": 5}) == REJECTED


async def test_it_is_cancelled_once() -> None:
    async with site() as (central, station):
        await booted(central, station)
        await central.ask("ReserveNow", wanted())
        await shown(central, 1, "Reserved")
        assert await central.ask("CancelReservation", {"reservationId": 6}) == REJECTED
        assert await central.ask("CancelReservation", {"reservationId": 5}) == ACCEPTED
        await shown(central, 1, "Available")
        assert await central.ask("CancelReservation", {"reservationId": 5}) == REJECTED


async def test_the_same_id_replaces() -> None:
    async with site(TWO) as (central, station):
        await booted(central, station)
        await central.ask("ReserveNow", wanted())
        await shown(central, 1, "Reserved")
        assert await central.ask("ReserveNow", wanted(6)) == {"status": "Occupied"}
        assert await central.ask("ReserveNow", wanted(5, connector=2)) == ACCEPTED
        await shown(central, 1, "Available")
        await shown(central, 2, "Reserved")


async def test_of_the_station_as_a_whole_one_connector_is_kept_free() -> None:
    async with site(TWO) as (central, station):
        await booted(central, station)
        assert await central.ask("ReserveNow", wanted(connector=0)) == ACCEPTED
        await shown(central, 2, "Reserved")
        assert await station.visit(2, "OTHER", seconds=1) is None
        assert await station.visit(1, "OTHER", seconds=1) is not None
        assert await station.visit(1, "MINE", seconds=1) is not None
        await shown(central, 2, "Available")
        assert central.all_of("StartTransaction")[-1]["reservationId"] == 5


@pytest.mark.parametrize("connector", [0, 1])
async def test_out_of_service_nothing_is_reserved(connector: int) -> None:
    async with site() as (central, station):
        await booted(central, station)
        await central.ask("ReserveNow", wanted())
        await shown(central, 1, "Reserved")
        await central.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        await shown(central, 1, "Unavailable")
        assert await central.ask("ReserveNow", wanted(connector=connector)) == {"status": "Unavailable"}
        await central.ask("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
        await shown(central, 1, "Available")


async def test_it_outlives_a_reset() -> None:
    async with site(QUICK) as (central, station):
        await booted(central, station)
        await central.ask("ReserveNow", wanted())
        await shown(central, 1, "Reserved")
        before = len(central.heard)
        await central.ask("Reset", {"type": "Soft"})
        await central.until(lambda: any(one[1] == "StatusNotification" for one in central.heard[before:]))
        await shown(central, 1, "Reserved")
        assert await station.visit(1, "OTHER", seconds=1) is None


async def test_what_it_cannot_reserve() -> None:
    async with site() as (central, station):
        await booted(central, station)
        assert await central.ask("ReserveNow", wanted(connector=9)) == REJECTED
        assert await central.ask("ReserveNow", wanted(expiryDate="soon")) == ["FormationViolation"]
        assert await central.ask("ReserveNow", {}) == ["FormationViolation"]
        assert await central.ask("ReserveNow", wanted(expiryDate="2099-01-01T00:00:00")) == ACCEPTED
        station.settings._settings["ReserveConnectorZeroSupported"].value = "false"
        assert await central.ask("ReserveNow", wanted(6, connector=0)) == REJECTED
