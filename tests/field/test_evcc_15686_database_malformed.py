"""evcc 15686: after an update the controller only said "database disk image is malformed", every 15 minutes, for days.

Here the daemon refuses a damaged database in one sentence that says what to do, changes nothing of it, and a restore
over it brings the site back, keeps the damaged file, and never gives a session's number twice.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from gateway.store.migrations import PAGE_BYTES
from tests.end_to_end.running_gateway import PROJECT
from tests.field.stage import configured, ocpp_gateway, site

# A machine whose power fails before the n-th time that a file gets another name.
_CUT_OFF = """
import os, sys
left = int(sys.argv[1])
def cut_off(real):
    def changed(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*arguments, **options)
    return changed
os.rename, os.replace, os.link = cut_off(os.rename), cut_off(os.replace), cut_off(os.link)
from gateway.__main__ import main
sys.exit(main(sys.argv[2:]))
"""


async def charge(directory: Path, at: str) -> int:
    """One session at a running gateway; its number."""
    async with site(directory) as (gateway, _), gateway.station() as station:
        transaction = int((await station.starts(1, "VALID", at=at))["transactionId"])
        await station.stops(transaction, at=at)
    return transaction


def damage(database: Path) -> bytes:
    """Break every page but the first few, as a worn SD card does; what the file is now."""
    content = bytearray(database.read_bytes())
    for begin in range(2 * PAGE_BYTES, len(content), PAGE_BYTES):
        content[begin : begin + 64] = b"\xa5" * 64
    database.write_bytes(content)
    return bytes(content)


async def test_a_damaged_database_is_told_and_restored_over(tmp_path: Path) -> None:
    configuration, database, copy = tmp_path / "gateway.toml", tmp_path / "data" / "gateway.db", tmp_path / "copy.db"
    first = await charge(tmp_path, "2027-01-15T08:00:00Z")
    assert ocpp_gateway(configuration, "backup", str(copy)).returncode == 0
    lost = await charge(tmp_path, "2027-01-15T09:00:00Z")
    damaged = damage(database)

    refused = ocpp_gateway(configuration, "run")
    assert refused.returncode == 1
    assert "damaged" in refused.stderr and "restore a backup" in refused.stderr
    assert "Traceback" not in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert database.read_bytes() == damaged

    restored = ocpp_gateway(configuration, "restore", str(copy), "--yes")
    assert restored.returncode == 0, restored.stderr
    assert [kept.read_bytes() for kept in (tmp_path / "data" / "backups").glob("damaged-*.db")] == [damaged]
    async with site(tmp_path) as (_, operator):
        assert [one["transaction_id"] for one in await operator.sessions()] == [first]
    assert await charge(tmp_path, "2027-01-15T10:00:00Z") > lost


def test_a_restore_that_is_cut_off_can_be_done_again_and_hides_nothing(tmp_path: Path) -> None:
    configuration = configured(tmp_path)
    assert ocpp_gateway(configuration, "token", "create", "--role", "viewer").returncode == 0
    copy, data = tmp_path / "copy.db", tmp_path / "data"
    assert ocpp_gateway(configuration, "backup", str(copy)).returncode == 0
    damage(data / "gateway.db")
    before = shutil.copytree(data, tmp_path / "before")
    words = ["restore", str(copy), "--yes", "--config", str(configuration)]
    for renames in range(10):
        shutil.rmtree(data)
        shutil.copytree(before, data)
        command = [sys.executable, "-c", _CUT_OFF, str(renames), *words]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
        opened = ocpp_gateway(configuration, "token", "create", "--role", "viewer")
        if opened.returncode != 0:
            assert "damaged" in opened.stderr and "restore a backup" in opened.stderr
        else:
            connection = sqlite3.connect(data / "gateway.db")
            (tokens,) = connection.execute("SELECT count(*) FROM tokens").fetchone()
            connection.close()
            assert tokens == 2, f"an empty database after {renames} renames: {sorted(os.listdir(data))}"
        if done.returncode == 0:
            return
    raise AssertionError("the restore never ended")
