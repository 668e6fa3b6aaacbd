"""Who knocks without being known is remembered, but cannot fill the journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.operations import check_passwords
from gateway.operations.provision_stations import Provisioned, put_station
from gateway.operations.tell_refusals import Refusals
from gateway.operations.welcome_station import welcoming
from gateway.stations.server import Knock, Refusal
from gateway.store import reports_stations, stations
from tests.unit.web.conftest import configuration_in, open_site


async def test_a_storm_of_invented_names_is_told_a_few_times(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        admit = welcoming(site, Refusals(site))
        for number in range(150):
            refused = await admit(Knock(identity=f"NAME-{number}", address="192.0.2.1", user=None, password=None))
            assert isinstance(refused, Refusal)
        (told,) = tuple(await site.readers.row("SELECT count(*) FROM events WHERE kind = 'station.knocked'") or ())
        (listed,) = tuple(await site.readers.row("SELECT count(*) FROM knocks") or ())
        assert (told, listed) == (20, 100)


@pytest.mark.parametrize("unknown", ["refuse", "pending"])
async def test_who_was_refused_or_waits_gets_in_once_adopted(tmp_path: Path, unknown: str) -> None:
    before = configuration_in(tmp_path)
    ocpp = replace(before.ocpp, unknown_stations=unknown)  # type: ignore[arg-type]
    async with open_site(replace(before, ocpp=ocpp)) as site:
        admit = welcoming(site, Refusals(site))
        knock = Knock(identity="CP-1", address="192.0.2.1", user=None, password=None)
        assert isinstance(await admit(knock), Refusal) is (unknown == "refuse")
        assert await put_station(site, "CP-1", {}, actor="test") == Provisioned(True)
        assert not isinstance(await admit(knock), Refusal)
        row = (await reports_stations.rows_of(site.readers, ["CP-1"]))["CP-1"]
        assert row.admission == "accepted"


async def test_a_password_that_is_changed_while_it_is_hashed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await put_station(site, "CP-1", {"password": "the first"}, actor="test")
        admit = welcoming(site, Refusals(site))
        knock = Knock(identity="CP-1", address="192.0.2.1", user=b"CP-1", password=b"the first")
        loop = asyncio.get_running_loop()

        def slow(password_hash: str, presented: bytes) -> bool:
            change = site.database.write(lambda db: stations.set_password_hash(db, "CP-1", "another hash"))
            asyncio.run_coroutine_threadsafe(change, loop).result()
            return True

        monkeypatch.setattr(check_passwords, "is_password", slow)
        assert await admit(knock) == Refusal(401, "this password does not count any more")
