"""One row per connector."""

from __future__ import annotations

from pathlib import Path

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, StationId
from gateway.model.instants import Instant
from gateway.store import connectors
from tests.unit.store.opened_database import CP, NOW, opened_database

FREE = ConnectorState("Available", "NoError", NOW, NOW)
BUSY = ConnectorState("Charging", "HighTemperature", Instant(NOW + 1), NOW, "hot", "vendor", "E7")


async def test_the_newest_state_is_the_state(tmp_path: Path) -> None:
    one = ConnectorId(1)
    async with opened_database(tmp_path) as database:
        assert await database.write(lambda db: connectors.find(db, CP, one)) is None
        for state in (FREE, BUSY):
            await database.write(lambda db, state=state: connectors.record(db, CP, one, state))  # type: ignore[misc]
            assert await database.write(lambda db: connectors.find(db, CP, one)) == state
        assert await database.write(lambda db: connectors.find(db, CP, ConnectorId(0))) is None
        assert await database.write(lambda db: connectors.find(db, StationId("CP2"), one)) is None
