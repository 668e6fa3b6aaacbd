"""Which settings hold, and who is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.operations.apply_settings import apply_settings
from gateway.operations.provision_stations import (
    Provisioned,
    effective_settings,
    is_known,
    put_station,
    remove_station,
    settings_in_force,
)
from gateway.operations.site import Site
from gateway.store import station_facts, stations
from gateway.store.stations import StationRow
from tests.unit.web.conftest import NOON, configuration_in, open_site


async def row_of(site: Site, station: str) -> StationRow | None:
    return await site.database.write(lambda db: stations.find(db, station))


async def test_run_time_beats_file_beats_defaults(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        fields = {"min_amps": 8, "fallback_amps": 8, "aliases": ["X"]}
        assert await put_station(site, "FILE-1", fields, actor="t") == Provisioned(False)
        row = await row_of(site, "FILE-1")
        assert row is not None
        settings = effective_settings(site.configuration, row)
        assert (settings.min_amps, settings.max_amps, settings.fallback_amps) == (8, 16, 8)
        assert settings.aliases == ("X",)
        found = await site.database.write(lambda db: stations.find_by_alias(db, "X"))
        assert found == row
        assert settings_in_force(site.configuration, "FILE-1", None).min_amps == 6


@pytest.mark.parametrize(
    ("origin", "admission", "known"),
    [("knock", "accepted", True), ("knock", "pending", True), ("file", "accepted", False)],
)
async def test_who_is_known(tmp_path: Path, origin: str, admission: str, known: bool) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(
            lambda db: station_facts.admit(
                db,
                StationId("S"),
                origin=origin,
                admission=admission,  # type: ignore[arg-type]
                now=NOON,
            )
        )
        assert is_known(site.configuration, "S", await row_of(site, "S")) is known
        assert is_known(site.configuration, "FILE-1", None)
        assert not is_known(site.configuration, "OTHER", None)


async def test_run_time_values_written_by_operations_last(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await put_station(site, "S", {"password": "word"}, actor="t")

        def upgrade(db: object) -> None:
            stations.set_run_time_values(db, "S", {"security_profile": 2, "priority": None})  # type: ignore[arg-type]
            stations.set_password_hash(db, "S", "hash")  # type: ignore[arg-type]
            stations.set_run_time_values(db, "NOBODY", {"security_profile": 2})  # type: ignore[arg-type]

        await site.database.write(upgrade)
        assert await put_station(site, "S", {}, actor="t") == Provisioned(False)
        row = await row_of(site, "S")
        assert row is not None and row.password_hash == "hash"
        assert effective_settings(site.configuration, row).security_profile == 2
        assert await row_of(site, "NOBODY") is None


async def test_removal_and_return_start_anew(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await put_station(site, "S", {"password": "word", "priority": 4}, actor="t")
        assert await remove_station(site, "S", actor="t") == "removed"
        assert await remove_station(site, "S", actor="t") == "unknown"
        assert await remove_station(site, "FILE-1", actor="t") == "in_file"
        assert await put_station(site, "S", {}, actor="t") == Provisioned(True)
        row = await row_of(site, "S")
        assert row is not None and row.password_hash is None and row.run_time_values() == {}


async def test_settings_of_a_station_that_is_away_need_no_connection(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await apply_settings(site, "FILE-1")
