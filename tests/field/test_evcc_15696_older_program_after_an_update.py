"""evcc 15696: an update went wrong, people went back to the older program, and its database no longer opened.

Here the older program says in one sentence that the database is newer and what the two ways out are, leaves it as it
is, and a backup from before the update restores over it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from gateway.store.migrations import newest_version
from tests.field.stage import ocpp_gateway, site


async def test_the_way_back_from_an_update(tmp_path: Path) -> None:
    configuration, database, copy = tmp_path / "gateway.toml", tmp_path / "data" / "gateway.db", tmp_path / "copy.db"
    async with site(tmp_path) as (gateway, operator), gateway.station() as station:
        await station.charges(1)
        copy.write_bytes(await operator.backup())
        after_backup = (await station.starts(2, "OTHER"))["transactionId"]
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {newest_version() + 1}")
        newer.execute("CREATE TABLE of_tomorrow (id INTEGER PRIMARY KEY) STRICT")
        newer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = database.read_bytes()

    refused = ocpp_gateway(configuration, "run")
    assert refused.returncode == 1
    for word in ("newer program", "restore a backup", f"schema version {newest_version() + 1}"):
        assert word in refused.stderr
    assert "Traceback" not in refused.stderr
    assert database.read_bytes() == before

    restored = ocpp_gateway(configuration, "restore", str(copy), "--yes")
    assert restored.returncode == 0, restored.stderr
    async with site(tmp_path) as (gateway, operator), gateway.station() as station:
        assert [one["connector"] for one in await operator.sessions(open="true")] == [1]
        assert (await station.starts(2, "VALID", at="2027-01-15T09:00:00Z"))["transactionId"] > after_backup
