"""Who knocks without being known is remembered, but cannot fill the journal."""

from __future__ import annotations

from pathlib import Path

from gateway.operations.welcome_station import welcoming
from gateway.stations.server import Knock, Refusal
from tests.unit.web.conftest import configuration_in, open_site


async def test_a_storm_of_invented_names_is_told_a_few_times(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        admit = welcoming(site)
        for number in range(150):
            refused = await admit(Knock(identity=f"NAME-{number}", address="192.0.2.1", user=None, password=None))
            assert isinstance(refused, Refusal)
        (told,) = tuple(await site.readers.row("SELECT count(*) FROM events WHERE kind = 'station.knocked'") or ())
        (listed,) = tuple(await site.readers.row("SELECT count(*) FROM knocks") or ())
        assert (told, listed) == (20, 100)
